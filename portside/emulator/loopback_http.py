"""The little of HTTP/1.1 that stand-ins, load balancers and our own APIs need, on 127.0.0.1 and asyncio only.

One connection, one request: nothing here needs more, and an answer's end is never in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from portside.emulator.gate import origins

MAXIMUM_BODY_BYTES = 1024 * 1024
READ_TIMEOUT_SECONDS = 10

_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")


@dataclass(frozen=True)
class Request:
    """A request; `target` is the path with its query, names of headers are lower-case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def base_url(self) -> str:
        """The address at which the client finds us, without a slash at its end."""
        host = self.headers.get("host", "")
        return f"http://{host if _HOST.fullmatch(host) else '127.0.0.1'}"


@dataclass(frozen=True)
class Answer:
    """An answer; names of `headers` are those that go beside what every answer has.

    `promised` is the length of the body as the answer says it, where that isn't true; what comes out of `more` follows
    the body, and only the end of the connection ends such an answer.
    """

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    more: AsyncIterator[bytes] | None = None


Handler = Callable[[Request], Awaitable[Answer]]
Guard = Callable[[Request, int], str]
"""Why a request to a server of ours, at this port, is refused before anything else; empty where it is not."""


def not_from_other_sites(request: Request, port: int) -> str:
    """Keeps web pages out: what an API of ours needs besides its own proof."""
    return origins.problem(request.headers, port)


def as_a_site(request: Request, port: int) -> str:
    """Lets people in who follow a link, and keeps other sites' pages out."""
    return origins.problem(request.headers, port, visitors=True)


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(value).encode() + b"\n", "application/json", headers or {})


async def serve(
    handler: Handler,
    *,
    port: int = 0,
    listener: socket.socket | None = None,
    guard: Guard = not_from_other_sites,
) -> asyncio.Server:
    """Listens on this port of 127.0.0.1, a free one if it is taken, or on a socket that is bound already."""

    async def guarded(request: Request, own_port: int) -> Answer:
        if problem := guard(request, own_port):
            return Answer(403, f"{problem}\n".encode())
        return await handler(request)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            try:
                request = await asyncio.wait_for(_read_request(reader), READ_TIMEOUT_SECONDS)
                own_port = writer.get_extra_info("sockname")[1]
                answer = await guarded(request, own_port) if request else Answer(400, b"bad request\n")
            except ValueError:
                request, answer = None, Answer(400, b"bad request\n")
            has_body = request is None or request.method != "HEAD"
            writer.write(_head(answer) + (answer.body if has_body else b""))
            await writer.drain()
            if answer.more and has_body:
                async for chunk in answer.more:
                    writer.write(chunk)
                    await writer.drain()
        writer.close()

    if listener is not None:
        return await asyncio.start_server(connected, sock=listener)
    if port:
        with contextlib.suppress(OSError):
            return await asyncio.start_server(connected, "127.0.0.1", port)
    return await asyncio.start_server(connected, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    """The port that a server listens on."""
    return int(server.sockets[0].getsockname()[1])


async def fetch(port: int, request: Request, timeout: float) -> Answer:
    """Sends the request to a port of 127.0.0.1. Raises OSError or TimeoutError when there is no answer."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            kept = {name: value for name, value in request.headers.items() if name not in _HOP_HEADERS}
            kept |= {"connection": "close", "content-length": str(len(request.body))}
            kept.setdefault("host", f"127.0.0.1:{port}")
            lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{n}: {v}" for n, v in kept.items())]
            writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
            await writer.drain()
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        finally:
            writer.close()
    status_line, *header_lines = head.decode("latin-1").split("\r\n")
    try:
        status = int(status_line.split(" ")[1])
    except (IndexError, ValueError) as error:
        raise ConnectionResetError("no HTTP answer") from error
    headers = dict(line.lower().split(": ", 1) for line in header_lines if ": " in line)
    return Answer(status, body, headers.get("content-type", ""))


_HOP_HEADERS = frozenset({"connection", "content-length", "transfer-encoding", "expect", "keep-alive", "upgrade"})


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    first = await reader.readexactly(1)
    if not first.isalpha():
        # Whoever tries TLS first, as skopeo does, waits for an answer before it tries without.
        return None
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.rstrip("\r\n").split("\r\n")
    parts = request_line.split(" ")
    if len(parts) != 3 or not parts[1].startswith("/"):
        return None
    headers: dict[str, str] = {}
    for name, _, value in (line.partition(":") for line in lines):
        key = name.strip().lower()
        # Neither of two is overlooked, least of all of `Host`.
        headers[key] = f"{headers[key]},{value.strip()}" if key in headers else value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MAXIMUM_BODY_BYTES:
        return None
    return Request(parts[0], parts[1], headers, await reader.readexactly(length))


def _head(answer: Answer) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = ""
    headers = {"content-type": answer.content_type, **answer.headers, "connection": "close"}
    if answer.more is None:
        headers["content-length"] = str(len(answer.body) if answer.promised is None else answer.promised)
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
