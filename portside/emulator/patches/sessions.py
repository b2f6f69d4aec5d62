"""Sessions of Systems Manager: started if an agent is running, but without a shell behind them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ecs, responses, ssm
from portside.emulator.patches.patching import replaces


@replaces("services.ssm.handle_request")
async def start_where_connected(
    original: Any, method: str, path: str, headers: Mapping[str, str], body: Any, query_params: Any
) -> Any:
    """Systems Manager has StartSession and TerminateSession."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in ("StartSession", "TerminateSession"):
        return await original(method, path, headers, body, query_params)
    data = json.loads(body or b"{}")
    if action == "TerminateSession":
        return responses.json_response({"SessionId": data.get("SessionId", "")})
    target = str(data.get("Target", ""))
    if not _is_connected(target):
        return responses.error_response_json("TargetNotConnected", f"{target} is not connected.", 400)
    session = f"session-{uuid.uuid4().hex[:17]}"
    stream = f"wss://ssmmessages.{responses.get_region()}.amazonaws.com/v1/data-channel/{session}"
    return responses.json_response({"SessionId": session, "StreamUrl": stream, "TokenValue": uuid.uuid4().hex})


def _is_connected(target: str) -> bool:
    """Whether the agent runs in an instance, or in a container of a task, `ecs:CLUSTER_TASK_RUNTIMEID`."""
    if not target.startswith("ecs:"):
        return target in ssm._managed_instance_ids()
    place, _, runtime = target.removeprefix("ecs:").rpartition("_")
    cluster, _, task_id = place.rpartition("_")
    task = ecs._resolve_task(task_id, cluster)
    return any(
        each.get("runtimeId") == runtime and agent["lastStatus"] == "RUNNING"
        for each in (task or {}).get("containers", [])
        for agent in each.get("managedAgents", [])
    )
