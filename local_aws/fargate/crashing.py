"""Containers that end after they have started, as their faults say."""

from __future__ import annotations

import asyncio
from typing import Any

from local_aws.fargate import container_log
from local_aws.fargate.platform import Platform
from local_aws.fargate.running_tasks import RunningTask
from local_aws.fargate.stopping import exited, stop
from local_aws.ministack_modules import responses


def crash(task: RunningTask, platform: Platform) -> None:
    """Raises TaskStopped for a container that ends at once; sets the time for one that ends later."""
    for container in task.launch.containers:
        if platform.fault(task.launch, container, "out-of-memory"):
            container_log.write(task.launch, container, "ERROR: out of memory (fault switched on)")
            raise exited(container, 137, "OutOfMemoryError: Container killed due to memory usage")
        fault = platform.fault(task.launch, container, "crash-after-start")
        if fault and fault.value is None:
            message = "ERROR: crashed after it had started, exit code 1 (fault switched on)"
            container_log.write(task.launch, container, message)
            raise exited(container, 1)
        if fault:
            asyncio.get_running_loop().call_later(float(fault.value or 0), _crash_later, task, container, platform)


def _crash_later(task: RunningTask, container: dict[str, Any], platform: Platform) -> None:
    if task not in platform.tasks:
        return
    with responses.request_scope(task.launch.account, task.launch.region):
        container_log.write(task.launch, container, "ERROR: crashed, exit code 1 (fault switched on)")
        stop(task.launch, exited(container, 1), platform)
