"""Answers of registries and of GitHub's API."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx

from portside.images import failures
from portside.images.failures import Failed

_Parsed = TypeVar("_Parsed")
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}")
_LONGEST_ADDRESS = 200


class Misshapen(ValueError):
    """An answer is JSON with another content than expected; the message describes the difference."""


@dataclass(frozen=True)
class Answer:
    """An answer, with its `url` after redirects."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def address(self) -> str:
        """The address in messages."""
        return address_of(self.url)

    @property
    def host(self) -> str:
        """The host with its port."""
        return host_of(self.url)

    @property
    def media_type(self) -> str:
        """The media type in messages."""
        found = _MEDIA_TYPE.match(self.headers.get("content-type", ""))
        return found[0].lower() if found else "content without a type"

    def parsed(self, parse: Callable[[object], _Parsed], expected: str) -> _Parsed:
        """The value parsed from its JSON. Raises `Failed` if it is not JSON, or not what is expected."""
        try:
            return parse(json.loads(self.body))
        except Misshapen as error:
            content = f"{self.media_type} that is not {expected}: {error}"
        except (ValueError, RecursionError):
            content = f"{self.media_type} that is not JSON, instead of {expected}"
        raise Failed(failures.malformed(address=self.address, answer=f"{content} (HTTP {self.status})"))

    def next_page(self) -> httpx.URL | None:
        """The next page in the header `Link`, if it is on the same host."""
        try:
            links = httpx.Response(200, headers={"Link": self.headers.get("link", "")}).links
        except (ValueError, IndexError, KeyError):
            return None
        target = target_of(self.url, links.get("next", {}).get("url"))
        return target if target is not None and is_same_origin(self.url, target) else None


def address_of(url: httpx.URL) -> str:
    """An address in messages, without query and credentials."""
    path = url.raw_path.decode("ascii", "replace").partition("?")[0]
    address = f"{url.scheme}://{host_of(url)}{path}"
    return address if len(address) <= _LONGEST_ADDRESS else f"{address[: _LONGEST_ADDRESS - 1]}…"


def host_of(url: httpx.URL) -> str:
    """A host and its port."""
    return url.netloc.decode("ascii", "replace")


def is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses are of the same server."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def target_of(base: httpx.URL, reference: str | None) -> httpx.URL | None:
    """The target of a redirect, without credentials; None if it is not an address of http or https."""
    if not reference:
        return None
    try:
        target = base.join(reference).copy_with(username="", password="", fragment=None)  # nosec B106 # takes it out
    except (httpx.InvalidURL, ValueError):
        return None
    return target if target.scheme in ("http", "https") and target.host else None


def digest_of(body: bytes) -> str:
    """The digest of content in a registry."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def is_rate_limit(answer: Answer) -> bool:
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    is_used_up = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    return is_used_up or "retry-after" in answer.headers or "rate limit" in message_of(answer).lower()


def message_of(answer: Answer) -> str:
    """The message in an error of GitHub's API. It must not be shown, because its content is not trusted."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    message = said.get("message") if isinstance(said, dict) else None
    return message if isinstance(message, str) else ""


def wait_seconds(answer: Answer) -> float | None:
    """The seconds to wait before a retry, as the server requests."""
    asked = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    moment = _http_date(asked)
    if moment is None and answer.headers.get("x-ratelimit-remaining", "").strip() == "0":
        reset = answer.headers.get("x-ratelimit-reset", "").strip()
        # One second more, because the time is in whole seconds.
        moment = float(reset) + 1 if _SECONDS.fullmatch(reset) else None
    return None if moment is None else max(0.0, moment - time.time())


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
