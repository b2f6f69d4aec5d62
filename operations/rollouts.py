"""How far the rollout of each service is: what the tasks that a deployment started are doing, and why some stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from operations.deployed_service import chunks, read_tasks, task_id
from operations.target import Target
from portside import redact
from portside.config.stacks import StackKind, only_stack, service_stack
from src.service_props import ServiceProps

PENDING, RUNNING, HEALTHY, UNHEALTHY, STOPPING, STOPPED = (
    *("pending", "running", "healthy", "unhealthy", "stopping", "stopped"),
)
ROLLING_OUT, ROLLED_OUT = "rolling out", "rolled out"
ROLLING_BACK, ROLLED_BACK = "failed, rolling back", "failed, rolled back"

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
_MOST_SERVICES = 10
_PENDING_STATES = ("PROVISIONING", "PENDING", "ACTIVATING")
# Not a failure: a task made room for its successor, or its service wants fewer.
_BY_THE_SCHEDULER = ("Scaling activity", "Deployment", "Service", "Task definition")


@dataclass(frozen=True)
class Task:
    """A task that a rollout started, and when AWS says that it was created, started and stopped."""

    id: str
    state: str
    created: datetime
    started: datetime | None = None
    stopped: datetime | None = None
    reason: str = ""
    """Why it stopped; empty where ECS stopped it to make room."""

    @property
    def has_failed(self) -> bool:
        """Whether it stopped, and not to make room for another."""
        return self.state == STOPPED and bool(self.reason)


@dataclass(frozen=True)
class Rollout:
    """A service and the tasks that were started for it since a moment; `digests` are those of all that run.

    `targets` says of each target of its load balancer how healthy it is and why not, draining ones left out.
    """

    stack: str
    service: str
    desired: int
    state: str
    is_new: bool
    tasks: tuple[Task, ...] = ()
    digests: tuple[str, ...] = ()
    healths: tuple[str, ...] = ()
    """What ECS's health checks say of each task that runs: HEALTHY, UNHEALTHY, or UNKNOWN where there is no check."""
    targets: tuple[tuple[str, str], ...] | None = None

    def count(self, *states: str) -> int:
        """How many of its new tasks are in one of these states; of those that stopped only the failed ones."""
        return sum(task.state in states and (task.state != STOPPED or task.has_failed) for task in self.tasks)

    @property
    def summary(self) -> str:
        """Its tasks in a line."""
        others = {state: self.count(state) for state in (RUNNING, PENDING, UNHEALTHY, STOPPING, STOPPED)}
        first = f"{self.count(HEALTHY)} of {self.desired} healthy"
        if self.state == ROLLED_OUT and others[RUNNING]:
            # Nobody checks the health of these, and for ECS to run is enough.
            first = f"{self.count(HEALTHY) + others.pop(RUNNING)} of {self.desired} running"
        return ", ".join([first, *(f"{count} {state}" for state, count in others.items() if count)])


ReadRollouts = Callable[[datetime], list[Rollout]]
"""From a moment to the rollout of every service that exists, with the tasks started since."""


def reader(target: Target, services: Sequence[ServiceProps]) -> ReadRollouts:
    """What reads the rollouts of an environment. Its clients are made here, so that any one thread may read.

    boto3's sessions are for one thread, its clients are not:
    https://docs.aws.amazon.com/boto3/latest/guide/clients.html#multithreading-or-multiprocessing-with-clients
    """
    cloudformation, ecs, elbv2 = (target.clients(name) for name in ("cloudformation", "ecs", "elbv2"))
    environment = target.environment
    names = {service_stack(environment, props.container_name).name: props.container_name for props in services}
    clusters: list[str] = []

    def read(since: datetime) -> list[Rollout]:
        clusters[:] = clusters or _clusters(cloudformation, only_stack(environment, StackKind.ECS_CLUSTER).name)
        return [rollout for cluster in clusters for rollout in _read(ecs, elbv2, cluster, names, since)]

    return read


def _clusters(cloudformation: Any, stack: str) -> list[str]:
    from botocore.exceptions import ClientError

    try:
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return []
        raise
    clusters = (each.get("PhysicalResourceId") for each in resources if each["ResourceType"] == "AWS::ECS::Cluster")
    return [cluster for cluster in clusters if cluster]


def _read(ecs: Any, elbv2: Any, cluster: str, names: Mapping[str, str], since: datetime) -> Iterator[Rollout]:
    pages = ecs.get_paginator("list_services").paginate(cluster=cluster)
    stacks = {arn: stack for page in pages for arn in page["serviceArns"] if (stack := _stack_of(arn, names))}
    tasks = _tasks_by_service(ecs, cluster) if stacks else {}
    for arns in chunks(list(stacks), _MOST_SERVICES):
        for service in ecs.describe_services(cluster=cluster, services=arns)["services"]:
            if service.get("status", "ACTIVE") == "ACTIVE":
                stack = stacks[service["serviceArn"]]
                own = tasks.get(service["serviceName"], ())
                yield _rollout(elbv2, stack, names[stack], service, own, since)


def _stack_of(arn: str, names: Mapping[str, str]) -> str | None:
    """CloudFormation begins the name of a service with that of its stack: agora-dev-api-next-Service…"""
    name = arn.rpartition("/")[2]
    return max((stack for stack in names if name.startswith(f"{stack}-")), key=len, default=None)


def _tasks_by_service(ecs: Any, cluster: str) -> dict[str, list[Mapping[str, Any]]]:
    """ECS shows stopped tasks for about an hour."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for task in (*read_tasks(ecs, cluster), *read_tasks(ecs, cluster, stopped=True)):
        found.setdefault(str(task.get("group", "")).partition(":")[2], []).append(task)
    return found


def _rollout(
    elbv2: Any, stack: str, name: str, service: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], since: datetime
) -> Rollout:
    new = [task for task in tasks if task["createdAt"] >= since]
    groups = [each["targetGroupArn"] for each in service.get("loadBalancers", ()) if each.get("targetGroupArn")]
    targets = {id: health for group in groups for id, health in _targets(elbv2, group)}
    return Rollout(
        stack=stack,
        service=name,
        desired=service["desiredCount"],
        state=_state(service["deployments"], since),
        is_new=bool(new) or any(_is_since(each, since) for each in service["deployments"]),
        tasks=tuple(_task(task, targets if groups else None) for task in new),
        digests=tuple(_digests(tasks, name)),
        healths=tuple(str(task.get("healthStatus", "UNKNOWN")) for task in tasks if _is_running(task)),
        targets=tuple((state, reason) for state, reason in targets.values() if state != "draining") if groups else None,
    )


def _state(deployments: Sequence[Mapping[str, Any]], since: datetime) -> str:
    primary = next((each for each in deployments if each["status"] == "PRIMARY"), {})
    is_over = primary.get("rolloutState", "COMPLETED") == "COMPLETED"
    if any(each.get("rolloutState") == "FAILED" and _is_since(each, since) for each in deployments):
        return ROLLED_BACK if is_over else ROLLING_BACK
    return ROLLED_OUT if is_over else ROLLING_OUT


def _is_since(deployment: Mapping[str, Any], since: datetime) -> bool:
    return bool(deployment["createdAt"] >= since)


def _targets(elbv2: Any, group: str) -> Iterator[tuple[str, tuple[str, str]]]:
    for each in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]:
        health = each["TargetHealth"]
        yield (
            each["Target"]["Id"],
            (health["State"], redact.current().brief(str(health.get("Description") or health.get("Reason") or ""))),
        )


def _task(task: Mapping[str, Any], targets: Mapping[str, tuple[str, str]] | None) -> Task:
    return Task(
        id=task_id(task),
        state=_task_state(task, targets),
        created=task["createdAt"],
        started=task.get("startedAt"),
        stopped=task.get("stoppedAt") or task.get("stoppingAt"),
        reason=_reason(task),
    )


def _task_state(task: Mapping[str, Any], targets: Mapping[str, tuple[str, str]] | None) -> str:
    status, health = task["lastStatus"], task.get("healthStatus", "UNKNOWN")
    if status == "STOPPED":
        return STOPPED
    if status in _PENDING_STATES:
        return PENDING
    if status != "RUNNING" or task.get("desiredStatus") == "STOPPED":
        return STOPPING
    if health == "UNHEALTHY":
        return UNHEALTHY
    if targets is None:
        return HEALTHY if health == "HEALTHY" else RUNNING
    seen = {targets[address][0] for address in _addresses(task) if address in targets}
    return HEALTHY if seen == {"healthy"} else UNHEALTHY if "unhealthy" in seen else RUNNING


def _addresses(task: Mapping[str, Any]) -> Iterator[str]:
    for attachment in task.get("attachments", ()):
        for detail in attachment.get("details", ()):
            if detail.get("name") == "privateIPv4Address":
                yield detail["value"]


def _digests(tasks: Iterable[Mapping[str, Any]], container: str) -> Iterator[str]:
    for task in tasks:
        if _is_running(task):
            for each in task.get("containers", ()):
                if each["name"] == container:
                    named = str(each.get("image", "")).partition("@")[2]
                    yield str(each.get("imageDigest") or named or "unknown")


def _is_running(task: Mapping[str, Any]) -> bool:
    return task["lastStatus"] == "RUNNING" and task.get("desiredStatus") != "STOPPED"


def _reason(task: Mapping[str, Any]) -> str:
    """Why a task stopped, in ECS's words, with the exit codes and reasons of its containers."""
    said = str(task.get("stoppedReason") or "")
    if task["lastStatus"] != "STOPPED" or said.startswith(_BY_THE_SCHEDULER):
        return ""
    containers = task.get("containers", ())
    codes = [f"{each['name']} exited with {each['exitCode']}" for each in containers if each.get("exitCode")]
    inner = [each["reason"] for each in containers if each.get("reason")]
    return redact.current().brief("; ".join(dict.fromkeys([said or "stopped", *codes, *inner])))
