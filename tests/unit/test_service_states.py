"""What ECS says of a service, in a word."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from operations.service_states import read_services, stopped_reasons
from src.form import load_form
from tests.unit.operations_support import NOON, FakeCloudFormation, FakeEcs, minutes_after_noon

SERVICE = "arn:aws:ecs:us-east-1:607346494281:service/agora-dev-ecs-Cluster/agora-dev-api-Service"
DEFINITION = {"containerDefinitions": [{"name": "proxy", "image": "envoy:1"}, {"name": "agora-api", "image": "api:1"}]}


def _service(**differing: Any) -> dict[str, Any]:
    steady = {
        "taskDefinition": "api:7",
        "desiredCount": 2,
        "runningCount": 2,
        "pendingCount": 0,
        "deployments": [{"status": "PRIMARY", "rolloutState": "COMPLETED"}],
    }
    return steady | differing


def _task(arn: str, **differing: Any) -> dict[str, Any]:
    running = {
        "taskArn": arn,
        "group": "service:agora-dev-api-Service-x1",
        "desiredStatus": "RUNNING",
        "healthStatus": "HEALTHY",
        "createdAt": minutes_after_noon(0),
    }
    return running | differing


def _health(service: dict[str, Any], *tasks: dict[str, Any]) -> str:
    resources = [{"ResourceType": "AWS::ECS::Service", "PhysicalResourceId": SERVICE}]
    clients = {
        "cloudformation": FakeCloudFormation({"agora-dev-api": {"resources": resources}}),
        "ecs": FakeEcs(service, DEFINITION, tasks),
    }
    form = load_form()
    api = [props for props in form.services_of("dev") if props.container_name == "agora-api"]
    (state,) = read_services(clients.__getitem__, form.environment("dev"), api)
    assert (state.name, state.image) == ("agora-api", "api:1")
    return state.health


def test_a_service_is_steady_when_all_its_tasks_run_and_none_is_unhealthy() -> None:
    assert _health(_service(), _task("a"), _task("b")) == "steady"


@pytest.mark.parametrize(
    ("service", "task", "word"),
    [
        (_service(runningCount=1), _task("a"), "1 of 2 running"),
        (_service(pendingCount=1), _task("a"), "2 of 2 running"),
        (_service(deployments=[{"status": "PRIMARY", "rolloutState": "IN_PROGRESS"}]), _task("a"), "rolling out"),
        (_service(deployments=[{"status": "PRIMARY", "rolloutState": "FAILED"}]), _task("a"), "failed"),
        (_service(), _task("a", healthStatus="UNHEALTHY"), "unhealthy"),
    ],
)
def test_a_service_that_is_not_steady_says_why(service: dict[str, Any], task: dict[str, Any], word: str) -> None:
    assert _health(service, task) == word


def test_a_service_whose_stack_does_not_exist_is_absent() -> None:
    form = load_form()
    clients = {"cloudformation": FakeCloudFormation(), "ecs": None}
    states = read_services(clients.__getitem__, form.environment("dev"), form.services_of("dev"))
    assert {state.health for state in states} == {"absent"}


def _reasons(tasks: list[dict[str, Any]], since: datetime = NOON) -> list[str]:
    return stopped_reasons(FakeEcs(_service(), DEFINITION, tasks), "cluster", "agora-dev-api-Service-", since)


def _stopped(arn: str, minutes: float, reason: str, *containers: dict[str, Any]) -> dict[str, Any]:
    stopped = minutes_after_noon(minutes)
    return _task(arn, desiredStatus="STOPPED", stoppedAt=stopped, stoppedReason=reason, containers=list(containers))


def test_reasons_of_stopped_tasks_come_newest_first_and_once() -> None:
    tasks = [_stopped("a", 1, "OutOfMemory"), _stopped("b", 3, "Pull"), _stopped("c", 2, "OutOfMemory"), _task("d")]
    assert _reasons(tasks) == [
        "Pull",
        "OutOfMemory",
    ]


def test_a_reason_names_the_exit_code_of_the_container_that_ended() -> None:
    crashed = _stopped(
        "a",
        1,
        "Essential container in task exited",
        {"name": "agora-api", "exitCode": 1},
        {"name": "proxy", "exitCode": 0},
    )
    assert _reasons([crashed]) == ["Essential container in task exited; agora-api exited with 1"]


def test_tasks_that_the_scheduler_stopped_are_no_failures() -> None:
    tasks = [_stopped("a", 1, "Scaling activity initiated by (deployment ecs-svc/1)")]
    assert _reasons(tasks) == []


def test_tasks_that_stopped_before_the_deployment_are_not_its_failures() -> None:
    tasks = [_stopped("a", 1, "OutOfMemory"), _stopped("b", 3, "Pull")]
    assert stopped_reasons(
        FakeEcs(_service(), DEFINITION, tasks), "cluster", "agora-dev-api-Service-", minutes_after_noon(2)
    ) == ["Pull"]


def test_tasks_of_other_services_are_no_failures_of_this_one() -> None:
    tasks = [
        _stopped("a", 1, "OutOfMemory"),
        _stopped("b", 3, "Pull") | {"group": "service:agora-dev-api-next-Service-y"},
    ]
    assert _reasons(tasks) == ["OutOfMemory"]
