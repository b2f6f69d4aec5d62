"""The log stream of a container."""

from __future__ import annotations

from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stopping import TaskStopped
from portside.emulator.ministack_modules import ecs, responses


def open_stream(launch: Launch, container: dict[str, Any]) -> None:
    """Create the stream. Raises TaskStopped if its log group doesn't exist."""
    config = ecs._awslogs_config(container, launch.task_id, launch.task_id)
    if config and not ecs._ensure_awslogs_stream(config):
        raise TaskStopped(
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
            "failed to create Cloudwatch log stream: ResourceNotFoundException: "
            f"The specified log group does not exist. : exit status 1 (log group {config['group']})"
        )


def write(launch: Launch, container: dict[str, Any], *lines: str) -> None:
    """Write each line as an event, if the container logs to CloudWatch."""
    config = ecs._awslogs_config(container, launch.task_id, launch.task_id)
    if config:
        with responses.request_scope(launch.account, config["region"] or launch.region):
            for line in lines:
                ecs._emit_awslogs_event(config, line)
