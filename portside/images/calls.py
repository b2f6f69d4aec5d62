"""Calls of registries and of GitHub's API: bounded in time and size, tried again, and the token kept in.

No exception of the HTTP library leaves this module, since those carry requests with their headers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import TypeVar

# httpx would load these two during the first call, which takes a tenth of a second.
import anyio._backends._asyncio  # noqa: F401
import httpcore  # noqa: F401
import httpx
import stamina
from stamina.instrumentation import set_on_retry_hooks

from portside.errors import UsageError
from portside.images import failures
from portside.images.access import Token, is_loopback
from portside.images.failures import Failed, FailedInPassing
from portside.images.location import Location

USER_AGENT = "portside"

_Parsed = TypeVar("_Parsed")
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 500, 502, 503, 504)
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,60}/[\w.+-]{1,80}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}")
_LONGEST_ADDRESS = 200
_LOGGERS = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy")

# What is tried again is told by `tell`; stamina would log it, which Python prints where nobody set up logging.
set_on_retry_hooks(())


@dataclass(frozen=True)
class Limits:
    """How long and how much is waited for."""

    connect_seconds: float = 5
    read_seconds: float = 10
    answer_seconds: float = 15
    answer_bytes: int = 8 * 1024 * 1024
    attempts: int = 4
    redirects: int = 5


class Misshapen(ValueError):
    """What came is JSON, but says something else than was asked; the message names what was wanted."""


@dataclass(frozen=True)
class Call:
    """One question on behalf of an image.

    `bearer` goes into the header `Authorization`, and only to the host of `url`. An answer of which the `digest` (and
    with it maybe the `size`) is known proves itself, so it may come from another host.
    """

    url: httpx.URL
    location: Location
    accept: str = "application/json"
    method: str = "GET"
    bearer: Token | None = None
    digest: str | None = None
    size: int | None = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Answer:
    """What came: `url` is where it came from in the end."""

    url: httpx.URL
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def address(self) -> str:
        """Where it came from, as messages have it."""
        return address_of(self.url)

    @property
    def host(self) -> str:
        """The host it came from, with its port."""
        return host_of(self.url)

    @property
    def media_type(self) -> str:
        """What it says that it is, as messages have it."""
        found = _MEDIA_TYPE.match(self.headers.get("content-type", ""))
        return found[0].lower() if found else "something without a type"

    def parsed(self, parse: Callable[[object], _Parsed], wanted: str) -> _Parsed:
        """What its JSON says. Raises `Failed` where it is none, or says something else than `wanted`."""
        try:
            return parse(json.loads(self.body))
        except Misshapen as error:
            came = f"{self.media_type} that is not {wanted}: {error}"
        except (ValueError, RecursionError):
            came = f"{self.media_type} that is not JSON, where {wanted} was expected"
        raise Failed(failures.malformed(self.address, f"{came} (HTTP {self.status})"))

    def next_page(self) -> httpx.URL | None:
        """The page that `Link` names, if it is on the same host."""
        try:
            links = httpx.Response(200, headers={"Link": self.headers.get("link", "")}).links
        except (ValueError, IndexError, KeyError):
            return None
        target = target_of(self.url, links.get("next", {}).get("url"))
        return target if target is not None and is_same_origin(self.url, target) else None


class Caller:
    """An open connection to registries and the API, for as long as an `async with` lasts.

    `deadline` is a moment of the running loop's clock: no wait goes beyond it.
    """

    def __init__(
        self, token: Token | None, tell: Callable[[str], None], limits: Limits, deadline: float = float("inf")
    ) -> None:
        self._token, self._tell, self._limits, self.deadline = token, tell, limits, deadline
        self._told: set[str] = set()
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}
        self._trusted: ssl.SSLContext | None = None
        self._asked: list[tuple[str, str]] = []

    async def __aenter__(self) -> Caller:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients.values():
            await client.aclose()

    def waiting_for(self, reference: str) -> list[str]:
        """The addresses from which an image's answers are still to come."""
        return [address for whose, address in self._asked if whose == reference]

    async def ask(self, call: Call) -> Answer:
        """The answer to a call, whatever its status. What fails in passing is tried again; raises `Failed`."""
        tries = 0

        def backoff(error: Exception) -> bool | float:
            if not isinstance(error, FailedInPassing):
                return False
            wait = error.wait_seconds
            if wait is not None and asyncio.get_running_loop().time() + wait >= self.deadline:
                return False
            if tries < self._limits.attempts:
                pause = "" if wait is None else f" in {wait:.0f} s"
                self._say(f"{call.location.label}: {error.failure.sentence}; trying again{pause}")
            return True if wait is None else wait

        noted = (call.location.reference, address_of(call.url))
        self._asked.append(noted)
        try:
            async for attempt in stamina.retry_context(
                on=backoff,
                attempts=self._limits.attempts,
                timeout=None,
                wait_initial=0.25,
                wait_max=5,
                wait_jitter=0.5,
            ):
                with attempt:
                    tries = attempt.num
                    return await self._follow(call)
        except FailedInPassing as error:
            failure = failures.several_times(error.failure, tries)
        finally:
            self._asked.remove(noted)
        raise Failed(failure)

    async def _follow(self, call: Call) -> Answer:
        url, bearer = call.url, call.bearer
        asked = {url}
        for _ in range(self._limits.redirects + 1):
            answer = await self._fetch(call, url, bearer)
            if answer.status not in _REDIRECTS:
                self._raise_what_passes(call, answer)
                _verify(call, answer)
                return answer
            target = target_of(url, answer.headers.get("location"))
            if target is None:
                raise Failed(failures.malformed(answer.address, f"a redirect to nowhere (HTTP {answer.status})"))
            if not is_same_origin(call.url, target):
                is_safe = target.scheme == "https" or is_loopback(target.host)
                if call.digest is None or not is_safe:
                    with_token = call.bearer is not None and call.bearer is self._token
                    raise Failed(failures.leads_elsewhere(answer.address, host_of(target), with_token=with_token))
                bearer = None
            if target in asked:
                raise Failed(failures.redirects_in_a_circle(address_of(call.url), address_of(target)))
            asked.add(target)
            url = target
        raise Failed(failures.too_many_redirects(address_of(call.url), self._limits.redirects))

    async def _fetch(self, call: Call, url: httpx.URL, bearer: Token | None) -> Answer:
        address, headers = address_of(url), None
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                response = await self._client(url, call.location).send(self._request(call, url, bearer), stream=True)
                try:
                    headers = response.headers
                    return Answer(url, response.status_code, headers, await self._read(response, address))
                finally:
                    await response.aclose()
        except TimeoutError:
            failure = failures.too_slow(address, f"no whole answer within {self._limits.answer_seconds:g} s")
            failed = Failed(failure)
        except httpx.TimeoutException as error:
            failed = FailedInPassing(failures.too_slow(address, self._what_was_awaited(error)))
        except httpx.DecodingError:
            failed = Failed(failures.malformed(address, "a body that cannot be decoded"))
        except httpx.RemoteProtocolError as error:
            if "peer closed" in str(error):
                failed = FailedInPassing(failures.cut_short(address))
            elif "location header" in str(error):
                failed = Failed(failures.malformed(address, "a redirect to nowhere"))
            elif "disconnected" in str(error):
                failed = FailedInPassing(failures.unreachable(host_of(url), "it hangs up without an answer"))
            else:
                failed = Failed(failures.malformed(address, "something that is not HTTP"))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            failed = _unreachable(url, error, has_begun=headers is not None)
        raise failed

    def _client(self, url: httpx.URL, location: Location) -> httpx.AsyncClient:
        """The connections of one image: in a pool shared by all, each call would look at everybody's connections."""
        key = (url.scheme, location.reference)
        if key not in self._clients:
            # Loading the trusted certificates takes a tenth of a second, for which http need not wait.
            if url.scheme == "https" and self._trusted is None:
                self._trusted = _trusted_certificates()
            self._clients[key] = _open_client(self._trusted if url.scheme == "https" else None, self._limits)
        return self._clients[key]

    def _request(self, call: Call, url: httpx.URL, bearer: Token | None) -> httpx.Request:
        headers = {"Accept": call.accept, **(call.headers or {})}
        request = self._client(url, call.location).build_request(call.method, url, headers=headers)
        if bearer is not None:
            request.headers["Authorization"] = f"Bearer {bearer.reveal()}"
        return request

    async def _read(self, response: httpx.Response, address: str) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.answer_bytes:
                raise Failed(failures.endless(address, self._limits.answer_bytes))
        return bytes(body)

    def _what_was_awaited(self, error: httpx.TimeoutException) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            return f"no connection within {self._limits.connect_seconds:g} s"
        return f"nothing came for {self._limits.read_seconds:g} s"

    def _raise_what_passes(self, call: Call, answer: Answer) -> None:
        wait = _wait_seconds(answer)
        if _is_rate_limit(answer):
            until = _local_time(wait)
            token_helps = self._token is None and call.location.is_on_github
            failure = failures.rate_limited(answer.host, answer.status, until, token_helps=token_helps)
            raise FailedInPassing(failure, wait)
        if answer.status in _PASSING:
            raise FailedInPassing(failures.server_error(answer.host, answer.status), wait)

    def _say(self, message: str) -> None:
        """Tell a person what has not been told of any image yet: all ask the same servers."""
        sentence = message.partition(": ")[2]
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(self._token.hidden_in(message) if self._token else message)


def address_of(url: httpx.URL) -> str:
    """An address without query and credentials, as messages have it."""
    path = url.raw_path.decode("ascii", "replace").partition("?")[0]
    address = f"{url.scheme}://{host_of(url)}{path}"
    return address if len(address) <= _LONGEST_ADDRESS else f"{address[: _LONGEST_ADDRESS - 1]}…"


def host_of(url: httpx.URL) -> str:
    """A host and its port."""
    return url.netloc.decode("ascii", "replace")


def is_same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses are those of one server."""
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def target_of(base: httpx.URL, reference: str | None) -> httpx.URL | None:
    """Where a server sends us, without credentials, or None where that is no address of http or https."""
    if not reference:
        return None
    try:
        target = base.join(reference).copy_with(username="", password="", fragment=None)  # nosec B106 # takes it out
    except (httpx.InvalidURL, ValueError):
        return None
    return target if target.scheme in ("http", "https") and target.host else None


@contextmanager
def unlogged(token: Token | None) -> Iterator[None]:
    """Keep a token out of the HTTP library's logs while the block runs, should a server send it back."""

    def is_harmless(record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return token is None or token.hidden_in(said) == said

    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(is_harmless)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_harmless)


def _trusted_certificates() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError:
        pass
    raise UsageError(
        "the environment names certificates that cannot be read", "Look at SSL_CERT_FILE and SSL_CERT_DIR."
    )


def _open_client(trusted: ssl.SSLContext | None, limits: Limits) -> httpx.AsyncClient:
    """`trusted` is None where no connection of TLS is to come about."""
    try:
        return httpx.AsyncClient(
            verify=trusted or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds, pool=None),
            follow_redirects=False,
            # What one server sets must not reach another on the same machine.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        pass
    raise UsageError(
        "the environment names a proxy that cannot be used", "Look at HTTP_PROXY, HTTPS_PROXY and ALL_PROXY."
    )


def _verify(call: Call, answer: Answer) -> None:
    """Raise `Failed` where the content is not that of its digest, in passing where the end of it is missing."""
    if answer.status != 200 or call.method == "HEAD":
        return
    stated = answer.headers.get("docker-content-digest", "")
    expected = [each for each in (call.digest, stated) if each and each.startswith("sha256:")]
    wrong = [each for each in expected if each != digest_of(answer.body)]
    is_delimited = "content-length" in answer.headers or "transfer-encoding" in answer.headers
    if (wrong or not is_delimited) and _is_cut_short(answer.body, call.size):
        raise FailedInPassing(failures.cut_short(answer.address))
    if wrong:
        raise Failed(failures.mismatch(answer.address, wrong[0]))


def digest_of(body: bytes) -> str:
    """The digest that a registry gives to content."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _is_cut_short(body: bytes, size: int | None) -> bool:
    if size is not None:
        return len(body) < size
    text = body.strip()
    closing = {b"{": b"}", b"[": b"]"}.get(text[:1])
    return not text or (closing is not None and not text.endswith(closing))


def _is_rate_limit(answer: Answer) -> bool:
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    is_used_up = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    return is_used_up or "retry-after" in answer.headers or "rate limit" in message_of(answer).lower()


def message_of(answer: Answer) -> str:
    """What GitHub's API says about a refusal; not to be shown, since anybody may have written it."""
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return ""
    message = said.get("message") if isinstance(said, dict) else None
    return message if isinstance(message, str) else ""


def _wait_seconds(answer: Answer) -> float | None:
    """How long a server wants us to wait, in seconds."""
    asked = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    moment = _http_date(asked)
    if moment is None and answer.headers.get("x-ratelimit-remaining", "").strip() == "0":
        reset = answer.headers.get("x-ratelimit-reset", "").strip()
        # A second more, since the moment is given in whole ones.
        moment = float(reset) + 1 if _SECONDS.fullmatch(reset) else None
    return None if moment is None else max(0.0, moment - time.time())


def _http_date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _local_time(wait_seconds: float | None) -> datetime | None:
    if not wait_seconds:
        return None
    try:
        return datetime.fromtimestamp(time.time() + wait_seconds).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _unreachable(url: httpx.URL, error: Exception, *, has_begun: bool) -> Failed:
    host = host_of(url)
    if has_begun:
        return FailedInPassing(failures.cut_short(address_of(url)))
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failed(failures.unreachable(host, f"its certificate is not trusted ({cause.verify_message})"))
        if isinstance(cause, ssl.SSLError):
            return FailedInPassing(failures.unreachable(host, f"no TLS connection ({cause.reason})"))
        if isinstance(cause, socket.gaierror):
            return FailedInPassing(failures.unreachable(host, "its name is not known (DNS)"))
        if isinstance(cause, ConnectionRefusedError):
            return FailedInPassing(failures.unreachable(host, "it refuses the connection"))
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return FailedInPassing(failures.unreachable(host, "the proxy does not let it through"))
    return FailedInPassing(failures.unreachable(host, "the connection broke"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
