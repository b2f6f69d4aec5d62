"""The ports on which a container's variables and its command say that it listens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from portside.config.addresses import LOOPBACK

# How a program is given the port that it listens on, by convention or by its framework.
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
# With a scheme, an address on this machine is one that is asked.
_ALSO_LISTENING = re.compile(rf"(?:[-\w.]+=)?(?:{_ANY_INTERFACE}|\w+://(?:0\.0\.0\.0|\[::\]|\*|\+)?):([0-9]{{1,5}})/?")
_OPTION = re.compile(
    r"(?<!\S)(?:(?:--|-D)(?:server\.)?port[= ]"
    rf"|(?:-b|--bind|--listen|--web\.listen-address)[= ]{_ANY_INTERFACE}:)([0-9]{{1,5}})(?!\S)"
)
_OTHER_PORT_OPTION = re.compile(r"(?<!\S)--?[\w.-]*port[= ]([0-9]{1,5})(?!\S)")
_OTHER_HOST = re.compile(r"(?<!\S)--host[= ](?!0\.0\.0\.0|localhost|127\.|\[?::|\*)")


def ports_of(text: str) -> set[int]:
    """The ports in the text of one of `OWN_PORT`, such as `8080` or `http://+:8080;http://+:8081`; none if unclear."""
    found = [_LISTENING.fullmatch(each.strip()) for each in text.split(";")]
    return {int(each[1]) for each in found if each} if all(found) else set()


def ports_of_command(command: Sequence[object]) -> set[int]:
    """The ports that a command gives to a server; none where it also names a host that is not its own."""
    text = " ".join(word for word in command if isinstance(word, str))
    return set() if _OTHER_HOST.search(text) else {int(found[1]) for found in _OPTION.finditer(text)}


def further_ports(variables: Mapping[str, object], command: Sequence[object]) -> Iterator[int]:
    """The ports of a container beside that of `OWN_PORT`: in X_PORT of no other X_HOST, and in listening addresses."""
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
