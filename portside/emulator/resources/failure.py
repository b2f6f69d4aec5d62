"""CloudFormation's message for a failed resource."""

from __future__ import annotations

import html
import json
import re
import uuid
from typing import Any


class ResourceFailed(ValueError):
    """The reason in a stack event: the service's message, a request token, and a handler error code."""

    def __init__(self, message: str, code: str = "GeneralServiceException") -> None:
        super().__init__(
            f'Resource handler returned message: "{message}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})'
        )


def checked(answer: Any) -> Any:
    """The body of one of ministack's own answers. Raises ResourceFailed with the service's message."""
    status, _, body = answer
    text = body.decode() if isinstance(body, bytes) else str(body)
    if status >= 400:
        raise ResourceFailed(_message(text), "InvalidRequest")
    return json.loads(text) if text.lstrip().startswith("{") else text


def _message(text: str) -> str:
    if text.lstrip().startswith("<"):
        found = re.search(r"<Message>(.*?)</Message>", text, re.DOTALL)
        return html.unescape(found[1]) if found else text
    decoded = json.loads(text) if text.lstrip().startswith("{") else {}
    return str(decoded.get("message") or decoded.get("Message") or text)
