"""Faults of AWS's API: valid calls that fail because of throttling, missing rights or expired credentials."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qs

from portside.emulator.gate.refusals import refusal
from portside.emulator.ministack_modules import responses

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

    def concerns(self, service: str, operation: str, account: str) -> bool:
        """Whether a call fails."""
        return (
            self.service in (ANY, service)
            and (self.operation == ANY or _plain(self.operation) == _plain(operation))
            and self.account in (None, account)
        )


def checked(service: str, operation: str, code: str, times: int | None = None, account: str | None = None) -> ApiFault:
    """A valid fault, from boto3's or AWS's names. Raises ValueError with the problem."""
    if code not in CODES:
        raise ValueError(f"unknown code {code!r}: known are {', '.join(CODES)}")
    if times is not None and times < 1:
        raise ValueError(f"times must be 1 or more, got {times}")
    return ApiFault(_SIGNING_NAMES.get(service, service), operation, code, times, account)


class ApiFaults:
    """The active faults, until the embedded AWS ends. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[ApiFault] = []

    def all(self) -> list[ApiFault]:
        """The active faults, oldest first."""
        with self._lock:
            return list(self._faults)

    def put(self, fault: ApiFault) -> None:
        """Set a fault, which replaces a fault of the same calls."""
        with self._lock:
            same = (fault.service, fault.operation, fault.account)
            self._faults = [each for each in self._faults if (each.service, each.operation, each.account) != same]
            self._faults.append(fault)

    def clear(self) -> None:
        """Clear all faults."""
        with self._lock:
            self._faults.clear()

    def take(self, service: str, operation: str, account: str) -> ApiFault | None:
        """The fault of a call; counts as one of its times."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.concerns(service, operation, account):
                    if fault.times == 1:
                        del self._faults[index]
                    elif fault.times is not None:
                        self._faults[index] = replace(fault, times=fault.times - 1)
                    return fault
        return None


def refuse(faults: ApiFaults) -> Callable[[Any], Callable[..., Any]]:
    """The dispatch of all calls, with faults."""

    def make(original: Any) -> Callable[..., Any]:
        async def dispatch(
            method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any, request_id: str
        ) -> Any:
            signed = _SIGNED_FOR.search(headers.get("authorization", ""))
            if signed and faults.all():
                operation = operation_of(headers, body)
                fault = faults.take(signed[1], operation, responses.get_account_id())
                if fault:
                    error = refusal(fault.code, _message(fault.code, signed[1], operation), signed[1], headers)
                    return error.status, dict(error.headers), error.body
            return await original(method, path, headers, body, query_params, request_id)

        return dispatch

    return make


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
