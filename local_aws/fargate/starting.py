"""A task's way from PROVISIONING to RUNNING."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

from local_aws import loopback_http, stand_in
from local_aws.fargate import container_log, container_secrets, image_pull, network_interface
from local_aws.fargate.launch import Launch
from local_aws.fargate.platform import Platform
from local_aws.fargate.running_tasks import RunningTask
from local_aws.fargate.stopping import TaskStopped, exited
from local_aws.ministack_modules import ecs, iam
from local_aws.stand_in import StandIn

PROVISIONING_SECONDS = 0.03
PULL_SECONDS = 0.05
START_SECONDS = 0.05
SLOW_START_SECONDS = 5.0


async def start(launch: Launch, platform: Platform) -> RunningTask | None:
    """The task with its stand-in; None if someone stopped it meanwhile. Raises TaskStopped if it cannot start."""
    await platform.pause(platform.backoff.seconds(launch.deployment_id))
    await platform.pause(PROVISIONING_SECONDS)
    if not ecs._mark_task_pending(launch.arn, launch.task):
        return None
    _assume_roles(launch)
    address = network_interface.attach(launch, platform)
    ecs._mark_task_activating(launch.arn, launch.task)
    await platform.pause(PULL_SECONDS)
    digests = {each["name"]: image_pull.pull(launch, each, platform) for each in launch.containers}
    for container in launch.containers:
        container_secrets.check(launch, container, platform)
        container_log.open_stream(launch, container)
    await platform.pause(START_SECONDS)
    for container in launch.containers:
        await _start_container(launch, container, platform)
    task = await _listen(launch, address, digests, platform)
    for container in launch.task["containers"]:
        container["lastStatus"] = "RUNNING"
        container["runtimeId"] = f"{launch.task_id}-{uuid.uuid4().int % 10**10:010}"
    if not ecs._mark_task_running(launch.arn, launch.task):
        platform.tasks.remove(launch.arn)
        return None
    return task


def _assume_roles(launch: Launch) -> None:
    for name in ("executionRoleArn", "taskRoleArn"):
        arn = launch.task_definition.get(name)
        if arn and arn.rsplit("/", 1)[-1] not in iam._roles:
            raise TaskStopped(
                f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that "
                "the role being passed has the proper trust relationship and permissions and that your IAM user "
                "has permissions to pass this role."
            )


async def _start_container(launch: Launch, container: dict[str, Any], platform: Platform) -> None:
    container_log.write(launch, container, f"stand-in for {container['image']}: starting")
    if fault := platform.fault(launch, container, "crash-at-start"):
        exit_code = int(float(fault.value or 1))
        message = f"ERROR: crashed while starting, exit code {exit_code} (fault switched on)"
        container_log.write(launch, container, message)
        raise exited(container, exit_code)
    if fault := platform.fault(launch, container, "slow-start"):
        seconds = float(fault.value or SLOW_START_SECONDS)
        message = f"starting slowly: {seconds:g} s until it listens (fault switched on)"
        container_log.write(launch, container, message)
        await asyncio.sleep(seconds)


async def _listen(launch: Launch, address: str, digests: Mapping[str, str], platform: Platform) -> RunningTask:
    """Starts the HTTP server that answers for the task's containers."""
    standing_in = _stand_in(launch, address, digests, platform)
    server = await loopback_http.serve(stand_in.handler(standing_in, platform.tasks.in_namespace))
    standing_in.port = loopback_http.port_of(server)
    task = RunningTask(launch, standing_in, server, _target_groups(launch))
    platform.tasks.add(task)
    for each in launch.containers:
        ports = ", ".join(str(p.get("containerPort")) for p in each.get("portMappings", [])) or "no port"
        where = f"{standing_in.url} for container port {ports}"
        container_log.write(launch, each, f"stand-in for {each['image']}: listening on {where}")
    return task


def _stand_in(launch: Launch, address: str, digests: Mapping[str, str], platform: Platform) -> StandIn:
    container = next((each for each in launch.containers if each.get("portMappings")), launch.containers[0])
    namespace, aliases = stand_in.service_connect(launch.service)
    return StandIn(
        account=launch.account,
        region=launch.region,
        task_arn=launch.arn,
        cluster=launch.cluster,
        service=launch.service_name,
        container=container["name"],
        image=container["image"],
        digest=digests[container["name"]],
        address=address,
        environment={each["name"]: each["value"] for each in container.get("environment", [])},
        namespace=namespace,
        aliases=aliases,
        healthy=not any(platform.fault(launch, each, "never-healthy") for each in launch.containers),
    )


def _target_groups(launch: Launch) -> tuple[str, ...]:
    names = {each["name"] for each in launch.containers}
    return tuple(
        each["targetGroupArn"]
        for each in (launch.service or {}).get("loadBalancers", [])
        if each.get("targetGroupArn") and each.get("containerName") in names
    )
