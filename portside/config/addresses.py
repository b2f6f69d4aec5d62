"""The addresses that a container's variables name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from portside.config.deferred_values import holds_deferred, is_token

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # nosec B104 # nothing listens here
_SCHEME_PORTS = {"http": 80, "https": 443}
# Behind these stands a host; behind s3://, sqlite:// or doctrine:// something else.
_NETWORK_SCHEMES = re.compile(
    r"https?|wss?|grpcs?|tcp|udp|rediss?|valkey|mongodb|postgres(?:ql)?|mysql|mariadb|mssql|sqlserver|amqps?|nats|kafka"
    r"|mqtts?|ldaps?|smtps?|memcached|elasticsearch|opensearch|clickhouse|zookeeper"
)
# What only Docker and Kubernetes resolve: https://docs.docker.com/desktop/features/networking/,
# https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
_ELSEWHERE = re.compile(r"(?:host|gateway)\.docker\.internal|[\w.-]+\.svc(?:\.cluster\.local)?", re.I)


@dataclass(frozen=True)
class Address:
    """A host and a port that a text names, None for what it doesn't.

    `is_certain` where it can't be anything else than the address of a server: in a URL, or where a port is given too.
    """

    host: str | None
    port: int | None
    is_certain: bool = False

    @property
    def is_elsewhere(self) -> bool:
        """Whether only Docker or Kubernetes know a host of that name."""
        return bool(self.host and _ELSEWHERE.fullmatch(self.host))


def addresses(variables: Mapping[str, object]) -> Iterator[tuple[str, Address, str]]:
    """By variable what it names, with its text: a URL, or a host and a port in X_HOST and X_PORT."""
    for key, value in variables.items():
        if not isinstance(value, str) or is_token(value) or holds_deferred(value):
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
    """What a URL names; None where that is not known."""
    try:
        url = urlsplit(text.removeprefix("jdbc:"))
        scheme = url.scheme.lower().partition("+")[0]
        return Address(
            url.hostname, url.port or _SCHEME_PORTS.get(scheme), is_certain=bool(_NETWORK_SCHEMES.fullmatch(scheme))
        )
    except ValueError:  # not for us to say what a URL of the application must be
        return None
