"""CloudFormation's answers held back until a quick operation is over, because its callers look only every 5 seconds.

The CDK CLI asks for a stack's state right after it started an operation, and then every 5 s: with ten stacks in
four waves most of a deployment would be waiting for nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from portside.emulator.ministack_modules import cloudformation

# Below the pace of the callers, so that a longer operation costs them nothing.
LONGEST_SECONDS = 4.0
LOOK_AGAIN_SECONDS = 0.03
STARTING = frozenset({"CreateStack", "DeleteStack", "ExecuteChangeSet", "RollbackStack", "UpdateStack"})


def answer_when_settled(original: Any) -> Any:
    """CloudFormation's API, whose answers about an operation that it starts wait for the end of a quick one."""

    async def handle_request(method: str, path: str, headers: Mapping[str, str], body: Any, query_params: Any) -> Any:
        action, parameters = _parsed(headers, body)
        # What a change set belongs to is forgotten once it is executed.
        stack = _stack(parameters) if action in STARTING else None
        answer = await original(method, path, headers, body, query_params)
        if action in STARTING and answer[0] < 400:
            await _settled(stack or _stack(parameters))
        return answer

    return handle_request


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
    wanted = parameters.get("StackName")
    change_set = cloudformation._change_sets.get(parameters.get("ChangeSetName", "")) or {}
    names = {name for name in (wanted, change_set.get("StackName"), change_set.get("StackId")) if name}
    for name, stack in cloudformation._stacks.items():
        if names & {name, stack.get("StackId")}:
            found: dict[str, Any] = stack
            return found
    return None


async def _settled(stack: dict[str, Any] | None) -> None:
    deadline = time.monotonic() + LONGEST_SECONDS
    # A deletion sets its state only when it begins, after the answer.
    await asyncio.sleep(0.01)
    while stack and stack.get("StackStatus", "").endswith("IN_PROGRESS") and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
