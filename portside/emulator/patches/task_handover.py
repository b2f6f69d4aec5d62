"""Connects ministack's task scheduler with the container runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.runtime import Fargate
from portside.emulator.ministack_modules import ecs
from portside.emulator.patches import rollout

Make = Callable[[Any], Callable[..., Any]]

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


def no_longer_desired(original: Any) -> Callable[..., None]:
    """Restores the state; tasks from before a restart are stopped, so their desired status must be too."""

    def restore(data: Any) -> None:
        original(data)
        for task in ecs._tasks._data.values():
            if task.get("lastStatus") == "STOPPED":
                task["desiredStatus"] = "STOPPED"

    return restore


def no_docker(_: Any) -> Callable[[], object]:
    """An unused object as the Docker client: without a client, ministack runs no task life cycle."""
    client = object()
    return lambda: client


def launch_on(fargate: Fargate) -> Make:
    """The task worker, which starts the task in the runtime."""

    def make(_: Any) -> Callable[..., None]:
        def run_task_worker(
            task: dict[str, Any], td: dict[str, Any], container_overrides: Any, docker: Any, account: str, region: str
        ) -> None:
            # As in ECS, so that a stopped task can be assigned to its deployment.
            if task.get("_deployment_id"):
                task["startedBy"] = task["_deployment_id"]
            fargate.launch(Launch(task, _with_overrides(td, container_overrides), account, region))

        return run_task_worker

    return make


def report_stops(fargate: Fargate) -> Make:
    """The end of a task, which ends its stub; stops by the scheduler get AWS's stop code and reason."""

    def make(original: Any) -> Callable[..., bool]:
        def mark_stopped(
            task_arn: str, task: dict[str, Any], reason: str, stop_code: str, exit_code: int | None = None
        ) -> bool:
            if stop_code == "UserInitiated" and reason in _SCHEDULER_REASONS:
                stop_code = "ServiceSchedulerInitiated"
                reason = f"Scaling activity initiated by (deployment {task.get('_deployment_id')})"
            marked = bool(original(task_arn, task, reason, stop_code, exit_code))
            if marked:
                fargate.ended(task_arn)
            rollout.notify()
            return marked

        return mark_stopped

    return make


def reset_too(fargate: Fargate) -> Make:
    """The reset of all tasks, which closes their stubs."""

    def make(original: Any) -> Callable[[], None]:
        def reset() -> None:
            original()
            fargate.reset()
            rollout.notify()

        return reset

    return make


def _with_overrides(definition: dict[str, Any], overrides: list[dict[str, Any]]) -> dict[str, Any]:
    """The task definition with RunTask's environment and command overrides applied."""
    by_name = {each.get("name"): each for each in overrides}
    containers = []
    for container in definition.get("containerDefinitions", []):
        override = by_name.get(container["name"], {})
        environment = {each["name"]: each["value"] for each in container.get("environment", [])}
        environment |= {each["name"]: each["value"] for each in override.get("environment", [])}
        changed = {"environment": [{"name": name, "value": value} for name, value in environment.items()]}
        containers.append(container | changed | ({"command": override["command"]} if "command" in override else {}))
    return definition | {"containerDefinitions": containers}
