"""What a health command asks: hosts and ports, in the ways of curl, JavaScript, Python and databases' clients."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from portside.config.addresses import LOOPBACK, Address, of_url
from portside.config.deferred_values import as_written, is_token

_URL = re.compile(r"\bhttps?://[^\s'\"|;&<>)\\]+", re.I)
# What a program adds to a text when it runs, which says more than the text does.
_CONTINUED = re.compile(r"['\"]\s*(?:[+%]|\.format\b)")
_LOOPBACK = r"(?<![\w./@-])(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])"
_HOST_AND_PORT = re.compile(_LOOPBACK + r"['\"]?(?:[: ]|,\s*(?:port\s*[:=]\s*)?['\"]?)([0-9]{1,5})(?![\w.])")
_OTHER_HOST = re.compile(
    r"(?:\bhost(?:name)?['\"]?\s*[:= ]\s*|(?<!\S)-h[ =]?)['\"]?(?!localhost|127\.|0\.0\.0\.0|\[?::)[\w.$-]", re.I
)
# Without a host these mean the container itself.
_PORT_ALONE = (
    re.compile(r"(?<![\w.-])(?:--)?port['\"]?\s*[:= ]\s*['\"]?([0-9]{2,5})(?![\w.])"),
    # grpc_health_probe, Go's flags: https://github.com/grpc-ecosystem/grpc-health-probe
    re.compile(r"(?:(?<=[\s=])|^):([0-9]{2,5})(?![\w.:])"),
    re.compile(r"\b(?:redis-cli|valkey-cli|pg_isready)\b[^|;&]*?\s-p[ =]?([0-9]{2,5})(?!\w)"),
    re.compile(r"\b(?:mysqladmin|mariadb-admin)\b[^|;&]*?\s-P[ =]?([0-9]{2,5})(?!\w)"),
)


def asked_by(command: Sequence[object]) -> Iterator[tuple[Address, str]]:
    """The addresses that a health command asks, each once, with its text; what is filled in later is not known."""
    text = as_written(" ".join(word for word in command if isinstance(word, str) and not is_token(word)))
    seen: set[tuple[str | None, int | None]] = set()
    for address, got in _asked_in(text):
        if (address.host, address.port) not in seen:
            yield address, got
        seen.add((address.host, address.port))


def _asked_in(text: str) -> Iterator[tuple[Address, str]]:
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
