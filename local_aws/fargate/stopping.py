"""The end of a task: why it stopped, in AWS's words, and what is recorded of it."""

from __future__ import annotations

import time
from typing import Any

from local_aws.fargate.launch import Launch
from local_aws.fargate.platform import Platform
from local_aws.ministack_modules import ecs

REMEMBER_STOPPED_SECONDS = 3600


class TaskStopped(Exception):
    """Fargate gives this task up, with AWS's stop code and reason; `exit_code` if a container ended."""

    def __init__(
        self,
        reason: str,
        stop_code: str = "TaskFailedToStart",
        *,
        container: str | None = None,
        exit_code: int | None = None,
        container_reason: str = "",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.stop_code = stop_code
        self.container = container
        self.exit_code = exit_code
        self.container_reason = container_reason


def exited(container: dict[str, Any], exit_code: int, reason: str = "") -> TaskStopped:
    """The end of a task one of whose containers ended."""
    return TaskStopped(
        "Essential container in task exited",
        "EssentialContainerExited",
        container=container["name"],
        exit_code=exit_code,
        container_reason=reason,
    )


def stop(launch: Launch, stopped: TaskStopped, platform: Platform) -> None:
    """Marks the task as stopped, and counts it against its deployment."""
    if launch.service_name:
        platform.backoff.failed(launch.deployment_id)
    for container in launch.task["containers"]:
        if stopped.container in (None, container["name"]):
            if stopped.exit_code is not None:
                container["exitCode"] = stopped.exit_code
            if stopped.container_reason or stopped.stop_code == "TaskFailedToStart":
                container["reason"] = stopped.container_reason or stopped.reason
    marked = ecs._mark_task_stopped(launch.arn, launch.task, stopped.reason, stopped.stop_code)
    platform.tasks.remove(launch.arn)
    _forget_old_tasks()
    if marked and stopped.stop_code == "ServiceSchedulerInitiated":
        # ministack counts only exits and failed starts; ECS counts failed health checks just the same.
        ecs._record_service_task_failure(launch.task)


def _forget_old_tasks() -> None:
    """ECS shows a stopped task for about an hour; without this the state would grow with every deployment."""
    oldest = time.time() - REMEMBER_STOPPED_SECONDS
    for arn, task in list(ecs._tasks.items()):
        if task.get("lastStatus") == "STOPPED" and ecs._ts_to_epoch(task.get("stoppedAt") or ecs._iso()) < oldest:
            ecs._tasks.pop(arn, None)
