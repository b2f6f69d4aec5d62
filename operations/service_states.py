"""What ECS says of the services of an environment."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from portside.config.stacks import service_stack
from src.environment import Environment
from src.service_props import ServiceProps


@dataclass(frozen=True)
class ServiceState:
    """A service as it runs."""

    name: str
    image: str
    desired: int
    running: int
    health: str
    """"steady" when as many tasks run as are desired, all of the current revision and none unhealthy."""

    @property
    def is_steady(self) -> bool:
        """Whether nothing is left to wait for."""
        return self.health == "steady"

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def read_services(clients: Any, environment: Environment, services: Sequence[ServiceProps]) -> list[ServiceState]:
    """The state of each service of the form; one that is not deployed is said to be "absent"."""
    cloudformation, ecs = clients("cloudformation"), clients("ecs")
    states = []
    for props in services:
        arn = service_arn(cloudformation, service_stack(environment, props.container_name).name)
        states.append(_read_service(ecs, props.container_name, arn))
    return states


def service_arn(cloudformation: Any, stack: str) -> str | None:
    """The ARN of the ECS service that a stack holds, if the stack exists and has one."""
    from botocore.exceptions import ClientError

    try:
        resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    arns = (each.get("PhysicalResourceId") for each in resources if each["ResourceType"] == "AWS::ECS::Service")
    return next((arn for arn in arns if arn), None)


def cluster_of(service: str) -> str:
    """The name of the cluster in a service's ARN."""
    return service.split("/")[-2]


def stopped_reasons(ecs: Any, cluster: str, service_prefix: str, since: datetime, *, most: int = 3) -> list[str]:
    """Why tasks of a service stopped since a moment, each reason once, the newest first.

    ECS knows stopped tasks for about an hour, also those of a service that was deleted; such a one is known only by how
    CloudFormation begins its name.
    """
    arns = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"] if arns else []
    stopped = [
        task
        for task in tasks
        if str(task.get("group", "")).startswith(f"service:{service_prefix}")
        and (task.get("stoppedAt") or task["createdAt"]) >= since
        and not _stopped_by_the_scheduler(task)
    ]
    newest = sorted(stopped, key=lambda task: task.get("stoppedAt") or task["createdAt"], reverse=True)
    return list(dict.fromkeys(_reason(task) for task in newest))[:most]


def _stopped_by_the_scheduler(task: Mapping[str, Any]) -> bool:
    return str(task.get("stoppedReason", "")).startswith(
        ("Scaling activity", "Deployment", "Service", "Task definition")
    )


def _reason(task: Mapping[str, Any]) -> str:
    codes = [
        f"{each['name']} exited with {each['exitCode']}"
        for each in task.get("containers", [])
        if each.get("exitCode") not in (None, 0)
    ]
    inner = [each["reason"] for each in task.get("containers", []) if each.get("reason")]
    return "; ".join(dict.fromkeys([task.get("stoppedReason") or "stopped", *codes, *inner]))


def _read_service(ecs: Any, name: str, arn: str | None) -> ServiceState:
    if arn is None:
        return ServiceState(name, "-", 0, 0, "absent")
    cluster = cluster_of(arn)
    service = ecs.describe_services(cluster=cluster, services=[arn])["services"][0]
    definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    image = next((each["image"] for each in definition["containerDefinitions"] if each["name"] == name), "-")
    return ServiceState(
        name=name,
        image=image,
        desired=service["desiredCount"],
        running=service["runningCount"],
        health=_health(service, _tasks(ecs, cluster, arn)),
    )


def _tasks(ecs: Any, cluster: str, arn: str) -> list[dict[str, Any]]:
    arns = ecs.list_tasks(cluster=cluster, serviceName=arn.split("/")[-1])["taskArns"]
    tasks: list[dict[str, Any]] = ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"] if arns else []
    return tasks


def _health(service: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> str:
    states = {deployment.get("rolloutState") for deployment in service["deployments"]}
    if "UNHEALTHY" in {task.get("healthStatus") for task in tasks}:
        return "unhealthy"
    if any(
        deployment["status"] == "PRIMARY" and deployment.get("rolloutState") == "FAILED"
        for deployment in service["deployments"]
    ):
        return "failed"
    if "IN_PROGRESS" in states:
        return "rolling out"
    with contextlib.suppress(KeyError):
        if service["runningCount"] != service["desiredCount"] or service["pendingCount"]:
            return f"{service['runningCount']} of {service['desiredCount']} running"
    return "steady"
