"""How far rollouts are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.aws.model import Container, Deployment
from portside.aws.reader import Look
from portside.aws.rollouts import ROLLED_OUT, Rollout, rollouts_in
from tests.unit.operations_support import NOON, digest, minutes_after_noon
from tests.unit.rollouts_support import behind, deployment, rollout, service, task


def test_tasks_are_counted_by_what_they_are_doing() -> None:
    found = rollout(
        "rolling out",
        task("1", "PENDING"),
        task("2"),
        task("3", health="HEALTHY"),
        task("4", "STOPPED", stopped_reason="Task failed container health checks"),
        task("5", health="UNHEALTHY"),
        task("6", "DEPROVISIONING"),
        desired=2,
    )
    assert found.state == "rolling out"
    assert found.summary == "1 of 2 healthy, 1 running, 1 pending, 1 unhealthy, 1 stopping, 1 stopped"


def test_a_stopped_task_says_why_with_exit_codes_and_the_containers_reasons() -> None:
    reason = "OutOfMemoryError: Container killed due to memory usage"
    ended = (Container("agora-app", "STOPPED", 137, reason),)
    stopped = task("1", "STOPPED", stopped_reason="Essential container in task exited", containers=ended)
    assert stopped.has_failed
    assert stopped.why_it_stopped == (
        "Essential container in task exited; agora-app exited with 137; "
        "OutOfMemoryError: Container killed due to memory usage"
    )


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Scaling activity initiated by (deployment ecs-svc/2)", "ServiceSchedulerInitiated"),
        ("Task stopped by user", ""),
        ("anything", "UserInitiated"),
    ],
)
def test_a_task_that_made_room_or_was_stopped_by_a_user_has_not_failed(reason: str, code: str) -> None:
    found = rollout("rolling out", task("1", "STOPPED", stopped_reason=reason, stop_code=code))
    assert not found.tasks[0].has_failed
    assert "stopped" not in found.summary


def test_tasks_of_before_are_not_the_rollouts_but_their_digests_count() -> None:
    found = rollout(ROLLED_OUT, task("1", minute=-60), is_new=False)
    assert (found.is_new, found.tasks, found.service.digests) == (False, (), (digest("agora-app"),))


def test_behind_a_load_balancer_a_task_is_healthy_when_its_target_is() -> None:
    tasks = [task(str(number), addresses=(f"10.0.0.{number}",)) for number in (1, 2, 3)]
    targets = behind(
        ("10.0.0.1", "healthy", ""), ("10.0.0.2", "unhealthy", "codes: [502]"), ("10.0.0.9", "draining", "")
    )
    found = rollout("rolling out", *tasks, groups=targets)
    assert [found.state_of(each) for each in tasks] == ["healthy", "unhealthy", "running"]
    assert [each.why for each in found.service.targets or ()] == ["", "codes: [502]"]


BEFORE = deployment("FAILED", status="ACTIVE", created=minutes_after_noon(-5))


@pytest.mark.parametrize(
    ("deployments", "state"),
    [
        ([deployment()], "rolling out"),
        ([deployment("COMPLETED")], "rolled out"),
        ([deployment(), deployment("FAILED", status="ACTIVE")], "failed, rolling back"),
        ([deployment("COMPLETED"), deployment("FAILED", status="ACTIVE")], "failed, rolled back"),
        ([deployment("COMPLETED"), BEFORE], "rolled out"),
    ],
    ids=["in progress", "completed", "circuit breaker", "rolled back", "failed before this deployment"],
)
def test_a_rollout_is_what_its_deployments_say(deployments: list[Deployment], state: str) -> None:
    assert Rollout(service(*deployments), NOON).state == state


def test_without_health_checks_to_run_is_enough_once_ecs_is_content() -> None:
    assert rollout(ROLLED_OUT, task("1")).summary == "1 of 1 running"


def test_a_service_that_is_not_deployed_has_no_rollout() -> None:
    found = [service(), replace(service(), status=""), replace(service(), status="INACTIVE")]
    assert [each.service for each in rollouts_in(Look({}, tuple(found)), NOON)] == found[:1]
