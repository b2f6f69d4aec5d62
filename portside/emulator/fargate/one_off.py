"""A task that RunTask starts to do something and end, such as a loader of data."""

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
    """A task of no service that listens on no port."""
    return launch.service_name is None and not any(each.get("portMappings") for each in launch.containers)


async def run(launch: Launch, platform: Platform) -> None:
    """Logs its progress and ends. Always raises TaskStopped, unless someone stopped it meanwhile."""
    if not await start_containers(launch, platform) or not mark_running(launch):
        return
    (container, *_) = launch.containers
    for step in range(1, STEPS + 1):
        await platform.pause(STEP_SECONDS)
        container_log.write(launch, container, f"stand-in for {container['image']}: step {step} of {STEPS} done")
        if step < _CRASH_AFTER_STEP:
            continue
        if launch.fault(container, "out-of-memory"):
            raise exited(container, 137, "OutOfMemoryError: Container killed due to memory usage")
        if launch.fault(container, "killed"):
            raise exited(container, 137)
        if launch.fault(container, "crash-after-start"):
            container_log.write(launch, container, *application_log.crash_while_running(container))
            raise exited(container, 1)
    container_log.write(launch, container, f"stand-in for {container['image']}: all steps done")
    raise exited(container, 0)
