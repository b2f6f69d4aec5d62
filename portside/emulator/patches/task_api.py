"""RunTask and ExecuteCommand, with the checks that ministack lacks."""

from __future__ import annotations

from typing import Any

from portside.emulator.fargate.placement import REFUSALS
from portside.emulator.fargate.runtime import Fargate
from portside.emulator.ministack_modules import ecs, responses
from portside.emulator.patches.patching import replaces

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec-troubleshooting.html
EXEC_OFF = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command "
    "agent isn't running. Wait and try again or run a new task with execute command enabled and try again."
)
EXEC_UNCONNECTED = "The execute command failed due to an internal error. Try again later."
NO_NETWORK = "Network Configuration must be provided when networkMode 'awsvpc' is specified."


@replaces("services.ecs._run_task", only_api=True)
def run_checked(original: Any, data: dict[str, Any], *, fargate: Fargate) -> Any:
    """RunTask needs a cluster, a network, and capacity."""
    if ecs._resolve_cluster_name(data.get("cluster", "default")) not in ecs._clusters:
        return responses.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
    definition = ecs._task_defs.get(ecs._resolve_td_key(data.get("taskDefinition", ""))) or {}
    network = (data.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    if definition.get("networkMode") == "awsvpc" and not network.get("subnets"):
        return responses.error_response_json("InvalidParameterException", NO_NETWORK, 400)
    account, faults = responses.get_account_id(), fargate.platform.faults
    for container in definition.get("containerDefinitions", []):
        fault = faults.of(account, container["name"])
        if fault and fault.fault in REFUSALS:
            faults.take(account, container["name"])
            return responses.json_response({"tasks": [], "failures": [{"reason": REFUSALS[fault.fault]}]})
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
    return original({"group": f"family:{definition.get('family', '')}", **data})


@replaces("services.ecs._execute_command")
def execute_where_connected(original: Any, data: dict[str, Any]) -> Any:
    """ExecuteCommand needs exec to be on and its agent to run."""
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    task = ecs._resolve_task(data.get("task", ""), cluster) if cluster else None
    if not task:
        return original(data)
    names = {each["name"]: each for each in task["containers"]}
    container = names.get(data.get("container") or next(iter(names)))
    if container is None:
        message = "The specified container was not found in the task. Specify a valid container and try again."
        return responses.error_response_json("InvalidParameterException", message, 400)
    agents = container.get("managedAgents") or []
    if task.get("lastStatus") != "RUNNING" or not agents:
        return responses.error_response_json("InvalidParameterException", EXEC_OFF, 400)
    if agents[0]["lastStatus"] != "RUNNING":
        return responses.error_response_json("TargetNotConnectedException", EXEC_UNCONNECTED, 400)
    return original(data)
