"""Delays CloudFormation's answers until a quick operation is complete, because its callers poll every 5 seconds.

The CDK CLI reads a stack's state right after it started an operation, and then every 5 s: with ten stacks in four
waves it would spend most of a deployment waiting.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from portside.emulator.ministack_modules import cloudformation
from portside.emulator.patches.patching import replaces

# Less than the callers' interval, so that a longer operation is not delayed.
LONGEST_SECONDS = 4.0
POLL_SECONDS = 0.01
STARTING = frozenset({"CreateStack", "DeleteStack", "ExecuteChangeSet", "RollbackStack", "UpdateStack"})


@replaces("services.cloudformation.handle_request")
async def answer_when_settled(
    original: Any, method: str, path: str, headers: Mapping[str, str], body: Any, query_params: Any
) -> Any:
    """CloudFormation answers after a quick operation is complete."""
    action, parameters = _parsed(headers, body)
    # A change set is deleted when it is executed, with the name of its stack. A new stack can have a deleted one's.
    stack = _stack(parameters) if action in STARTING - {"CreateStack"} else None
    answer = await original(method, path, headers, body, query_params)
    if action in STARTING and answer[0] < 400:
        await _settled(stack or _stack(parameters))
    return answer


def _parsed(headers: Mapping[str, str], body: Any) -> tuple[str, dict[str, str]]:
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes) else str(body or "")
    target = headers.get("x-amz-target", "")
    if target:
        try:
            decoded = json.loads(text or "{}")
        except ValueError:
            decoded = {}
        return target.rpartition(".")[2], {name: str(value) for name, value in decoded.items()}
    parameters = {name: values[0] for name, values in parse_qs(text).items()}
    return parameters.get("Action", ""), parameters


def _stack(parameters: Mapping[str, str]) -> dict[str, Any] | None:
    name_or_id = parameters.get("StackName")
    change_set = cloudformation._change_sets.get(parameters.get("ChangeSetName", "")) or {}
    names = {name for name in (name_or_id, change_set.get("StackName"), change_set.get("StackId")) if name}
    for name, stack in cloudformation._stacks.items():
        if names & {name, stack.get("StackId")}:
            return stack
    return None


async def _settled(stack: dict[str, Any] | None) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    # A deletion sets its state only when it begins, after the answer.
    await asyncio.sleep(0.01)
    while stack and stack.get("StackStatus", "").endswith("IN_PROGRESS") and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
