"""Forcing a new deployment of services."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from portside.aws.configured import configured
from portside.aws.model import Service
from portside.aws.service_reading import with_service
from portside.deploy import redeploy
from portside.deploy.redeploy import Failure, RedeploymentFailed, rollout_of
from portside.errors import UserError
from portside.records.environment_lock import Locked, parameter_name
from portside.records.origin import Origin
from tests.apps import agora
from tests.unit.configuration_support import named
from tests.unit.everyday_support import (
    BACK,
    FAILED,
    GOING_ON,
    OLD,
    OURS,
    STABLE,
    RollingEcs,
    denied,
    deployment,
    place,
    props,
    service,
    task,
    throttled,
)
from tests.unit.operations_support import FakeParameters, minutes_after_noon

ORIGIN = Origin("jane", None)


def _execute(ecs: RollingEcs) -> redeploy.Redeployment:
    target = place(ecs)
    return redeploy.execute(target, agora(), redeploy.plan(target, [props()]), wait=lambda _: None)


def test_new_tasks_are_forced_and_waited_for() -> None:
    ecs = RollingEcs(GOING_ON, GOING_ON, STABLE)
    assert _execute(ecs).services == {"agora-api": "stable"}
    assert ecs.forced == 1


def test_a_busy_aws_does_not_end_the_waiting(capsys: pytest.CaptureFixture[str]) -> None:
    assert _execute(RollingEcs(GOING_ON, throttled(), throttled(), STABLE)).services == {"agora-api": "stable"}


def test_a_right_that_is_missing_ends_it_in_a_sentence() -> None:
    with pytest.raises(UserError, match="the rollout can't be followed any more"):
        _execute(RollingEcs(GOING_ON, denied()))


def test_interrupted_it_says_what_continues(capsys: pytest.CaptureFixture[str]) -> None:
    ssm, ecs = FakeParameters(), RollingEcs(GOING_ON)
    target = place(ecs, ssm=ssm)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redeploy.execute(target, agora(), redeploy.plan(target, [props()]), wait=interrupted)
    assert "ECS continues with the new tasks: ./agora status dev" in capsys.readouterr().err


def _stopped() -> dict[str, Any]:
    stopped: dict[str, Any] = {
        "desiredStatus": "STOPPED",
        "lastStatus": "STOPPED",
        "stoppedReason": "Task failed to start",
    }
    return task("t", **stopped, stoppedAt=minutes_after_noon(10**6))


def test_a_rollback_is_waited_for_and_told_with_the_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    def undiagnosed(*_: object, **__: object) -> object:
        raise throttled()

    monkeypatch.setattr("portside.findings.diagnose.diagnose", undiagnosed)
    rolling_back = service(deployments=[deployment("rollback", rolloutState="IN_PROGRESS"), FAILED])
    ecs = RollingEcs(GOING_ON, rolling_back, BACK)
    with pytest.raises(RedeploymentFailed) as failed:
        _execute(ecs)
    assert ecs.states == [BACK]
    assert "agora-api: circuit breaker: tasks failed" in failed.value.message
    assert failed.value.message.splitlines()[-1] == "  look: ./agora logs dev agora-api"
    assert failed.value.hint == "The earlier tasks still serve."
    assert failed.value.exit_code == 1


def deployed(described: dict[str, Any]) -> Service:
    """agora-api as ECS describes it."""
    bare = Service("agora-api", "agora-dev-api", configured(props()))
    return with_service(bare, described)


@pytest.mark.parametrize(
    ("described", "state", "is_over", "has_failed"),
    [
        (STABLE, "stable", True, False),
        (
            service(deployments=[deployment("new")], runningCount=0, desiredCount=0),
            "no task started: its desired count is 0",
            True,
            False,
        ),
        (GOING_ON, "1 of 2 new tasks run", False, False),
        (service(deployments=[{**OURS, "failedTasks": 2}, OLD]), "1 of 2 new tasks run, 2 failed", False, False),
        (service(deployments=[deployment("new"), OLD]), "2 of 2 new tasks run", False, False),
        (service(deployments=[deployment("new")], runningCount=1), "2 of 2 new tasks run", False, False),
        (service(deployments=[{**FAILED, "status": "PRIMARY"}]), "failed", False, True),
        (
            service(deployments=[{**FAILED, "status": "PRIMARY"}], deploymentConfiguration={}),
            "failed",
            True,
            True,
        ),
        (BACK, "rolled back", True, True),
        (service(deployments=[deployment("another")]), "rolled back", True, True),
    ],
)
def test_how_far_a_rollout_is(described: dict[str, Any], state: str, is_over: bool, has_failed: bool) -> None:
    rollout = rollout_of(deployed(described), "new")
    assert (rollout.state, rollout.is_over, rollout.has_failed) == (state, is_over, has_failed)


def test_another_deployment_that_replaced_it_is_the_reason() -> None:
    rollout = rollout_of(deployed(service(deployments=[deployment("another")])), "new")
    assert rollout.reason == "replaced by another deployment"


def test_the_environment_is_held_meanwhile_and_free_afterwards() -> None:
    ssm = FakeParameters()
    seen: list[str] = []

    class Watching(RollingEcs):
        def update_service(self, **request: Any) -> dict[str, Any]:
            seen.append(json.loads(ssm.values[parameter_name(named("dev"))])["doing"])
            return super().update_service(**request)

    target = place(Watching(STABLE), ssm=ssm)
    redeploy.redeploy(target, agora(), redeploy.plan(target, [props()]), ORIGIN)
    assert seen == ["redeploy agora-api"]
    assert ssm.values == {}


def test_an_environment_that_someone_has_locked_is_left_alone() -> None:
    lock = json.dumps({"id": "1", "who": "jane", "since": "2026-11-23T12:00:00", "doing": "deploy"})
    ecs = RollingEcs(STABLE)
    target = place(ecs, ssm=FakeParameters({parameter_name(named("dev")): lock}))
    with pytest.raises(Locked) as refused:
        redeploy.redeploy(target, agora(), redeploy.plan(target, [props()]), ORIGIN)
    assert refused.value.hint.endswith("./agora unlock dev")
    rehearsal = replace(target, is_local=True)
    with pytest.raises(Locked) as rehearsed:
        redeploy.redeploy(rehearsal, agora(), redeploy.plan(rehearsal, [props()]), ORIGIN)
    assert rehearsed.value.hint.endswith("./agora unlock dev --local")
    assert ecs.forced == 0


def test_a_failure_is_reported_with_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    from portside.findings.finding import Finding

    verdict = Finding(
        "UNKNOWN",
        "its secret is missing",
        evidence=("words",),
        look="the log",
        fix="make it",
        service="agora-api",
        stack="agora-dev-api",
    )
    other = replace(verdict, service="agora-app", what="another's")
    diagnosis = type("Diagnosis", (), {"verdicts": (other, verdict)})()
    monkeypatch.setattr("portside.findings.diagnose.diagnose", lambda *_, **__: diagnosis)
    with pytest.raises(RedeploymentFailed) as failed:
        _execute(RollingEcs(BACK, tasks=[_stopped()]))
    assert failed.value.message.splitlines()[1:] == [
        "agora-api: circuit breaker: tasks failed",
        "agora-api: its secret is missing",
        "agora-api: words",
        "  look: the log",
    ]
    assert failed.value.hint.splitlines() == ["fix: make it", "The earlier tasks still serve."]


def test_a_diagnosis_that_fails_does_not_hide_why_ecs_gave_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("portside.findings.diagnose.diagnose", broken)
    with pytest.raises(RedeploymentFailed) as failed:
        _execute(RollingEcs(BACK, tasks=[_stopped()]))
    assert failed.value.message.splitlines()[1:3] == [
        "agora-api: circuit breaker: tasks failed",
        "agora-api: stopped task: unknown, ZeroDivisionError",
    ]


def test_fixes_that_differ_say_whose_they_are_and_the_same_one_is_given_once() -> None:
    api, app, apex = (
        Failure(name, ("why",), "the log", fix)
        for name, fix in (("agora-api", "make it"), ("agora-app", "make it"), ("agora-apex", "fix it"))
    )
    target = place(RollingEcs())
    assert RedeploymentFailed(target, [api, app]).hint.splitlines()[:-1] == ["fix: make it"]
    assert RedeploymentFailed(target, [api, app, apex]).hint.splitlines()[:-1] == [
        "fix: agora-api, agora-app: make it",
        "fix: agora-apex: fix it",
    ]
