"""The addresses and ports in the variables, the command and the health check of a container."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from portside.config.deferred_values import as_written, has_deferred, is_token

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # nosec B104 # nothing listens here
_SCHEME_PORTS = {"http": 80, "https": 443}
# These are followed by a host; s3://, sqlite:// and doctrine:// are not.
_NETWORK_SCHEMES = re.compile(
    r"https?|wss?|grpcs?|tcp|udp|rediss?|valkey|mongodb|postgres(?:ql)?|mysql|mariadb|mssql|sqlserver|amqps?|nats|kafka"
    r"|mqtts?|ldaps?|smtps?|memcached|elasticsearch|opensearch|clickhouse|zookeeper"
)
# Names that only Docker and Kubernetes resolve: https://docs.docker.com/desktop/features/networking/,
# https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
_ELSEWHERE = re.compile(r"(?:host|gateway)\.docker\.internal|[\w.-]+\.svc(?:\.cluster\.local)?", re.I)


@dataclass(frozen=True)
class Address:
    """A host and a port in a text; None if the text doesn't contain it.

    `is_certain` if it can only be the address of a server: in a URL, or with a port.
    """

    host: str | None
    port: int | None
    is_certain: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether only Docker or Kubernetes resolve the name of the host."""
        return bool(self.host and _ELSEWHERE.fullmatch(self.host))


def addresses(variables: Mapping[str, object]) -> Iterator[tuple[str, Address, str]]:
    """Each variable with its address and its text: a URL, or a host and a port in X_HOST and X_PORT."""
    for key, value in variables.items():
        if not isinstance(value, str) or is_token(value) or has_deferred(value):
            continue
        if "://" in value:
            if found := of_url(value):
                yield key, found, value
        elif key.endswith("_HOST"):
            yield key, Address(value, None, is_certain=f"{key.removesuffix('_HOST')}_PORT" in variables), value
        elif key.endswith("_PORT") and value.isascii() and value.isdecimal():
            host = variables.get(f"{key.removesuffix('_PORT')}_HOST")
            if isinstance(host, str):
                yield key, Address(host, int(value)), value


def of_url(text: str) -> Address | None:
    """The address in a URL; None if it can't be parsed."""
    try:
        url = urlsplit(text.removeprefix("jdbc:"))
        scheme = url.scheme.lower().partition("+")[0]
        return Address(
            url.hostname, url.port or _SCHEME_PORTS.get(scheme), is_certain=bool(_NETWORK_SCHEMES.fullmatch(scheme))
        )
    except ValueError:  # the application may use URLs of other kinds
        return None


# The variables that set the port of a server, by convention or in a framework.
OWN_PORT = (
    "PORT",
    "SERVER_PORT",
    "QUARKUS_HTTP_PORT",
    "MICRONAUT_SERVER_PORT",
    "UVICORN_PORT",
    "NUXT_PORT",
    "NITRO_PORT",
    "FLASK_RUN_PORT",
    "ROCKET_PORT",
    "LISTEN_ADDR",
    # https://learn.microsoft.com/en-us/aspnet/core/fundamentals/servers/kestrel/endpoints
    "ASPNETCORE_HTTP_PORTS",
    "ASPNETCORE_URLS",
    "DOTNET_URLS",
)
_ANY_INTERFACE = r"(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\]|\*|\+)?"
_LISTENING = re.compile(rf"(?:(?:\w+://)?{_ANY_INTERFACE}:)?([0-9]{{1,5}})/?")
# With a scheme, an address on this machine is a server that the container calls.
_ALSO_LISTENING = re.compile(rf"(?:[-\w.]+=)?(?:{_ANY_INTERFACE}|\w+://(?:0\.0\.0\.0|\[::\]|\*|\+)?):([0-9]{{1,5}})/?")
_OPTION = re.compile(
    r"(?<!\S)(?:(?:--|-D)(?:server\.)?port[= ]"
    rf"|(?:-b|--bind|--listen|--web\.listen-address)[= ]{_ANY_INTERFACE}:)([0-9]{{1,5}})(?!\S)"
)
_OTHER_PORT_OPTION = re.compile(r"(?<!\S)--?[\w.-]*port[= ]([0-9]{1,5})(?!\S)")
_OTHER_HOST_OPTION = re.compile(r"(?<!\S)--host[= ](?!0\.0\.0\.0|localhost|127\.|\[?::|\*)")


def ports_of(text: str) -> set[int]:
    """The ports in the value of one of `OWN_PORT`, such as `8080` or `http://+:8080`; empty if it can't be parsed."""
    found = [_LISTENING.fullmatch(each.strip()) for each in text.split(";")]
    return {int(each[1]) for each in found if each} if all(found) else set()


def ports_of_command(command: Sequence[object]) -> set[int]:
    """The ports that a command passes to a server; empty if it also passes another host."""
    text = " ".join(word for word in command if isinstance(word, str))
    return set() if _OTHER_HOST_OPTION.search(text) else {int(found[1]) for found in _OPTION.finditer(text)}


def further_ports(variables: Mapping[str, object], command: Sequence[object]) -> Iterator[int]:
    """The other ports of a container: in X_PORT, unless X_HOST is another host, and in addresses to listen on."""
    for key, value in variables.items():
        if not isinstance(value, str) or key in OWN_PORT:
            continue
        host = variables.get(f"{key.removesuffix('PORT')}HOST", LOOPBACK[0])
        is_own = key.endswith("PORT") and host in LOOPBACK
        if is_own and value.isascii() and value.isdecimal():
            yield int(value)
        elif found := _ALSO_LISTENING.fullmatch(value):
            yield int(found[1])
    words = [word for word in command if isinstance(word, str)]
    yield from (int(found[1]) for word in words if (found := _ALSO_LISTENING.fullmatch(word)))
    yield from (int(found[1]) for found in _OTHER_PORT_OPTION.finditer(" ".join(words)))


_URL = re.compile(r"\bhttps?://[^\s'\"|;&<>)\\]+", re.I)
# The text is incomplete: the program appends to it when it runs.
_CONTINUED = re.compile(r"['\"]\s*(?:[+%]|\.format\b)")
_LOOPBACK = r"(?<![\w./@-])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])"
_HOST_AND_PORT = re.compile(_LOOPBACK + r"['\"]?(?:[: ]|,\s*(?:port\s*[:=]\s*)?['\"]?)([0-9]{1,5})(?![\w.])")
_OTHER_HOST = re.compile(
    r"(?:\bhost(?:name)?['\"]?\s*[:= ]\s*|(?<!\S)-h[ =]?)['\"]?(?!localhost|127\.|0\.0\.0\.0|\[?::)[\w.$-]", re.I
)
# Without a host these address the container itself.
_PORT_ALONE = (
    re.compile(r"(?<![\w.-])(?:--)?port['\"]?\s*[:= ]\s*['\"]?([0-9]{2,5})(?![\w.])"),
    # grpc_health_probe, Go's flags: https://github.com/grpc-ecosystem/grpc-health-probe
    re.compile(r"(?:(?<=[\s=])|^):([0-9]{2,5})(?![\w.:])"),
    re.compile(r"\b(?:redis-cli|valkey-cli|pg_isready)\b[^|;&]*?\s-p[ =]?([0-9]{2,5})(?!\w)"),
    re.compile(r"\b(?:mysqladmin|mariadb-admin)\b[^|;&]*?\s-P[ =]?([0-9]{2,5})(?!\w)"),
)


def health_check_addresses(command: Sequence[object]) -> Iterator[tuple[Address, str]]:
    """The addresses that a health command calls, each once, with its text; those with variables are omitted."""
    text = as_written(" ".join(word for word in command if isinstance(word, str) and not is_token(word)))
    seen: set[tuple[str | None, int | None]] = set()
    for address, got in _addresses_in(text):
        if (address.host, address.port) not in seen:
            yield address, got
        seen.add((address.host, address.port))


def _addresses_in(text: str) -> Iterator[tuple[Address, str]]:
    for url in _URL.finditer(text):
        is_continued = url[0].endswith(":") or _CONTINUED.match(text, url.end())
        if not is_continued and not re.search(r"[${}]", url[0]) and (found := of_url(url[0])):
            yield found, url[0]
    rest = _URL.sub(" ", text)
    for pair in _HOST_AND_PORT.finditer(rest):
        yield Address(pair[1].strip("[]"), int(pair[2])), pair[0]
    if not _OTHER_HOST.search(rest):
        for way in _PORT_ALONE:
            yield from ((Address(LOOPBACK[0], int(found[1])), f"port {found[1]}") for found in way.finditer(rest))
