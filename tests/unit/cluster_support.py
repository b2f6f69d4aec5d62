"""An ECS cluster with services, tasks and a target group, as AWS describes them, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.unit.operations_support import NOON, FakePaginator, digest, minutes_after_noon

CLUSTER = "agora-dev-ecs-Cluster"
TARGETS = "arn:aws:elasticloadbalancing:us-east-1:607346494281:targetgroup/apex/1"


def arn_of(stack: str) -> str:
    return f"arn:aws:ecs:us-east-1:607346494281:service/{CLUSTER}/{stack}-ServiceD69D759B-abc"


def deployment(
    state: str = "IN_PROGRESS", *, status: str = "PRIMARY", created: datetime | None = None
) -> dict[str, Any]:
    return {"status": status, "rolloutState": state, "createdAt": created or minutes_after_noon(1)}


def service(stack: str, *deployments: Mapping[str, Any], desired: int = 1, behind: str = "") -> dict[str, Any]:
    arn = arn_of(stack)
    return {
        "serviceArn": arn,
        "serviceName": arn.rpartition("/")[2],
        "status": "ACTIVE",
        "desiredCount": desired,
        "deployments": list(deployments) or [deployment()],
        "loadBalancers": [{"targetGroupArn": behind}] if behind else [],
    }


def task(stack: str, id: str, status: str = "RUNNING", *, minute: float = 1, **more: Any) -> dict[str, Any]:
    name = stack.replace("agora-dev-", "agora-")
    return {
        "taskArn": f"arn:aws:ecs:us-east-1:607346494281:task/{CLUSTER}/{id}",
        "group": f"service:{arn_of(stack).rpartition('/')[2]}",
        "lastStatus": status,
        "desiredStatus": "STOPPED" if status == "STOPPED" else "RUNNING",
        "healthStatus": "UNKNOWN",
        "createdAt": minutes_after_noon(minute),
        "containers": [{"name": name, "image": f"ghcr.io/org/{name}@{digest(name)}", "imageDigest": digest(name)}],
        **more,
    }


def at_address(address: str) -> dict[str, Any]:
    return {"attachments": [{"details": [{"name": "privateIPv4Address", "value": address}]}]}


class FakeCluster:
    """ECS with one cluster; it refuses more at once than AWS takes, and answers in pages of two."""

    def __init__(self, services: Sequence[Mapping[str, Any]], tasks: Sequence[Mapping[str, Any]] = ()) -> None:
        self.services, self.tasks = list(services), list(tasks)
        self.calls: list[str] = []

    def get_paginator(self, operation: str) -> FakePaginator:
        self.calls.append(operation)
        return FakePaginator({"list_services": self._services, "list_tasks": self._tasks}[operation])

    def _services(self, *, cluster: str, maxResults: int) -> Iterator[dict[str, Any]]:
        assert cluster == CLUSTER
        arns = [each["serviceArn"] for each in self.services]
        yield from ({"serviceArns": arns[start : start + 2]} for start in range(0, len(arns), 2))

    def _tasks(self, *, cluster: str, desiredStatus: str) -> Iterator[dict[str, Any]]:
        arns = [each["taskArn"] for each in self.tasks if each["desiredStatus"] == desiredStatus]
        yield from ({"taskArns": arns[start : start + 2]} for start in range(0, len(arns), 2))

    def describe_services(self, *, cluster: str, services: Sequence[str]) -> dict[str, Any]:
        assert 0 < len(services) <= 10
        return {"services": [each for each in self.services if each["serviceName"] in services]}

    def describe_tasks(self, *, cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
        assert 0 < len(tasks) <= 100
        return {"tasks": [each for each in self.tasks if each["taskArn"] in tasks]}


class FakeTargets:
    """The load balancer's view of each address: state, and why."""

    def __init__(self, **targets: tuple[str, str]) -> None:
        self.targets = targets

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:
        assert TargetGroupArn == TARGETS
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": address}, "TargetHealth": {"State": state, "Description": why}}
                for address, (state, why) in self.targets.items()
            ]
        }


CLUSTER_STACK = {"agora-dev-ecs": {"resources": [{"ResourceType": "AWS::ECS::Cluster", "PhysicalResourceId": CLUSTER}]}}
BEGAN = NOON
