"""RunTask and ExecuteCommand, with the checks that ministack lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portside.emulator.fargate.placement import REFUSALS
from portside.emulator.fargate.platform import Platform
from portside.emulator.ministack_modules import ecs, responses

Action = Callable[[dict[str, Any]], Any]

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec-troubleshooting.html
EXEC_OFF = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command "
    "agent isn't running. Wait and try again or run a new task with execute command enabled and try again."
)
EXEC_UNCONNECTED = "The execute command failed due to an internal error. Try again later."
NO_NETWORK = "Network Configuration must be provided when networkMode 'awsvpc' is specified."


def run_checked(platform: Platform) -> Callable[[Action], Action]:
    """RunTask, which needs a cluster, a network, and capacity."""

    def make(original: Action) -> Action:
        def run_task(request: dict[str, Any]) -> Any:
            if ecs._resolve_cluster_name(request.get("cluster", "default")) not in ecs._clusters:
                return responses.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
            definition = ecs._task_defs.get(ecs._resolve_td_key(request.get("taskDefinition", ""))) or {}
            network = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
            if definition.get("networkMode") == "awsvpc" and not network.get("subnets"):
                return responses.error_response_json("InvalidParameterException", NO_NETWORK, 400)
            account = responses.get_account_id()
            for container in definition.get("containerDefinitions", []):
                fault = platform.faults.of(account, container["name"])
                if fault and fault.fault in REFUSALS:
                    platform.faults.take(account, container["name"])
                    return responses.json_response({"tasks": [], "failures": [{"reason": REFUSALS[fault.fault]}]})
            return original(request)

        return run_task

    return make


def execute_where_connected(original: Action) -> Action:
    """ExecuteCommand, which needs exec to be on and its agent to run."""

    def execute_command(request: dict[str, Any]) -> Any:
        cluster = ecs._resolve_cluster_name(request.get("cluster", "default"))
        task = ecs._resolve_task(request.get("task", ""), cluster) if cluster else None
        if not task:
            return original(request)
        names = {each["name"]: each for each in task["containers"]}
        container = names.get(request.get("container") or next(iter(names)))
        if container is None:
            message = "The specified container was not found in the task. Specify a valid container and try again."
            return responses.error_response_json("InvalidParameterException", message, 400)
        agents = container.get("managedAgents") or []
        if task.get("lastStatus") != "RUNNING" or not agents:
            return responses.error_response_json("InvalidParameterException", EXEC_OFF, 400)
        if agents[0]["lastStatus"] != "RUNNING":
            return responses.error_response_json("TargetNotConnectedException", EXEC_UNCONNECTED, 400)
        return original(request)

    return execute_command
