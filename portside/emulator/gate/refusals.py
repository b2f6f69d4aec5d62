"""AWS's errors, with the code and format of each protocol, so that SDKs report them well.

https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations

import json
import tomllib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

# By reason: the status and code for query APIs, JSON APIs, S3, and EC2.
_CODES: Final[Mapping[str, Sequence[str]]] = tomllib.loads(Path(__file__).with_name("error_codes.toml").read_text())
REASONS = tuple(_CODES)

# REST services with XML answers, which their requests don't show.
_XML_SERVICES = frozenset({"route53", "cloudfront", "s3-control"})


@dataclass(frozen=True)
class Refusal:
    """An answer: its status, its headers and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def as_tuple(self) -> tuple[int, dict[str, str], bytes]:
        """As ministack's functions answer."""
        return self.status, dict(self.headers), self.body


def refusal(reason: str, message: str, service: str, headers: Mapping[str, str]) -> Refusal:
    """The answer to a request to a service, in the protocol of the request. `reason` is one of `REASONS`."""
    query, as_json, s3, ec2 = (_status_and_code(each) for each in _CODES[reason])
    request_id = str(uuid.uuid4())
    kind = headers.get("content-type", "")
    if service == "s3" or (not service and not kind and "x-amz-target" not in headers):
        return _s3(s3, message, request_id)
    if headers.get("smithy-protocol") == "rpc-v2-cbor":
        return _cbor(as_json, query[1], message, request_id)
    if "x-amz-target" in headers or "json" in kind:
        return _json(as_json, message, request_id)
    if service == "ec2":
        return _ec2(ec2, message, request_id)
    if kind.startswith("application/x-www-form-urlencoded") or service in _XML_SERVICES:
        return _query(query, message, request_id)
    return _json(as_json, message, request_id)


def _status_and_code(text: str) -> tuple[int, str]:
    status, _, code = text.partition(" ")
    return int(status), code


def _json(error: tuple[int, str], message: str, request_id: str) -> Refusal:
    status, code = error
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "x-amzn-errortype": code,
        "x-amzn-requestid": request_id,
    }
    return Refusal(status, headers, json.dumps({"__type": code, "message": message}).encode())


def _cbor(error: tuple[int, str], query_code: str, message: str, request_id: str) -> Refusal:
    status, code = error
    body = b"\xa2" + b"".join(map(_cbor_text, ("__type", code, "message", message)))
    headers = {
        "content-type": "application/cbor",
        "smithy-protocol": "rpc-v2-cbor",
        "x-amzn-query-error": f"{query_code};Sender",
        "x-amzn-requestid": request_id,
    }
    return Refusal(status, headers, body)


def _cbor_text(text: str) -> bytes:
    """https://www.rfc-editor.org/rfc/rfc8949#name-major-types: a text string, with two bytes for its length."""
    encoded = text.encode()[:0xFFFF]
    return b"\x79" + len(encoded).to_bytes(2) + encoded


def _query(error: tuple[int, str], message: str, request_id: str) -> Refusal:
    status, code = error
    xml = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f"<ErrorResponse>{xml}<RequestId>{request_id}</RequestId></ErrorResponse>"
    return Refusal(status, {"content-type": "text/xml", "x-amzn-requestid": request_id}, body.encode())


def _ec2(error: tuple[int, str], message: str, request_id: str) -> Refusal:
    status, code = error
    xml = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f"<Response><Errors>{xml}</Errors><RequestID>{request_id}</RequestID></Response>"
    return Refusal(status, {"content-type": "text/xml;charset=UTF-8", "x-amzn-requestid": request_id}, body.encode())


def _s3(error: tuple[int, str], message: str, request_id: str) -> Refusal:
    status, code = error
    xml = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message><RequestId>{request_id}</RequestId></Error>"
    headers = {"content-type": "application/xml", "x-amz-request-id": request_id}
    return Refusal(status, headers, f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'.encode())
