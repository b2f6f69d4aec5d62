"""The start of a task, from PROVISIONING to RUNNING."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portside.emulator import loopback_http
from portside.emulator.fargate import (
    application_log,
    container_log,
    container_secrets,
    database_login,
    file_system_mount,
    image_pull,
    network_interface,
    placement,
    stub,
    stub_faults,
)
from portside.emulator.fargate.launch import Launch, environment_of
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.running_tasks import RunningTask
from portside.emulator.fargate.stopping import TaskStopped, exited
from portside.emulator.fargate.stub import Stub
from portside.emulator.ministack_modules import ecs, iam

PROVISIONING_SECONDS = 0.01
PULL_SECONDS = 0.02
START_SECONDS = 0.02
SLOW_START_SECONDS = 5.0
EXEC_AGENT = "ExecuteCommandAgent"


@dataclass(frozen=True)
class Started:
    """A task whose containers have started, with the faults of its databases, its address, and its images' digests."""

    launch: Launch
    address: str
    digests: Mapping[str, str]


async def start_containers(launch: Launch, platform: Platform) -> Started | None:
    """Start all containers; None if the task was stopped meanwhile. Raises TaskStopped if it cannot start."""
    await platform.pause(PROVISIONING_SECONDS)
    placement.check(launch, platform)
    if not ecs._mark_task_pending(launch.arn, launch.task):
        return None
    _assume_roles(launch)
    address = network_interface.attach(launch, platform)
    file_system_mount.check(launch)
    ecs._mark_task_activating(launch.arn, launch.task)
    await platform.pause(PULL_SECONDS)
    for each in launch.containers:
        container_secrets.check_registry_login(launch, each)
    digests = {each["name"]: image_pull.pull(launch, each, platform) for each in launch.containers}
    launch.task["pullStoppedAt"] = ecs._iso()
    for container in launch.containers:
        container_secrets.check(launch, container)
        container_log.open_stream(launch, container)
    await platform.pause(START_SECONDS)
    launch = database_login.with_refusals(launch)
    for container in launch.containers:
        await _start_container(launch, container)
    return Started(launch, address, digests)


async def start_service(launch: Launch, platform: Platform) -> RunningTask | None:
    """The task with its stub; None if it was stopped meanwhile. Raises TaskStopped if it cannot start."""
    started = await start_containers(launch, platform)
    if not started:
        return None
    task = await _listen(started.launch, started, platform)
    if not mark_running(launch):
        platform.tasks.remove(launch.arn)
        return None
    return task


def mark_running(launch: Launch) -> bool:
    """Marks the task and its containers as running; False if it was stopped meanwhile."""
    for container in launch.task["containers"]:
        container["lastStatus"] = "RUNNING"
        container["runtimeId"] = f"{launch.task_id}-{uuid.uuid4().int % 10**10:010}"
        if launch.task.get("enableExecuteCommand"):
            container["managedAgents"] = [_exec_agent(launch, container)]
    return bool(ecs._mark_task_running(launch.arn, launch.task))


def _exec_agent(launch: Launch, container: Mapping[str, Any]) -> dict[str, Any]:
    if launch.fault(container, "no-exec-agent"):
        # Often AWS gives no reason: https://github.com/aws/amazon-ssm-agent/issues/540
        reason = "CannotStartManagedAgentError: failed to start managed agent inside container"
        return {"name": EXEC_AGENT, "lastStatus": "STOPPED", "reason": reason}
    return {"name": EXEC_AGENT, "lastStatus": "RUNNING", "lastStartedAt": time.time()}


def _assume_roles(launch: Launch) -> None:
    for name in ("executionRoleArn", "taskRoleArn"):
        arn = launch.task_definition.get(name)
        if arn and arn.rsplit("/", 1)[-1] not in iam._roles:
            raise TaskStopped(
                f"ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that "
                "the role being passed has the proper trust relationship and permissions and that your IAM user "
                "has permissions to pass this role."
            )


async def _start_container(launch: Launch, container: dict[str, Any]) -> None:
    if launch.fault(container, "bad-command"):
        program = [*(container.get("entryPoint") or []), *(container.get("command") or []), "docker-entrypoint.sh"][0]
        raise TaskStopped(
            "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: "
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
            f'process: exec: "{program}": executable file not found in $PATH: unknown',
            container=container["name"],
        )
    if launch.fault(container, "exec-format"):
        # https://repost.aws/knowledge-center/ecs-task-exec-format-error
        container_log.write(launch, container, "exec /usr/local/bin/docker-entrypoint.sh: exec format error")
        raise exited(container, 255)
    container_log.write(launch, container, f"stub for {container['image']}: starting")
    if fault := launch.fault(container, "crash-at-start"):
        container_log.write(launch, container, *application_log.lines_of_fault(launch, container))
        raise exited(container, int(float(fault.value or 1)))
    if not launch.fault(container, "crash-after-start"):
        container_log.write(launch, container, *application_log.lines_of_fault(launch, container))
        if stub_faults.is_fatal(launch, container):
            raise exited(container, 1)
    if fault := launch.fault(container, "slow-start"):
        seconds = float(fault.value or SLOW_START_SECONDS)
        container_log.write(launch, container, f"loading, {seconds:g} s until it listens")
        await asyncio.sleep(seconds)


async def _listen(launch: Launch, started: Started, platform: Platform) -> RunningTask:
    """Start the HTTP server of the task's stub."""
    groups = _target_groups(launch)
    first = next((each for each in launch.containers if each.get("portMappings")), launch.containers[0])
    answering = _stub(launch, first, started, stub_faults.fault(launch, groups))

    def log(line: str) -> None:
        container_log.write(launch, first, line)

    handler = stub.handler(answering, platform.tasks.in_namespace, log)
    server = await loopback_http.serve(handler, guard=answering.guard)
    answering.port = loopback_http.port_of(server)
    if answering.fault and answering.fault.refuses:
        server.close()
    task = RunningTask(launch, answering, server, groups)
    platform.tasks.add(task)
    for each in launch.containers:
        container_log.write(launch, each, f"stub for {each['image']}: listening on {_address_of(answering, each)}")
    return task


def _address_of(answering: Stub, container: Mapping[str, Any]) -> str:
    ports = ", ".join(str(each.get("containerPort")) for each in container.get("portMappings", [])) or "no port"
    if answering.fault and answering.fault.refuses:
        return f"127.0.0.1:8080, not on container port {ports}"
    return f"{answering.url} for container port {ports}"


def _stub(launch: Launch, container: Mapping[str, Any], started: Started, fault: stub.StubFault | None) -> Stub:
    namespace, aliases = stub.service_connect(launch.service)
    return Stub(
        account=launch.account,
        region=launch.region,
        task_arn=launch.arn,
        cluster=launch.cluster,
        service=launch.service_name,
        container=container["name"],
        image=container["image"],
        digest=started.digests[container["name"]],
        address=started.address,
        environment=environment_of(container),
        namespace=namespace,
        aliases=aliases,
        fault=fault,
        proxy=launch.proxy(container),
    )


def _target_groups(launch: Launch) -> tuple[str, ...]:
    names = {each["name"] for each in launch.containers}
    return tuple(
        each["targetGroupArn"]
        for each in (launch.service or {}).get("loadBalancers", [])
        if each.get("targetGroupArn") and each.get("containerName") in names
    )
