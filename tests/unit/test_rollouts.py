"""How far rollouts are."""

from __future__ import annotations

from typing import Any

import pytest

from operations import rollouts
from operations.rollouts import Rollout
from src.form import load_form
from tests.unit.operations_support import NOON, FakeCloudFormation, digest, minutes_after_noon, target
from tests.unit.rollouts_support import (
    CLUSTER_STACK,
    TARGETS,
    FakeCluster,
    FakeTargets,
    at_address,
    deployment,
    service,
    task,
)

APP, APEX = "agora-dev-app", "agora-dev-apex"


def _read(ecs: FakeCluster, targets: FakeTargets | None = None, stacks: Any = None) -> dict[str, Rollout]:
    aws = FakeCloudFormation(CLUSTER_STACK if stacks is None else stacks)
    place = target({"cloudformation": aws, "ecs": ecs, "elbv2": targets or FakeTargets()})
    read = rollouts.reader(place, load_form().services_of("dev"))
    return {rollout.service: rollout for rollout in read(NOON)}


def test_tasks_are_counted_by_what_they_are_doing() -> None:
    tasks = [
        task(APP, "1", "PENDING"),
        task(APP, "2"),
        task(APP, "3", healthStatus="HEALTHY"),
        task(APP, "4", "STOPPED", stoppedReason="Task failed container health checks"),
        task(APP, "5", healthStatus="UNHEALTHY"),
        task(APP, "6", "DEPROVISIONING"),
    ]
    found = _read(FakeCluster([service(APP, desired=2)], tasks))["agora-app"]
    assert found.state == "rolling out"
    assert found.summary == "1 of 2 healthy, 1 running, 1 pending, 1 unhealthy, 1 stopping, 1 stopped"


def test_a_stopped_task_says_why_with_exit_codes_and_the_containers_reasons() -> None:
    containers = [
        {"name": "agora-app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}
    ]
    stopped = task(APP, "1", "STOPPED", stoppedReason="Essential container in task exited", containers=containers)
    (only,) = _read(FakeCluster([service(APP)], [stopped]))["agora-app"].tasks
    assert only.has_failed
    assert only.reason == (
        "Essential container in task exited; agora-app exited with 137; "
        "OutOfMemoryError: Container killed due to memory usage"
    )


def test_a_task_that_made_room_for_its_successor_has_not_failed() -> None:
    stopped = task(APP, "1", "STOPPED", stoppedReason="Scaling activity initiated by (deployment ecs-svc/2)")
    found = _read(FakeCluster([service(APP)], [stopped]))["agora-app"]
    assert not found.tasks[0].has_failed
    assert "stopped" not in found.summary


def test_tasks_of_before_are_not_the_rollouts_but_their_digests_count() -> None:
    old = deployment("COMPLETED", created=minutes_after_noon(-60))
    found = _read(FakeCluster([service(APP, old)], [task(APP, "1", minute=-60)]))["agora-app"]
    assert (found.is_new, found.tasks, found.digests) == (False, (), (digest("agora-app"),))


def test_a_service_is_told_from_one_whose_name_begins_so_and_others_are_left_out() -> None:
    services = [service("agora-dev-api"), service("agora-dev-api-next"), service("agora-dev-bastion")]
    found = _read(FakeCluster(services, [task("agora-dev-api-next", "1")]))
    assert {name: len(rollout.tasks) for name, rollout in found.items()} == {"agora-api": 0, "agora-api-next": 1}


def test_behind_a_load_balancer_a_task_is_healthy_when_its_target_is() -> None:
    tasks = [task(APEX, str(number), **at_address(f"10.0.0.{number}")) for number in (1, 2, 3)]
    targets = {"10.0.0.1": ("healthy", ""), "10.0.0.2": ("unhealthy", "codes: [502]"), "10.0.0.9": ("draining", "")}
    found = _read(FakeCluster([service(APEX, behind=TARGETS)], tasks), FakeTargets(**targets))["agora-apex"]
    assert [each.state for each in found.tasks] == ["healthy", "unhealthy", "running"]
    assert found.targets == (("healthy", ""), ("unhealthy", "codes: [502]"))


@pytest.mark.parametrize(
    ("deployments", "state"),
    [
        ([deployment()], "rolling out"),
        ([deployment("COMPLETED")], "rolled out"),
        ([deployment(), deployment("FAILED", status="ACTIVE")], "failed, rolling back"),
        ([deployment("COMPLETED"), deployment("FAILED", status="ACTIVE")], "failed, rolled back"),
        (
            [deployment("COMPLETED"), deployment("FAILED", status="ACTIVE", created=minutes_after_noon(-5))],
            "rolled out",
        ),
    ],
    ids=["in progress", "completed", "circuit breaker", "rolled back", "failed before this deployment"],
)
def test_a_rollout_is_what_its_deployments_say(deployments: list[dict[str, Any]], state: str) -> None:
    assert _read(FakeCluster([service(APP, *deployments)]))["agora-app"].state == state


def test_without_health_checks_to_run_is_enough_once_ecs_is_content() -> None:
    found = _read(FakeCluster([service(APP, deployment("COMPLETED"))], [task(APP, "1")]))["agora-app"]
    assert found.summary == "1 of 1 running"


def test_before_there_is_a_cluster_there_are_no_rollouts() -> None:
    assert _read(FakeCluster([]), stacks={}) == {}


def test_a_cluster_that_is_there_is_looked_up_once() -> None:
    aws = FakeCloudFormation(CLUSTER_STACK)
    place = target({"cloudformation": aws, "ecs": FakeCluster([service(APP)]), "elbv2": FakeTargets()})
    read = rollouts.reader(place, load_form().services_of("dev"))
    read(NOON)
    aws.stacks.clear()
    assert [rollout.service for rollout in read(NOON)] == ["agora-app"]
