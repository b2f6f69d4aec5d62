"""A small environment with one service, agora-api, as AWS would describe it, for the verbs of every day."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from portside.aws.target import Target
from portside.config.service_props import ServiceProps
from tests.apps import agora
from tests.unit.operations_support import (
    FakeCloudFormation,
    FakeEcs,
    FakeParameters,
    client_error,
    minutes_after_noon,
    target,
)

CLUSTER = "agora-dev-ecs-Cluster"
SERVICE_ARN = f"arn:aws:ecs:us-east-1:607346494281:service/{CLUSTER}/agora-dev-api-Service-x1"
DEFINITION_ARN = "arn:aws:ecs:us-east-1:607346494281:task-definition/api:7"
ROLE = "arn:aws:iam::607346494281:role/api-execution"
API_STACK = {
    "resources": [
        {"LogicalResourceId": "Service", "ResourceType": "AWS::ECS::Service", "PhysicalResourceId": SERVICE_ARN}
    ]
}
DATABASE_STACK = {
    "resources": [
        {
            "LogicalResourceId": "Callers1",
            "ResourceType": "AWS::EC2::SecurityGroup",
            "PhysicalResourceId": "sg-callers",
        },
        {"LogicalResourceId": "Cluster", "ResourceType": "AWS::DocDB::DBCluster", "PhysicalResourceId": "cluster-1"},
        {
            "LogicalResourceId": "Secret",
            "ResourceType": "AWS::SecretsManager::Secret",
            "PhysicalResourceId": "arn:pass",
        },
    ]
}
DEFINITION = {
    "executionRoleArn": ROLE,
    "containerDefinitions": [
        {
            "name": "agora-api",
            "image": "ghcr.io/org/agora-api:1",
            "environment": [{"name": "MONGODB_HOST", "value": "db.example.org"}],
            "secrets": [{"name": "MONGODB_PASS", "valueFrom": "arn:pass"}],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "api-logs", "awslogs-stream-prefix": "agora-dev-api"},
            },
        }
    ],
}


def service(**differing: Any) -> dict[str, Any]:
    """agora-api, stable, with two tasks."""
    stable = {
        "serviceArn": SERVICE_ARN,
        "serviceName": "agora-dev-api-Service-x1",
        "status": "ACTIVE",
        "taskDefinition": DEFINITION_ARN,
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "enableExecuteCommand": True,
        "deployments": [deployment("d1")],
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-own", "sg-callers"]}
        },
    }
    return stable | differing


def deployment(identifier: str, **differing: Any) -> dict[str, Any]:
    completed = {
        "id": identifier,
        "status": "PRIMARY",
        "rolloutState": "COMPLETED",
        "taskDefinition": DEFINITION_ARN,
        "createdAt": minutes_after_noon(0),
        "desiredCount": 2,
        "runningCount": 2,
        "failedTasks": 0,
    }
    return completed | differing


def task(identifier: str, started: float = 0, **differing: Any) -> dict[str, Any]:
    running = {
        "taskArn": f"arn:aws:ecs:us-east-1:607346494281:task/{CLUSTER}/{identifier}",
        "taskDefinitionArn": DEFINITION_ARN,
        "group": "service:agora-dev-api-Service-x1",
        "desiredStatus": "RUNNING",
        "lastStatus": "RUNNING",
        "healthStatus": "HEALTHY",
        "enableExecuteCommand": True,
        "createdAt": minutes_after_noon(started - 1),
        "startedAt": minutes_after_noon(started),
        "containers": [container()],
    }
    return running | differing


def container(**differing: Any) -> dict[str, Any]:
    agent = {"name": "ExecuteCommandAgent", "lastStatus": "RUNNING"}
    image = "ghcr.io/org/agora-api:1"
    running = {"name": "agora-api", "image": image, "runtimeId": "r-1", "managedAgents": [agent]}
    return running | differing


class Ecs(FakeEcs):
    """Pages its lists; `refusals` are raised in turn before anything is described."""

    def __init__(
        self,
        service: Mapping[str, Any],
        tasks: Sequence[Mapping[str, Any]] = (),
        *,
        refusals: Sequence[Exception] = (),
    ) -> None:
        super().__init__(service, DEFINITION, tasks)
        self.refusals = list(refusals)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def describe_services(self, *, cluster: str, services: Sequence[str]) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        return super().describe_services(cluster=cluster, services=services)

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:
        assert taskDefinition == DEFINITION_ARN
        return {"taskDefinition": self.definition}

    def execute_command(self, **request: Any) -> dict[str, Any]:
        self.asked.append(("execute_command", request))
        if self.refusals:
            raise self.refusals.pop(0)
        return {"session": {"sessionId": "s-1", "streamUrl": "wss://example.org", "tokenValue": "the-token"}}


class Logs:
    """Events in pages of two; each question is kept, `refusals` are raised in turn."""

    def __init__(self, *events: Mapping[str, Any], refusals: Sequence[Exception] = ()) -> None:
        self.events, self.refusals = list(events), list(refusals)
        self.asked: list[dict[str, Any]] = []

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self.asked.append(dict(request))
        if self.refusals:
            raise self.refusals.pop(0)
        found = [
            event
            for event in self.events
            if event["timestamp"] >= request["startTime"]
            and event["logStreamName"].startswith(request["logStreamNamePrefix"])
        ]
        start = int(request.get("nextToken", 0))
        more = {"nextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"events": found[start : start + 2], **more}


def event(minutes: float, message: str, *, task: str = "aaaa1111", number: str = "") -> dict[str, Any]:
    """A line of agora-api; its id is its message unless a number is given."""
    return {
        "eventId": number or message,
        "timestamp": int(minutes_after_noon(minutes).timestamp() * 1000),
        "logStreamName": f"agora-dev-api/agora-api/{task}",
        "message": message,
    }


def props(name: str = "agora-api", **differing: Any) -> ServiceProps:
    found = next(each for each in agora().services_of("dev") if each.container_name == name)
    return replace(found, **differing) if differing else found


def place(ecs: Any, *, stacks: Mapping[str, Mapping[str, Any]] | None = None, **clients: Any) -> Target:
    """dev, with the fakes that are given; agora-api and the database are deployed."""
    deployed = {"agora-dev-api": API_STACK, "agora-dev-docdb-v8": DATABASE_STACK} if stacks is None else stacks
    given = {"cloudformation": FakeCloudFormation(deployed), "ecs": ecs, "ssm": FakeParameters()} | clients
    return target(given)


def throttled() -> Exception:
    return client_error("ThrottlingException", "Rate exceeded")


def denied() -> Exception:
    return client_error("AccessDeniedException", "User: jane is not authorized to perform: this")


def expired() -> Exception:
    return client_error("ExpiredTokenException", "The security token included in the request is expired")


OURS = deployment("new", rolloutState="IN_PROGRESS", runningCount=1)
OLD = deployment("old", status="ACTIVE")
FAILED = deployment("new", status="ACTIVE", rolloutState="FAILED", rolloutStateReason="circuit breaker: tasks failed")


class RollingEcs(Ecs):
    """Starts a deployment when it is reported to, and is then seen in one state after the other; the last one stays."""

    def __init__(self, *states: Mapping[str, Any] | Exception, tasks: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(service(), tasks)
        self.states = list(states)
        self.forced = 0

    def update_service(self, **request: Any) -> dict[str, Any]:
        assert request["forceNewDeployment"] is True
        assert "/" not in request["service"]
        self.forced += 1
        return {"service": service(deployments=[OURS, OLD])}

    def describe_services(self, *, cluster: str, services: Sequence[str]) -> dict[str, Any]:
        if self.forced and self.states:
            state = self.states[0] if len(self.states) == 1 else self.states.pop(0)
            if isinstance(state, Exception):
                raise state
            return {"services": [state]}
        return super().describe_services(cluster=cluster, services=services)


STABLE = service(deployments=[deployment("new")])
GOING_ON = service(deployments=[OURS, OLD])
BACK = service(deployments=[deployment("rollback"), FAILED])


class Ssm:
    meta = SimpleNamespace(endpoint_url="https://ssm.us-east-1.amazonaws.com")

    def __init__(self) -> None:
        self.terminated: list[str] = []

    def terminate_session(self, *, SessionId: str) -> None:
        self.terminated.append(SessionId)


PLUGIN = """
import json, os, sys
if sys.argv[1:] == ["--version"]:
    print({version!r})
    sys.exit(0)
response = os.environ.get(sys.argv[1], sys.argv[1])
with open({record!r}, "w") as file:
    json.dump({{"arguments": sys.argv[1:], "response": json.loads(response)}}, file)
sys.exit({exit_code})
"""


def write_plugin(folder: Path, *, version: str = "1.2.700.0", exit_code: int = 0) -> Path:
    """A plugin that records how it was called; the file it records into."""
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "called.json"
    script, plugin = folder / "plugin.py", folder / "session-manager-plugin"
    script.write_text(PLUGIN.format(version=version, record=str(record), exit_code=exit_code))
    # Not the script itself: no system takes a first line with a blank in the path of its interpreter.
    plugin.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n')
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    return record
