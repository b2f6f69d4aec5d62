"""Faults of AWS's API: valid calls that fail because of throttling, missing rights or expired credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

from portside.emulator.gate.refusals import refusal
from portside.emulator.ministack_modules import responses
from portside.emulator.patches.patching import replaces
from portside.emulator.state.active_faults import ActiveFaults, check

ANY = "*"

_CALLER = "arn:aws:sts::{account}:assumed-role/rehearsal/session"
_DENIED = (
    f"User: {_CALLER} is not authorized to perform: {{service}}:{{operation}} on resource: * because no identity-based "
    "policy allows the {service}:{operation} action"
)

# The message of each code, and EC2's own.
_MESSAGES: Final[Mapping[str, str]] = {
    "ThrottlingException": "Rate exceeded",
    "AccessDeniedException": _DENIED,
    "ExpiredTokenException": "The security token included in the request is expired",
    "ServiceUnavailable": "The service is unavailable. Please try again shortly.",
}
_MESSAGES_OF_EC2: Final[Mapping[str, str]] = {
    "ThrottlingException": "Request limit exceeded.",
    "AccessDeniedException": f"You are not authorized to perform this operation. {_DENIED}",
    "ExpiredTokenException": "Request has expired.",
}
CODES = tuple(_MESSAGES)

# boto3's names of services whose signatures have another name.
_SIGNING_NAMES = {"elbv2": "elasticloadbalancing", "service-quotas": "servicequotas", "cloudwatch": "monitoring"}
_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")


@dataclass(frozen=True)
class ApiFault:
    """Calls of a service that fail with this code. `*` is all operations; None is all accounts, or no limit."""

    service: str
    operation: str
    code: str
    times: int | None = None
    account: str | None = None

    @property
    def target(self) -> tuple[str | None, ...]:
        return self.service, self.operation, self.account

    def concerns(self, service: str, operation: str, account: str) -> bool:
        """Whether a call fails."""
        return (
            self.service in (ANY, service)
            and (self.operation == ANY or _plain(self.operation) == _plain(operation))
            and self.account in (None, account)
        )


def checked(service: str, operation: str, code: str, times: int | None = None, account: str | None = None) -> ApiFault:
    """A valid fault, from boto3's or AWS's names. Raises ValueError with the problem."""
    check("code", code, CODES, times)
    return ApiFault(_SIGNING_NAMES.get(service, service), operation, code, times, account)


class ApiFaults(ActiveFaults[ApiFault]):
    """The active faults of AWS's API, until the embedded AWS ends."""

    def take(self, service: str, operation: str, account: str) -> ApiFault | None:
        """The fault of a call; counts as one of its times."""
        return self._take(lambda each: each.concerns(service, operation, account))


@replaces("app._dispatch_service_request")
async def refuse(
    original: Any,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Any,
    request_id: str,
    *,
    api_faults: ApiFaults,
) -> Any:
    """A call with a fault fails."""
    signed = _SIGNED_FOR.search(headers.get("authorization", ""))
    if signed and api_faults.all():
        operation = operation_of(headers, body)
        fault = api_faults.take(signed[1], operation, responses.get_account_id())
        if fault:
            message = _message(fault.code, signed[1], operation)
            return refusal(fault.code, message, signed[1], headers).as_tuple
    return await original(method, path, headers, body, query_params, request_id)


def _plain(operation: str) -> str:
    return operation.replace("_", "").lower()


def operation_of(headers: Mapping[str, str], body: bytes) -> str:
    """The operation of a call with a JSON or form body."""
    target = headers.get("x-amz-target", "")
    if target:
        return target.rpartition(".")[2]
    return parse_qs(body.decode("utf-8", errors="replace")).get("Action", [""])[0]


def _message(code: str, service: str, operation: str) -> str:
    text = (_MESSAGES_OF_EC2 if service == "ec2" else _MESSAGES).get(code, _MESSAGES[code])
    return text.format(account=responses.get_account_id(), service=service, operation=operation)
