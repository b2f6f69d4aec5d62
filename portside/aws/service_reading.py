"""What ECS tells of services: their events, deployments, tasks and revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portside.aws.model import (
    Agent,
    ConfiguredCall,
    ConfiguredSecret,
    ConfiguredService,
    Container,
    Deployment,
    Event,
    Service,
    Task,
    TaskDefinition,
)
from portside.redact import current
from src.service_props import ServiceProps

_MOST_EVENTS = 40
_MOST_TASKS = 10
_DESCRIBED_AT_ONCE = 100


@dataclass(frozen=True)
class Wiring:
    """How a service is connected: what ECS says of it that is no fact for a person."""

    target_groups: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


def asked(props: ServiceProps) -> ConfiguredService:
    """What the form asks for."""
    check = props.container_healthcheck
    return ConfiguredService(
        image=props.container_location,
        port=props.container_port,
        cpu=props.task_size.cpu,
        memory=props.task_size.memory,
        tasks=props.auto_scale_min_capacity,
        public=props.public,
        health_path=props.health_check_path,
        health_command=" ".join(map(str, check.command)) if check else "",
        secrets=tuple(
            ConfiguredSecret(
                secret.secret_name if isinstance(secret.secret_name, str) else None,
                secret.environment_key,
                secret.json_field,
            )
            for secret in props.container_secrets
        ),
        calls=tuple(ConfiguredCall(call.service, call.port) for call in props.calls),
        spot_weight=props.spot_weight,
    )


def read_services(ecs: Any, cluster: str, names: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What DescribeServices says, by the name that was asked for; at most ten names."""
    if not names:
        return {}
    found = ecs.describe_services(cluster=cluster, services=list(names))["services"]
    return {name: each for name in names for each in found if name in (each["serviceArn"], each["serviceName"])}


def read_tasks(ecs: Any, cluster: str, state: str) -> list[Mapping[str, Any]]:
    """The tasks of a cluster that run, or that stopped in the last hour."""
    pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=state)
    arns = [arn for page in pages for arn in page["taskArns"]]
    tasks: list[Mapping[str, Any]] = []
    for start in range(0, len(arns), _DESCRIBED_AT_ONCE):
        described = ecs.describe_tasks(cluster=cluster, tasks=arns[start : start + _DESCRIBED_AT_ONCE])
        tasks += described["tasks"]
    return tasks


def with_service(facts: Service, service: Mapping[str, Any]) -> Service:
    """The facts with what DescribeServices says."""
    return replace(
        facts,
        ecs_name=service["serviceName"],
        known=True,
        # One that was deleted is described for a while.
        status="" if service.get("status") == "INACTIVE" else service.get("status", ""),
        desired=service.get("desiredCount", 0),
        running=service.get("runningCount", 0),
        pending=service.get("pendingCount", 0),
        definition=service.get("taskDefinition", ""),
        exec_on=bool(service.get("enableExecuteCommand")),
        events=tuple(
            Event(each["createdAt"], current().brief(each["message"]))
            for each in service.get("events", ())[:_MOST_EVENTS]
        ),
        rollouts=tuple(_rollout(each) for each in service.get("deployments", ())),
    )


def wiring_of(service: Mapping[str, Any]) -> Wiring:
    """How the service is connected."""
    network = service.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    groups = (each.get("targetGroupArn") for each in service.get("loadBalancers", ()))
    return Wiring(
        tuple(filter(None, groups)), tuple(network.get("subnets", ())), tuple(network.get("securityGroups", ()))
    )


def with_tasks(facts: Service, tasks: Iterable[Mapping[str, Any]]) -> Service:
    """The facts with the service's own of a cluster's tasks: the newest that failed, and the newest that live."""
    own = [_task(each) for each in tasks if _belongs(facts, str(each.get("group", "")))]
    newest = sorted({task.id: task for task in own}.values(), key=lambda task: task.at, reverse=True)
    failed = [task for task in newest if task.has_failed][:_MOST_TASKS]
    alive = [task for task in newest if task.status != "STOPPED" and not task.has_failed][:_MOST_TASKS]
    return replace(facts, tasks=tuple(failed + alive))


def _belongs(facts: Service, group: str) -> bool:
    """A service that was deleted is known only by how CloudFormation began its name: with the stack's."""
    name = group.removeprefix("service:")
    return group != name and (name == facts.ecs_name or name.startswith(f"{facts.stack}-Service"))


def _rollout(deployment: Mapping[str, Any]) -> Deployment:
    return Deployment(
        id=deployment["id"],
        status=deployment["status"],
        state=deployment.get("rolloutState") or "",
        reason=current().brief(deployment.get("rolloutStateReason") or ""),
        failed_tasks=deployment.get("failedTasks", 0),
        definition=deployment.get("taskDefinition", ""),
        created=deployment["createdAt"],
    )


def _task(task: Mapping[str, Any]) -> Task:
    return Task(
        id=task["taskArn"].rpartition("/")[2],
        definition=task.get("taskDefinitionArn", ""),
        status=task.get("lastStatus", ""),
        created=task["createdAt"],
        started=task.get("startedAt"),
        stopped=task.get("stoppedAt"),
        stop_code=task.get("stopCode") or "",
        stopped_reason=current().brief(task.get("stoppedReason") or ""),
        health=task.get("healthStatus") or "",
        provider=task.get("capacityProviderName") or "",
        deployment=task.get("startedBy") or "",
        containers=tuple(_container(each) for each in task.get("containers", ())),
    )


def _container(container: Mapping[str, Any]) -> Container:
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
    )


def read_definition(ecs: Any, arn: str, container: str) -> tuple[TaskDefinition, Mapping[str, str]]:
    """A revision, and the options of its container's log driver."""
    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    own: Mapping[str, Any] = next((each for each in found["containerDefinitions"] if each["name"] == container), {})
    facts = TaskDefinition(
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
    return facts, (own.get("logConfiguration") or {}).get("options") or {}
