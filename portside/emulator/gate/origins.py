"""Distinguishes requests of programs from those that a web page may have made.

A page of another site can send requests to 127.0.0.1, also by making its own name resolve to it (DNS rebinding). The
browser shows this in `Host`, `Origin` and the fetch metadata (https://www.w3.org/TR/fetch-metadata/), which pages can't
change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LOOPBACK_NAMES = ("localhost", "127.0.0.1")

# A bucket in front of the host, as SDKs send it without `s3ForcePathStyle`.
_BUCKET_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\.(?:s3\.(?:[a-z0-9-]+\.)?)?localhost")
_OUR_OWN = ("same-origin", "none")


def problem(headers: Mapping[str, str], port: int, *, buckets: bool = False, visitors: bool = False) -> str:
    """Why a request is refused before any other check; empty if it is not.

    `headers` have lower-case names. With `buckets`, S3's virtual hosts are accepted too. With `visitors`, links on
    other sites are accepted, as by any web site; their scripts, forms and frames are not.
    """
    host = headers.get("host", "").lower()
    name, _, given_port = host.rpartition(":") if ":" in host else (host, "", "80")
    is_ours = name in LOOPBACK_NAMES or (buckets and _BUCKET_HOST.fullmatch(name) is not None)
    if not is_ours or given_port != str(port):
        return f"the host {_shown(host)} is not this server's: use 127.0.0.1:{port} or localhost:{port}"
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{host}":
        return f"requests of web pages from {_shown(origin)} are not answered"
    site = headers.get("sec-fetch-site", "none")
    if site not in _OUR_OWN and not (visitors and _is_followed_link(headers)):
        return "requests of other sites' web pages are not answered"
    return ""


def _is_followed_link(headers: Mapping[str, str]) -> bool:
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")


def _shown(text: str) -> str:
    """In ASCII and short, for an answer and a log."""
    return ascii(text[:100])
