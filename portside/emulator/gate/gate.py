"""The ASGI application around ministack's: accepts only signed requests, for services that it has.

A refused request doesn't reach ministack.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from portside.emulator.gate import origins, served
from portside.emulator.gate.refusals import Refusal, refusal
from portside.emulator.gate.signatures import Keys, SignedRequest, Unproven, check, claim_of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# The limit for a body whose signature is checked only after reading it. A large template has about 1 MB.
MAXIMUM_UNPROVEN_BYTES = 16 * 1024 * 1024

# The paths of services except S3, which has buckets there. No bucket begins with an underscore.
_PATH_OF_SERVICES = re.compile(r"/|/service/[A-Za-z0-9]+/operation/[A-Za-z0-9]+")
# https://docs.aws.amazon.com/efs/latest/ug/api-reference.html, and the URLs of queues:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
_MORE_PATHS = {
    "elasticfilesystem": re.compile(r"/2015-02-01/[A-Za-z0-9/_.:-]+"),
    "scheduler": re.compile(r"/(?:schedules|schedule-groups|tags)(?:/[A-Za-z0-9/_.:%-]+)?"),
    "sqs": re.compile(r"/[0-9]{12}/[A-Za-z0-9_-]+(\.fifo)?"),
}
_OWN_PATHS = "/_"
_CORS = b"access-control-"


class Disconnected(Exception):
    """The client disconnected before its request was complete."""


@dataclass(frozen=True)
class Gate:
    """Passes requests to the application that no web page made and that are signed with one of the keys."""

    application: Application
    keys: Keys
    port: int

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = _headers(scope["headers"])
        if problem := origins.problem(headers, self.port, buckets=True):
            await _send(send, Refusal(403, {"content-type": "text/plain; charset=utf-8"}, f"{problem}\n".encode()))
            return
        try:
            body = await self._proven_body(scope, headers, receive)
        except Unproven as unproven:
            await _send(send, refusal(unproven.code, unproven.message, unproven.service, headers))
        except Disconnected:
            pass
        else:
            await self.application(scope, _replay(body, receive), _without_cors(send))

    async def _proven_body(self, scope: Message, headers: Mapping[str, str], receive: Receive) -> bytes:
        """The body of an accepted request. Raises `Unproven` and `Disconnected`."""
        request = SignedRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1"),
            query=scope["query_string"].decode("latin-1"),
            headers=headers,
        )
        claim = claim_of(request)
        if problem := served.problem_of_service(claim.service) or _problem_of_path(claim.service, scope["path"]):
            # Reported without a valid signature: users who try Lambda should see why it is not available.
            raise Unproven("NotServed", problem, claim.service)
        checked = check(request, claim, self.keys, datetime.datetime.now(datetime.UTC))
        checked.verify_head()
        body = await _read(receive, None if checked.payload else MAXIMUM_UNPROVEN_BYTES, claim.service)
        checked.verify_body(body)
        return body


def _problem_of_path(service: str, path: str) -> str:
    if service == "s3":
        return f"{path[:100]!r} is not served" if path.startswith(_OWN_PATHS) else ""
    patterns = (_PATH_OF_SERVICES, *filter(None, [_MORE_PATHS.get(service)]))
    if any(each.fullmatch(path) for each in patterns):
        return ""
    return f"{path[:100]!r} is not a path of {served.SERVICES[service]}"


def _headers(given: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By lower-case name; repeated headers are joined, so that neither value is ignored."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in given:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", errors="replace").strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


async def _read(receive: Receive, most: int | None, service: str) -> bytes:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if most is not None and size > most:
            raise Unproven("EntityTooLarge", f"more than {most} bytes without x-amz-content-sha256", service)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return given.pop() if given else await receive()

    return again


def _without_cors(send: Send) -> Send:
    """Remove the headers that let every web page read ministack's answers."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [each for each in message.get("headers", ()) if not each[0].lower().startswith(_CORS)]
            message = {**message, "headers": kept}
        await send(message)

    return sending


async def _send(send: Send, no: Refusal) -> None:
    headers = {**no.headers, "content-length": str(len(no.body)), "connection": "close"}
    start = [(name.encode(), value.encode("latin-1", errors="replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": no.status, "headers": start})
    await send({"type": "http.response.body", "body": no.body})
