"""Calls registries and GitHub's API, with limits of time and size, retries, and without leaking the token.

No exception of the HTTP library leaves this module, because they contain requests with their headers.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType

# httpx would load these during the first call, which takes a tenth of a second.
import anyio._backends._asyncio  # noqa: F401
import httpcore  # noqa: F401
import httpx
import stamina
from stamina.instrumentation import set_on_retry_hooks

from portside.errors import UsageError
from portside.images import failures
from portside.images.access import DOCKER_HUB, Token, is_loopback
from portside.images.answer import (
    Answer,
    address_of,
    digest_of,
    host_of,
    is_rate_limit,
    is_same_origin,
    target_of,
    wait_seconds,
)
from portside.images.failures import Failed, TemporarilyFailed
from portside.images.location import Location

USER_AGENT = "portside"

_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 500, 502, 503, 504)
_LOGGERS = ("httpx", "httpcore", "httpcore.connection", "httpcore.http11", "httpcore.proxy")

# Retries are reported with `report`. stamina would log them, which Python prints if logging is not set up.
set_on_retry_hooks(())


@dataclass(frozen=True)
class Limits:
    """The limits of a call."""

    connect_seconds: float = 5
    read_seconds: float = 10
    answer_seconds: float = 15
    answer_bytes: int = 8 * 1024 * 1024
    attempts: int = 4
    redirects: int = 5


@dataclass(frozen=True)
class Call:
    """One request for an image.

    `bearer`, a token or a login, is sent in the header `Authorization`, and only to the host of `url`. An answer with a
    known `digest` is verified, so it can come from another host.
    """

    url: httpx.URL
    location: Location
    accept: str = "application/json"
    method: str = "GET"
    bearer: Token | None = None
    digest: str | None = None
    size: int | None = None
    headers: Mapping[str, str] | None = None


class Caller:
    """Connections to registries and the API, which `async with` closes.

    `deadline` is a time of the running loop's clock: no retry waits longer.
    """

    def __init__(
        self, token: Token | None, report: Callable[[str], None], limits: Limits, deadline: float = float("inf")
    ) -> None:
        self._token, self._report_to, self._limits, self.deadline = token, report, limits, deadline
        self._reported: set[str] = set()
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
        """The addresses that have not answered for an image."""
        return [address for owner, address in self._asked if owner == reference]

    async def ask(self, call: Call) -> Answer:
        """The answer to a call with any status. Temporary failures are retried. Raises `Failed`."""
        tries = 0

        def backoff(error: Exception) -> bool | float:
            if not isinstance(error, TemporarilyFailed):
                return False
            wait = error.wait_seconds
            if wait is not None and asyncio.get_running_loop().time() + wait >= self.deadline:
                return False
            if tries < self._limits.attempts:
                pause = "" if wait is None else f" in {wait:.0f} s"
                self._report(f"{call.location.label}: {error.failure.sentence}; retrying{pause}")
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
        except TemporarilyFailed as error:
            failure = failures.repeated(error.failure, tries)
        finally:
            self._asked.remove(noted)
        raise Failed(failure)

    async def _follow(self, call: Call) -> Answer:
        url, bearer = call.url, call.bearer
        asked = {url}
        for _ in range(self._limits.redirects + 1):
            answer = await self._fetch(call, url, bearer)
            if answer.status not in _REDIRECTS:
                self._raise_temporary(call, answer)
                _verify(call, answer)
                return answer
            target = target_of(url, answer.headers.get("location"))
            if target is None:
                content = f"a redirect without an address (HTTP {answer.status})"
                raise Failed(failures.malformed(address=answer.address, answer=content))
            if not is_same_origin(call.url, target):
                is_safe = target.scheme == "https" or is_loopback(target.host)
                if call.digest is None or not is_safe:
                    reason = "which is not followed, because the content can't be verified"
                    if call.bearer is not None and call.bearer is self._token:
                        reason = "where the token is not sent"
                    raise Failed(failures.leads_elsewhere(address=answer.address, host=host_of(target), reason=reason))
                bearer = None
            if target in asked:
                raise Failed(failures.redirects_in_a_cycle(address=address_of(call.url), target=address_of(target)))
            asked.add(target)
            url = target
        raise Failed(failures.too_many_redirects(address=address_of(call.url), most=self._limits.redirects))

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
            missing = f"no complete answer within {self._limits.answer_seconds:g} s"
            failed = Failed(failures.too_slow(address=address, missing=missing))
        except httpx.TimeoutException as error:
            failed = TemporarilyFailed(failures.too_slow(address=address, missing=self._missing(error)))
        except httpx.DecodingError:
            failed = Failed(failures.malformed(address=address, answer="a body that can't be decoded"))
        except httpx.RemoteProtocolError as error:
            if "peer closed" in str(error):
                failed = TemporarilyFailed(failures.cut_short(address=address))
            elif "location header" in str(error):
                failed = Failed(failures.malformed(address=address, answer="a redirect without an address"))
            elif "disconnected" in str(error):
                reason = "it closes the connection without an answer"
                failed = TemporarilyFailed(failures.unreachable(host=host_of(url), reason=reason))
            else:
                failed = Failed(failures.malformed(address=address, answer="content that is not HTTP"))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            failed = _unreachable(url, error, has_begun=headers is not None)
        raise failed

    def _client(self, url: httpx.URL, location: Location) -> httpx.AsyncClient:
        """The connections of one image: in a shared pool, each call would search the connections of all."""
        key = (url.scheme, location.reference)
        if key not in self._clients:
            # Loading the trusted certificates takes a tenth of a second, and http doesn't need them.
            if url.scheme == "https" and self._trusted is None:
                self._trusted = _trusted_certificates()
            self._clients[key] = _open_client(self._trusted if url.scheme == "https" else None, self._limits)
        return self._clients[key]

    def _request(self, call: Call, url: httpx.URL, bearer: Token | None) -> httpx.Request:
        headers = {"Accept": call.accept, **(call.headers or {})}
        request = self._client(url, call.location).build_request(call.method, url, headers=headers)
        if bearer is not None:
            request.headers["Authorization"] = bearer.authorization
        return request

    async def _read(self, response: httpx.Response, address: str) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limits.answer_bytes:
                raise Failed(failures.endless(address=address, most_bytes=self._limits.answer_bytes))
        return bytes(body)

    def _missing(self, error: httpx.TimeoutException) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            return f"no connection within {self._limits.connect_seconds:g} s"
        return f"no data for {self._limits.read_seconds:g} s"

    def _raise_temporary(self, call: Call, answer: Answer) -> None:
        wait = wait_seconds(answer)
        if is_rate_limit(answer):
            until = _local_time(wait)
            token_helps = self._token is None and call.location.is_on_github
            login_helps = call.bearer is None and call.location.host == DOCKER_HUB
            failure = failures.rate_limited(
                answer.host, answer.status, until, token_helps=token_helps, login_helps=login_helps
            )
            raise TemporarilyFailed(failure, wait)
        if answer.status in _PASSING:
            raise TemporarilyFailed(failures.server_error(host=answer.host, status=answer.status), wait)

    def _report(self, message: str) -> None:
        """Report a message unless it was reported for another image: all use the same servers."""
        sentence = message.partition(": ")[2]
        if sentence not in self._reported:
            self._reported.add(sentence)
            self._report_to(self._token.hidden_in(message) if self._token else message)


@contextmanager
def unlogged(token: Token | None) -> Iterator[None]:
    """Keep a token out of the HTTP library's logs, in case a server sends it back."""

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
    raise UsageError("the trusted certificates can't be read", "Check SSL_CERT_FILE and SSL_CERT_DIR.")


def _open_client(trusted: ssl.SSLContext | None, limits: Limits) -> httpx.AsyncClient:
    """`trusted` is None for connections without TLS."""
    try:
        return httpx.AsyncClient(
            verify=trusted or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds, pool=None),
            follow_redirects=False,
            # Cookies of one server must not be sent to another on the same machine.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            mounts={f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")},
        )
    except (ImportError, ValueError, httpx.InvalidURL):
        pass
    raise UsageError("the proxy can't be used", "Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY.")


def _verify(call: Call, answer: Answer) -> None:
    """Raise `Failed` if the content doesn't match its digest, `TemporarilyFailed` if the end is missing."""
    if answer.status != 200 or call.method == "HEAD":
        return
    stated = answer.headers.get("docker-content-digest", "")
    expected = [each for each in (call.digest, stated) if each and each.startswith("sha256:")]
    wrong = [each for each in expected if each != digest_of(answer.body)]
    is_delimited = "content-length" in answer.headers or "transfer-encoding" in answer.headers
    if (wrong or not is_delimited) and _is_cut_short(answer.body, call.size):
        raise TemporarilyFailed(failures.cut_short(address=answer.address))
    if wrong:
        raise Failed(failures.mismatch(address=answer.address, digest=wrong[0]))


def _is_cut_short(body: bytes, size: int | None) -> bool:
    if size is not None:
        return len(body) < size
    text = body.strip()
    closing = {b"{": b"}", b"[": b"]"}.get(text[:1])
    return not text or (closing is not None and not text.endswith(closing))


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
        return TemporarilyFailed(failures.cut_short(address=address_of(url)))
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted ({cause.verify_message})"
            return Failed(failures.unreachable(host=host, reason=reason))
        if isinstance(cause, ssl.SSLError):
            return TemporarilyFailed(failures.unreachable(host=host, reason=f"no TLS connection ({cause.reason})"))
        if isinstance(cause, socket.gaierror):
            return TemporarilyFailed(failures.unreachable(host=host, reason="DNS doesn't resolve its name"))
        if isinstance(cause, ConnectionRefusedError):
            return TemporarilyFailed(failures.unreachable(host=host, reason="it refuses the connection"))
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return TemporarilyFailed(failures.unreachable(host=host, reason="the proxy blocks it"))
    return TemporarilyFailed(failures.unreachable(host=host, reason="the connection failed"))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
