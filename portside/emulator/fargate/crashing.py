"""Tasks that a fault ends after they have started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from portside.emulator.fargate import application_log, container_log
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.running_tasks import RunningTask
from portside.emulator.fargate.stopping import SPOT_INTERRUPTION, TaskStopped, exited, stop
from portside.emulator.ministack_modules import responses

SPOT_SECONDS = 5.0
SPOT_REASON = "Your Spot Task was interrupted."


def crash(task: RunningTask, platform: Platform) -> None:
    """Raise TaskStopped for a container that ends at once; schedule the end of a container that ends later."""
    for container in task.launch.containers:
        if task.launch.fault(container, "out-of-memory"):
            raise exited(container, 137, "OutOfMemoryError: Container killed due to memory usage")
        if task.launch.fault(container, "killed"):
            raise exited(container, 137)
        if fault := task.launch.fault(container, "crash-after-start"):
            if fault.value is None:
                raise _crashed(task, container)
            _later(float(fault.value), task, platform, partial(_crashed, task, container))
        if fault := task.launch.fault(container, "spot-reclaimed"):
            seconds = float(fault.value or SPOT_SECONDS)
            _later(seconds, task, platform, lambda: TaskStopped(SPOT_REASON, SPOT_INTERRUPTION))


def _crashed(task: RunningTask, container: dict[str, Any]) -> TaskStopped:
    container_log.write(task.launch, container, *application_log.lines_of_fault(task.launch, container))
    return exited(container, 1)


def _later(seconds: float, task: RunningTask, platform: Platform, end: Callable[[], TaskStopped]) -> None:
    def stop_it() -> None:
        if task in platform.tasks:
            with responses.request_scope(task.launch.account, task.launch.region):
                stop(task.launch, end(), platform)

    asyncio.get_running_loop().call_later(seconds, stop_it)
