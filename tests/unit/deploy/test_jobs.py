"""Jobs before a rollout: which are due, how they end, and what is remembered."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from portside.aws.target import Target
from portside.config.service_props import ServiceProps
from portside.config.stacks import request_parameter
from portside.deploy import jobs
from portside.deploy.task_run import TaskFailed
from portside.errors import UserError
from portside.records.job_record import read_successes, write_success
from tests.apps import desk
from tests.unit.everyday_support import Logs, place
from tests.unit.operations_support import FakeParameters

ENVIRONMENT = desk().environment("dev")
MIGRATE = next(props for props in desk().services_of("dev") if props.container_name == "desk-migrate")
DEFINITION = "arn:aws:ecs:us-east-1:111122223333:task-definition/desk-dev-migrate:3"
REQUEST = {"cluster": "desk", "taskDefinition": DEFINITION, "networkConfiguration": {}, "enableExecuteCommand": True}


class Ecs:
    """ECS with one task, which is described in one state after the other."""

    def __init__(self, *states: Mapping[str, Any], failures: Sequence[Mapping[str, Any]] = ()) -> None:
        self.states, self.failures = list(states), list(failures)
        self.requests: list[dict[str, Any]] = []
        self.stopped: list[str] = []

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:
        return {"taskDefinition": {"containerDefinitions": [{"name": "desk-migrate"}]}}

    def run_task(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        return {"tasks": [] if self.failures else [{"taskArn": "arn:task/desk/t1"}], "failures": self.failures}

    def describe_tasks(self, *, cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
        return {"tasks": [self.states.pop(0) if len(self.states) > 1 else self.states[0]]}

    def stop_task(self, *, cluster: str, task: str, reason: str) -> None:
        self.stopped.append(task)


def ended(code: int | None, reason: str = "Essential container in task exited") -> dict[str, Any]:
    exit_code = {} if code is None else {"exitCode": code}
    return {"lastStatus": "STOPPED", "stoppedReason": reason, "containers": [{"name": "desk-migrate", **exit_code}]}


RUNNING = {"lastStatus": "RUNNING"}


def deployed(ecs: Ecs, ssm: FakeParameters | None = None) -> Target:
    values = {request_parameter(ENVIRONMENT, MIGRATE): json.dumps(REQUEST)}
    made = place(ecs, ssm=ssm or FakeParameters(values), logs=Logs())
    return dataclasses.replace(made, environment=ENVIRONMENT)


def run(target: Target, *services: ServiceProps) -> dict[str, jobs.JobRun]:
    return jobs.run_due_jobs(target, services or (MIGRATE,), wait=lambda _: None)


def test_a_job_runs_once_for_each_revision_that_succeeds() -> None:
    ecs = Ecs(RUNNING, ended(0))
    target = deployed(ecs)
    assert run(target)["desk-migrate"].exit_code == 0
    assert ecs.requests[0]["taskDefinition"] == DEFINITION
    assert run(target) == {}
    write_success(target.clients("ssm"), ENVIRONMENT, "desk-migrate", DEFINITION.replace(":3", ":2"))
    assert list(run(target)) == ["desk-migrate"]


@pytest.mark.parametrize(
    ("ecs", "words"),
    [
        (Ecs(ended(1)), "desk-migrate: task t1 ended with exit code 1; Essential container in task exited"),
        (Ecs(ended(None, "CannotPullContainerError: not found")), "no exit code: it never started; CannotPull"),
        (Ecs(RUNNING, failures=[{"reason": "RESOURCE:CPU"}]), "ECS starts no task of desk-migrate: RESOURCE:CPU"),
    ],
)
def test_a_job_that_fails_is_not_remembered(ecs: Ecs, words: str) -> None:
    target = deployed(ecs)
    with pytest.raises(TaskFailed) as failed:
        run(target)
    assert words in str(failed.value)
    assert read_successes(target.clients("ssm"), ENVIRONMENT) == {}


def test_a_job_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    ecs = Ecs(RUNNING)
    now = [0.0]
    monkeypatch.setattr("portside.deploy.task_run.time.monotonic", lambda: now[0])

    def wait(_: float) -> None:
        now[0] += 60

    with pytest.raises(TaskFailed, match="desk-migrate was not done after 60 minutes, and was stopped"):
        jobs.run_due_jobs(deployed(ecs), [MIGRATE], wait=wait)
    assert ecs.stopped == ["t1"]


def test_another_command_is_no_proof_that_the_job_succeeded() -> None:
    ecs = Ecs(ended(0))
    target = deployed(ecs)
    start = jobs.read_start(target, MIGRATE, "run", ["desk", "check"])
    jobs.run_job(target, MIGRATE, start, wait=lambda _: None)
    assert ecs.requests[0]["overrides"] == {
        "containerOverrides": [{"name": "desk-migrate", "command": ["desk", "check"]}]
    }
    assert read_successes(target.clients("ssm"), ENVIRONMENT) == {}


def test_a_job_that_is_not_deployed_is_reported_with_what_to_do() -> None:
    with pytest.raises(UserError) as refused:
        run(deployed(Ecs(RUNNING), FakeParameters()))
    assert "desk-migrate is not deployed in dev" in str(refused.value)
    assert "deploy dev" in refused.value.hint


def test_a_record_that_cannot_be_read_makes_jobs_run_again() -> None:
    assert read_successes(FakeParameters({"/desk/dev/jobs": "[]"}), ENVIRONMENT) == {}
