"""The containers' own health checks."""

from __future__ import annotations

from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.running_tasks import RunningTask
from portside.emulator.fargate.stopping import TaskStopped

INTERVAL_SECONDS = 0.02


async def become_healthy(task: RunningTask, platform: Platform) -> None:
    """Check the health as often as the containers allow. Raises TaskStopped if they don't become healthy."""
    checked = {each["name"]: each for each in task.launch.containers if each.get("healthCheck")}
    if not checked:
        return
    fault = task.stub.fault
    healthy = False
    for _ in range(max(int(each["healthCheck"].get("retries") or 3) for each in checked.values())):
        await platform.pause(INTERVAL_SECONDS)
        healthy = fault is None or fault.passes_container_check
        if healthy:
            break
    state = "HEALTHY" if healthy else "UNHEALTHY"
    for container in task.launch.task["containers"]:
        if container["name"] in checked:
            container["healthStatus"] = state
    task.launch.task["healthStatus"] = state
    if not healthy:
        task.launch.report(f"(task {task.launch.task_id}) failed container health checks.")
        raise TaskStopped("Task failed container health checks", "ServiceSchedulerInitiated")
