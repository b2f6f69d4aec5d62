"""The life cycle of a task: started, healthy, stable, and health-checked until it stops."""

from __future__ import annotations

import logging

from portside.emulator.fargate import container_health, one_off, target_health
from portside.emulator.fargate.crashing import crash
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.running_tasks import RunningTask
from portside.emulator.fargate.starting import start_service
from portside.emulator.fargate.stopping import TaskStopped, stop
from portside.emulator.ministack_modules import ecs, responses

log = logging.getLogger("portside.emulator.fargate")

UNCHECKED_SECONDS = 0.05


async def live(launch: Launch, platform: Platform) -> None:
    """Returns when the task has stopped, or runs without further health checks."""
    with responses.request_scope(launch.account, launch.region):
        try:
            await platform.pause(platform.backoff.seconds(launch.deployment_id))
            launch = platform.with_faults(launch)
            if one_off.is_one_off(launch):
                await one_off.run(launch, platform)
                return
            task = await start_service(launch, platform)
            if not task:
                return
            crash(task, platform)
            await _become_healthy(task, platform)
            _count_as_stable(launch, platform)
            await target_health.stay_healthy(task, platform)
        except TaskStopped as stopped:
            stop(launch, stopped, platform)
        except Exception as error:  # a bug of the emulator: show it in the task's stopped reason
            log.exception("task %s", launch.arn)
            stop(launch, TaskStopped(f"InternalError: the embedded AWS failed: {error!r}"), platform)


async def _become_healthy(task: RunningTask, platform: Platform) -> None:
    """Container health checks, then those of the load balancer. Raises TaskStopped if one fails."""
    await container_health.become_healthy(task, platform)
    for target_group in task.target_groups:
        await target_health.become_healthy(task, target_group, platform)
    if not task.target_groups and not any(each.get("healthCheck") for each in task.launch.containers):
        await platform.pause(UNCHECKED_SECONDS)


def _count_as_stable(launch: Launch, platform: Platform) -> None:
    if not launch.service_name:
        return
    key = launch.service_key
    platform.backoff.stable(launch.deployment_id)
    ecs._record_service_task_healthy(key, launch.task)
    ecs._refresh_service_state(launch.cluster, launch.task["group"])
    ecs._reconcile_service_tasks(launch.cluster, key)
    ecs._complete_service_deployment(launch.cluster, key, expected_deployment_id=launch.task.get("_deployment_id"))
