"""The addresses that a container's variables and its health command name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from src.late_values import as_written, holds_deferred, is_token

LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # nosec B104 # nothing listens here
_SCHEME_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"\bhttps?://[^\s'\"|;&<>)\\]+", re.I)
_HOST_AND_PORT = re.compile(r"(?<![\w./@-])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])[: ]([0-9]{1,5})(?![\w.])")


@dataclass(frozen=True)
class Address:
    """A host and a port that a text names, None for what it doesn't; `has_scheme` where it is a URL."""

    host: str | None
    port: int | None
    has_scheme: bool = False


def addresses(variables: Mapping[str, object]) -> Iterator[tuple[str, Address, str]]:
    """By variable what it names, with its text: a URL, or a host and a port in X_HOST and X_PORT."""
    for key, value in variables.items():
        if not isinstance(value, str) or is_token(value) or holds_deferred(value):
            continue
        if "://" in value:
            if found := _of_url(value):
                yield key, found, value
        elif key.endswith("_HOST"):
            yield key, Address(value, None), value
        elif key.endswith("_PORT") and value.isascii() and value.isdecimal():
            host = variables.get(f"{key.removesuffix('_PORT')}_HOST")
            if isinstance(host, str):
                yield key, Address(host, int(value)), value


def asked_by(command: Sequence[object]) -> Iterator[tuple[Address, str]]:
    """The addresses that a health command asks, with its text; what a shell fills in is not known."""
    text = as_written(" ".join(word for word in command if isinstance(word, str) and not is_token(word)))
    for url in _URL.finditer(text):
        if not re.search(r"[${}]", url[0]) and (found := _of_url(url[0])):
            yield found, url[0]
    for pair in _HOST_AND_PORT.finditer(_URL.sub(" ", text)):
        yield Address(pair[1].strip("[]"), int(pair[2])), pair[0]


def _of_url(text: str) -> Address | None:
    try:
        url = urlsplit(text.removeprefix("jdbc:"))
        return Address(url.hostname, url.port or _SCHEME_PORTS.get(url.scheme.lower()), has_scheme=True)
    except ValueError:  # not for us to say what a URL of the application must be
        return None
