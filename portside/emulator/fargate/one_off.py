"""A task that RunTask starts and that ends when its work is done, such as a data loader."""

from __future__ import annotations

from portside.emulator.fargate import application_log, container_log
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.starting import mark_running, start_containers
from portside.emulator.fargate.stopping import exited

STEPS = 5
STEP_SECONDS = 0.4
_CRASH_AFTER_STEP = 2


def is_one_off(launch: Launch) -> bool:
    """Whether the task has no service and no port."""
    return launch.service_name is None and not any(each.get("portMappings") for each in launch.containers)


async def run(launch: Launch, platform: Platform) -> None:
    """Log progress and end. Always raises TaskStopped, unless the task was stopped meanwhile."""
    if not await start_containers(launch, platform) or not mark_running(launch):
        return
    (container, *_) = launch.containers
    for step in range(1, STEPS + 1):
        await platform.pause(STEP_SECONDS)
        container_log.write(launch, container, f"stub for {container['image']}: step {step} of {STEPS} done")
        if step < _CRASH_AFTER_STEP:
            continue
        if launch.fault(container, "out-of-memory"):
            raise exited(container, 137, "OutOfMemoryError: Container killed due to memory usage")
        if launch.fault(container, "killed"):
            raise exited(container, 137)
        if launch.fault(container, "crash-after-start"):
            container_log.write(launch, container, *application_log.lines_of_fault(launch, container))
            raise exited(container, 1)
    container_log.write(launch, container, f"stub for {container['image']}: all steps done")
    raise exited(container, 0)
