"""Connects ministack's task scheduler with the container runtime."""

from __future__ import annotations

from typing import Any

from portside.emulator.fargate.launch import Launch, environment_of
from portside.emulator.fargate.runtime import Fargate
from portside.emulator.ministack_modules import ecs
from portside.emulator.patches import rollout
from portside.emulator.patches.patching import replaces

# Reasons that ministack's scheduler gives when it stops a task itself.
_SCHEDULER_REASONS = frozenset(
    {
        "Deployment completed",
        "Service scaling down",
        "Task definition updated",
        "Deployment capacity limit",
        "Service deleted",
    }
)


_UNUSED_CLIENT = object()


@replaces("services.ecs._restore_state")
def no_longer_desired(original: Any, data: Any) -> None:
    """Tasks from before a restart are stopped, so their desired status must be too."""
    original(data)
    for task in ecs._tasks._data.values():
        if task.get("lastStatus") == "STOPPED":
            task["desiredStatus"] = "STOPPED"


@replaces("services.ecs._get_docker")
def no_docker(_: Any) -> object:
    """Without a Docker client, ministack runs no task life cycle: tasks are RUNNING at once."""
    return _UNUSED_CLIENT


@replaces("services.ecs._run_task_worker")
def launch(
    _: Any,
    task: dict[str, Any],
    td: dict[str, Any],
    container_overrides: Any,
    docker_client: Any,
    account_id: str,
    region: str,
    *,
    fargate: Fargate,
) -> None:
    """The task worker starts the task in our runtime."""
    # As in ECS, so that a stopped task can be assigned to its deployment.
    if task.get("_deployment_id"):
        task["startedBy"] = task["_deployment_id"]
    fargate.launch(Launch(task, _with_overrides(td, container_overrides), account_id, region))


@replaces("services.ecs._mark_task_stopped")
def report_stops(
    original: Any,
    task_arn: str,
    task: dict[str, Any],
    reason: str,
    stop_code: str,
    exit_code: int | None = None,
    *,
    fargate: Fargate,
) -> bool:
    """The end of a task ends its stub; stops by the scheduler get AWS's stop code and reason."""
    if stop_code == "UserInitiated" and reason in _SCHEDULER_REASONS:
        stop_code = "ServiceSchedulerInitiated"
        reason = f"Scaling activity initiated by (deployment {task.get('_deployment_id')})"
    marked = bool(original(task_arn, task, reason, stop_code, exit_code))
    if marked:
        fargate.ended(task_arn)
    rollout.notify()
    return marked


@replaces("services.ecs.reset")
def reset_too(original: Any, *, fargate: Fargate) -> None:
    """The reset of all tasks closes their stubs."""
    original()
    fargate.reset()
    rollout.notify()


def _with_overrides(definition: dict[str, Any], overrides: list[dict[str, Any]]) -> dict[str, Any]:
    """The task definition with RunTask's environment and command overrides applied."""
    by_name = {each.get("name"): each for each in overrides}
    containers = []
    for container in definition.get("containerDefinitions", []):
        override = by_name.get(container["name"], {})
        environment = environment_of(container) | environment_of(override)
        changed = {"environment": [{"name": name, "value": value} for name, value in environment.items()]}
        containers.append(container | changed | ({"command": override["command"]} if "command" in override else {}))
    return definition | {"containerDefinitions": containers}
