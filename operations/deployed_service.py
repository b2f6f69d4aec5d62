"""A service as it is deployed, and its tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operations.service_states import cluster_of, service_arn
from operations.target import Target
from portside.config.stacks import service_stack
from src.errors import AgoraError
from src.service_props import ServiceProps

# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html
_MOST_TASKS = 100


@dataclass(frozen=True)
class DeployedService:
    """A service of the form, and what ECS says of it (DescribeServices)."""

    props: ServiceProps
    arn: str
    described: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in the form, which is its container's too."""
        return self.props.container_name

    @property
    def ecs_name(self) -> str:
        """The name that CloudFormation has made for it."""
        return self.arn.rpartition("/")[2]

    @property
    def cluster(self) -> str:
        """The name of the cluster that it runs on."""
        return cluster_of(self.arn)


def find_deployed(target: Target, props: ServiceProps) -> DeployedService:
    """A service as it is now. Raises `AgoraError` where it is not deployed."""
    environment = target.environment
    arn = service_arn(target.clients("cloudformation"), service_stack(environment, props.container_name).name)
    if arn is not None:
        found = target.clients("ecs").describe_services(cluster=cluster_of(arn), services=[arn])["services"]
        if found and found[0].get("status") != "INACTIVE":
            return DeployedService(props, arn, found[0])
    raise AgoraError(
        f"{props.container_name} is not deployed in {environment.name} {target.place}",
        f"Deploy it: {target.commands.tool('deploy')}",
    )


def read_tasks(ecs: Any, cluster: str, *, service: str | None = None, stopped: bool = False) -> list[dict[str, Any]]:
    """The tasks of a cluster, or of one service (its short name), that shall run; or those that have stopped.

    ECS knows stopped ones for about an hour.
    """
    chosen = {"serviceName": service} if service else {}
    pages = ecs.get_paginator("list_tasks").paginate(
        cluster=cluster, desiredStatus="STOPPED" if stopped else "RUNNING", **chosen
    )
    arns = [arn for page in pages for arn in page["taskArns"]]
    return [
        task
        for chunk in chunks(arns, _MOST_TASKS)
        for task in ecs.describe_tasks(cluster=cluster, tasks=chunk)["tasks"]
    ]


def chunks(values: Sequence[str], size: int) -> Iterator[list[str]]:
    """The values in parts of at most so many, as AWS takes them."""
    for start in range(0, len(values), size):
        yield list(values[start : start + size])


def task_id(task: Mapping[str, Any]) -> str:
    """The last part of a task's ARN."""
    return str(task["taskArn"]).rpartition("/")[2]


def short_task_id(identifier: str) -> str:
    """As much of a task's id as tells tasks apart."""
    return identifier[:8]
