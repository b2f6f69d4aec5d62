"""HTTP/1.1 on 127.0.0.1 for stubs, load balancers and the emulator's own APIs, with h11 and asyncio.

Each connection serves one request.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import h11

from portside.emulator.gate import origins

MAXIMUM_BODY_BYTES = 1024 * 1024
READ_TIMEOUT_SECONDS = 10

_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")
_HOP_HEADERS = frozenset({"connection", "content-length", "transfer-encoding", "expect", "keep-alive", "upgrade"})


@dataclass(frozen=True)
class Request:
    """A request; `target` is the path with its query, header names are lower-case."""

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
        """The server's address as the client sees it, without a trailing slash."""
        host = self.headers.get("host", "")
        return f"http://{host if _HOST.fullmatch(host) else '127.0.0.1'}"


@dataclass(frozen=True)
class Answer:
    """An answer, with the headers that are specific to it.

    For faults: `promised` is a content length that differs from the body's, and `more` are chunks that follow the body.
    """

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    more: AsyncIterator[bytes] | None = None


Handler = Callable[[Request], Awaitable[Answer]]
Guard = Callable[[Request, int], str]
"""Why a request to one of our servers, at this port, is refused; empty if it is not."""


def not_from_other_sites(request: Request, port: int) -> str:
    """Refuses requests of web pages. For our APIs, in addition to their own authentication."""
    return origins.problem(request.headers, port)


def as_a_site(request: Request, port: int) -> str:
    """Allows users to follow a link, and refuses other requests of other sites' pages."""
    return origins.problem(request.headers, port, visitors=True)


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(value).encode() + b"\n", "application/json", headers or {})


async def serve(
    handler: Handler,
    *,
    port: int = 0,
    listener: socket.socket | None = None,
    guard: Guard = not_from_other_sites,
) -> asyncio.Server:
    """Listen on this port of 127.0.0.1 (a free port if it is in use), or on a bound socket."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        request = None
        with contextlib.suppress(OSError, TimeoutError):
            try:
                request = await asyncio.wait_for(_read_request(connection, reader), READ_TIMEOUT_SECONDS)
                problem = guard(request, writer.get_extra_info("sockname")[1])
                answer = Answer(403, f"{problem}\n".encode()) if problem else await handler(request)
            except (ValueError, h11.RemoteProtocolError):
                answer = Answer(400, b"bad request\n")
            await _send(connection, writer, answer, has_body=request is None or request.method != "HEAD")
        writer.close()

    if listener is not None:
        return await asyncio.start_server(connected, sock=listener)
    if port:
        with contextlib.suppress(OSError):
            return await asyncio.start_server(connected, "127.0.0.1", port)
    return await asyncio.start_server(connected, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def fetch(port: int, request: Request, timeout: float) -> Answer:
    """Send the request to a port of 127.0.0.1. Raises OSError or TimeoutError if there is no answer."""
    headers = {name: value for name, value in request.headers.items() if name not in _HOP_HEADERS}
    headers = {"host": f"127.0.0.1:{port}", **headers, "connection": "close", "content-length": str(len(request.body))}
    connection = h11.Connection(h11.CLIENT)
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            head = h11.Request(method=request.method, target=request.target, headers=_encoded(headers))
            for event in (head, h11.Data(request.body), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            await writer.drain()
            response, body = await _read(connection, reader)
        except h11.ProtocolError as error:
            raise ConnectionResetError("no HTTP answer") from error
        finally:
            writer.close()
    content_type = dict(response.headers).get(b"content-type", b"").decode("latin-1")
    return Answer(response.status_code, body, content_type)


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> Request:
    head, body = await _read(connection, reader)
    target = head.target.decode("latin-1")
    if not target.startswith("/"):
        raise ValueError(f"not a path: {target}")
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        # A repeated header is joined, so that neither value is ignored.
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return Request(head.method.decode("latin-1"), target, headers, body)


async def _read(connection: h11.Connection, reader: asyncio.StreamReader) -> tuple[Any, bytes]:
    """The head and body of the next message."""
    head: Any = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(65536))
        elif isinstance(event, h11.Request | h11.Response):
            head = event
            _check_size(int(dict(head.headers).get(b"content-length", 0)))
        elif isinstance(event, h11.Data):
            body += event.data
            _check_size(len(body))
        elif isinstance(event, h11.EndOfMessage):
            return head, bytes(body)
        elif isinstance(event, h11.ConnectionClosed):
            raise ConnectionResetError("closed before a message")


def _check_size(length: int) -> None:
    if length > MAXIMUM_BODY_BYTES:
        raise h11.RemoteProtocolError(f"the body has more than {MAXIMUM_BODY_BYTES} bytes")


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer, *, has_body: bool) -> None:
    headers = {"content-type": answer.content_type, **answer.headers, "connection": "close"}
    if answer.more is None:
        headers["content-length"] = str(len(answer.body) if answer.promised is None else answer.promised)
    head = h11.Response(
        status_code=answer.status, headers=_encoded(headers), reason=responses.get(answer.status, "").encode()
    )
    writer.write(connection.send(head) or b"")
    if has_body:
        writer.write(connection.send(h11.Data(answer.body)) or b"")
        await writer.drain()
        if answer.more:
            async for chunk in answer.more:
                writer.write(connection.send(h11.Data(chunk)) or b"")
                await writer.drain()
    if answer.promised is None:
        writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", errors="replace")) for name, value in headers.items()]
