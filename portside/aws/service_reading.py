"""Read services from ECS: their events, deployments, tasks and revisions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from portside.aws.model import Agent, Alarm, Container, Deployment, Event, RegisteredTarget, Service, TargetGroup, Task
from portside.aws.model import TaskDefinition as Revision
from portside.redact import current

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html
SERVICES_AT_ONCE = 10
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
TASKS_AT_ONCE = 100
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html returns 10 a page by default.
_LISTED_AT_ONCE = 100
_MOST_EVENTS = 40
_MOST_TASKS = 10


def chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    """The values in parts of at most so many, as AWS takes them."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def cluster_of(arn: str) -> str:
    """The name of the cluster in a service's ARN; empty for the old ARN format, which does not contain it."""
    return arn.split("/")[-2] if arn.count("/") > 1 else ""


def list_service_names(ecs: Any, cluster: str) -> list[str]:
    pages = ecs.get_paginator("list_services").paginate(cluster=cluster, maxResults=_LISTED_AT_ONCE)
    return [arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]]


def describe_services(ecs: Any, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The answer of DescribeServices by name, for at most `SERVICES_AT_ONCE` names."""
    found = ecs.describe_services(cluster=cluster, services=list(names))["services"]
    # Deleted services are still described for a while.
    return {each["serviceName"]: each for each in found if each.get("status") != "INACTIVE"}


def list_task_arns(ecs: Any, cluster: str, status: str, service: str | None = None) -> list[str]:
    """The tasks of a cluster, or of one service, that should run, or that stopped within the last hour."""
    chosen = {"serviceName": service} if service else {}
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status, **chosen)
    return [arn for page in pages for arn in page["taskArns"]]


def describe_tasks(ecs: Any, cluster: str, arns: Sequence[str]) -> list[Mapping[str, Any]]:
    """The answer of DescribeTasks, for at most `TASKS_AT_ONCE` ARNs."""
    found: list[Mapping[str, Any]] = ecs.describe_tasks(cluster=cluster, tasks=list(arns))["tasks"]
    return found


def with_service(facts: Service, described: Mapping[str, Any]) -> Service:
    """The service with the answer of DescribeServices; its target groups have only their ARNs."""
    network = described.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    configuration = described.get("deploymentConfiguration") or {}
    alarms = configuration.get("alarms") or {}
    groups = filter(None, (each.get("targetGroupArn") for each in described.get("loadBalancers", ())))
    return replace(
        facts,
        ecs_name=described["serviceName"],
        known=True,
        status=described.get("status", ""),
        desired=described.get("desiredCount", 0),
        running=described.get("runningCount", 0),
        pending=described.get("pendingCount", 0),
        definition=described.get("taskDefinition", ""),
        exec_on=bool(described.get("enableExecuteCommand")),
        events=tuple(
            Event(each["createdAt"], current().brief(each["message"]))
            for each in described.get("events", ())[:_MOST_EVENTS]
        ),
        rollouts=tuple(_deployment(each) for each in described.get("deployments", ())),
        groups=tuple(TargetGroup(arn, facts.asked.port or 0, "", "", 0, ()) for arn in groups),
        subnets=tuple(network.get("subnets", ())),
        security_groups=tuple(network.get("securityGroups", ())),
        alarms=tuple(Alarm(name, "") for name in alarms.get("alarmNames", ())),
        rolls_back=bool((configuration.get("deploymentCircuitBreaker") or {}).get("rollback")),
        has_public_addresses=network.get("assignPublicIp") == "ENABLED",
    )


def by_service(
    services: Sequence[Service], described: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, tuple[Task, ...]], tuple[Task, ...]]:
    """The tasks of each service by its name, the newest first, and those of the cluster's other services."""
    tasks = {task.id: (str(each.get("group", "")), task) for each in described for task in [_task(each)]}
    newest = sorted(tasks.values(), key=lambda found: found[1].at, reverse=True)
    own = {service.name: tuple(task for group, task in newest if _belongs(service, group)) for service in services}
    known = {task.id for found in own.values() for task in found}
    return own, tuple(task for group, task in newest if group.startswith("service:") and task.id not in known)


def most_informative(tasks: Iterable[Task]) -> tuple[Task, ...]:
    """The newest tasks that failed, then the newest that live."""
    newest = list(tasks)
    failed = [task for task in newest if task.has_failed][:_MOST_TASKS]
    return (*failed, *[task for task in newest if task.status != "STOPPED" and not task.has_failed][:_MOST_TASKS])


def read_targets(elbv2: Any, arn: str) -> tuple[RegisteredTarget, ...]:
    """The targets of a group. Raises AWS's error if the group was deleted."""
    found = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    return tuple(_target(each) for each in found)


def read_definition(ecs: Any, arn: str, container: str) -> tuple[Revision, Mapping[str, str]]:
    """A revision, and the options of its container's log driver."""
    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    own: Mapping[str, Any] = next((each for each in found["containerDefinitions"] if each["name"] == container), {})
    revision = Revision(
        arn=found["taskDefinitionArn"],
        image=own.get("image", ""),
        command=tuple(map(current().brief, own.get("command") or ())),
        ports=tuple(each["containerPort"] for each in own.get("portMappings", ()) if "containerPort" in each),
        memory=int(found.get("memory") or own.get("memory") or 0),
        health_command=current().brief(" ".join((own.get("healthCheck") or {}).get("command") or ())),
        secrets=tuple(each["valueFrom"] for each in own.get("secrets", ())),
        execution_role=found.get("executionRoleArn") or "",
        task_role=found.get("taskRoleArn") or "",
    )
    return revision, (own.get("logConfiguration") or {}).get("options") or {}


def _belongs(facts: Service, group: str) -> bool:
    """A deleted service is recognized by the prefix that CloudFormation gave its name: the stack's."""
    if not facts.asked.is_service:
        # The default of RunTask; the family is the stack's name.
        return group == f"family:{facts.stack}"
    name = group.removeprefix("service:")
    return group != name and (name == facts.ecs_name or is_of_stack(name, facts.stack))


def is_of_stack(service: str, stack: str) -> bool:
    """Whether CloudFormation generated the service's name for a stack: my-app-dev-api-Service…"""
    return service.startswith(f"{stack}-Service")


def _deployment(deployment: Mapping[str, Any]) -> Deployment:
    return Deployment(
        id=deployment.get("id", ""),
        status=deployment["status"],
        state=deployment.get("rolloutState") or "",
        reason=current().brief(deployment.get("rolloutStateReason") or ""),
        failed_tasks=deployment.get("failedTasks", 0),
        definition=deployment.get("taskDefinition", ""),
        created=deployment["createdAt"],
        desired=deployment.get("desiredCount", 0),
        running=deployment.get("runningCount", 0),
    )


def _task(task: Mapping[str, Any]) -> Task:
    details = (each for attachment in task.get("attachments", ()) for each in attachment.get("details", ()))
    return Task(
        id=task["taskArn"].rpartition("/")[2],
        definition=task.get("taskDefinitionArn", ""),
        status=task.get("lastStatus", ""),
        created=task["createdAt"],
        started=task.get("startedAt"),
        stopped=task.get("stoppedAt") or task.get("stoppingAt"),
        stop_code=task.get("stopCode") or "",
        stopped_reason=current().brief(task.get("stoppedReason") or ""),
        health=task.get("healthStatus") or "",
        provider=task.get("capacityProviderName") or "",
        deployment=task.get("startedBy") or "",
        containers=tuple(_container(each) for each in task.get("containers", ())),
        desired_status=task.get("desiredStatus") or "",
        addresses=tuple(each["value"] for each in details if each.get("name") == "privateIPv4Address"),
        exec_on=bool(task.get("enableExecuteCommand")),
    )


def _container(container: Mapping[str, Any]) -> Container:
    image = str(container.get("image") or "")
    return Container(
        name=container["name"],
        status=container.get("lastStatus") or "",
        exit_code=container.get("exitCode"),
        reason=current().brief(container.get("reason") or ""),
        health=container.get("healthStatus") or "",
        agents=tuple(
            Agent(each.get("name", ""), each.get("lastStatus", ""), current().brief(each.get("reason") or ""))
            for each in container.get("managedAgents") or ()
        ),
        image=image,
        digest=str(container.get("imageDigest") or image.partition("@")[2]),
        runtime_id=str(container.get("runtimeId") or ""),
    )


def _target(description: Mapping[str, Any]) -> RegisteredTarget:
    target, health = description["Target"], description["TargetHealth"]
    return RegisteredTarget(
        target["Id"],
        target.get("Port", 0),
        health.get("State", ""),
        health.get("Reason") or "",
        current().brief(health.get("Description") or ""),
    )
