"""The end of a task: its stopped reason, with AWS's text, and its record."""

from __future__ import annotations

import time
from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.ministack_modules import ecs

REMEMBER_STOPPED_SECONDS = 3600
IMPAIRED_AFTER_FAILURES = 3
SPOT_INTERRUPTION = "SpotInterruption"


class TaskStopped(Exception):
    """The task stops, with AWS's stop code and reason; `exit_code` if a container ended.

    `leaves_no_task` if AWS would not have created one.
    """

    def __init__(
        self,
        reason: str,
        stop_code: str = "TaskFailedToStart",
        *,
        container: str | None = None,
        exit_code: int | None = None,
        container_reason: str = "",
        leaves_no_task: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stop_code = stop_code
        self.container = container
        self.exit_code = exit_code
        self.container_reason = container_reason
        self.leaves_no_task = leaves_no_task


def exited(container: dict[str, Any], exit_code: int, reason: str = "") -> TaskStopped:
    """The error for a task with a container that ended."""
    return TaskStopped(
        "Essential container in task exited",
        "EssentialContainerExited",
        container=container["name"],
        exit_code=exit_code,
        container_reason=reason,
    )


def stop(launch: Launch, stopped: TaskStopped, platform: Platform) -> None:
    """Mark the task as stopped, and count it as a failure of its deployment."""
    if launch.service_name and stopped.stop_code != SPOT_INTERRUPTION:
        _count(launch, platform)
    for container in launch.task["containers"]:
        if stopped.container in (None, container["name"]):
            if stopped.exit_code is not None:
                container["exitCode"] = stopped.exit_code
            if stopped.container_reason or stopped.stop_code == "TaskFailedToStart":
                container["reason"] = stopped.container_reason or stopped.reason
        for agent in container.get("managedAgents", []):
            agent["lastStatus"] = "STOPPED"
    marked = ecs._mark_task_stopped(launch.arn, launch.task, stopped.reason, stopped.stop_code)
    platform.tasks.remove(launch.arn)
    _delete_old_tasks()
    if stopped.leaves_no_task:
        ecs._tasks.pop(launch.arn, None)
    if marked and stopped.stop_code == "ServiceSchedulerInitiated":
        # ministack counts only exits and failed starts; ECS also counts failed health checks.
        ecs._record_service_task_failure(launch.task)
    if marked and stopped.stop_code == SPOT_INTERRUPTION and launch.service is not None:
        launch.report(f"has stopped 1 running tasks: (task {launch.task_id}).")
        ecs._reconcile_service_tasks(launch.cluster, launch.service_key)


def _count(launch: Launch, platform: Platform) -> None:
    """Count a failure of the deployment; ECS adds an event when its backoff begins."""
    failures = platform.backoff.failed(launch.deployment_id)
    if failures == IMPAIRED_AFTER_FAILURES:
        launch.report("is unable to consistently start tasks successfully.")


def _delete_old_tasks() -> None:
    """ECS shows a stopped task for about an hour, and the state must not grow with every deployment."""
    oldest = time.time() - REMEMBER_STOPPED_SECONDS
    for arn, task in list(ecs._tasks.items()):
        if task.get("lastStatus") == "STOPPED" and ecs._ts_to_epoch(task.get("stoppedAt") or ecs._iso()) < oldest:
            ecs._tasks.pop(arn, None)
