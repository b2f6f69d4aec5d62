"""The diagnosis of a job: why its last run failed, and what starts it again."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from portside.aws.model import Service, Task
from portside.findings.finding import Finding
from portside.findings.verdict import judge
from tests.unit.diagnosis_support import asked, evidence, exited, service

CRASH = exited(1, "Error: relation users does not exist", "    at migrate (/app/migrate.js:3:1)", name="agora-migrate")
SUCCESS = exited(0, "done", name="agora-migrate")


def job(*tasks: Task) -> Service:
    return dataclasses.replace(asked(service("agora-migrate", *tasks), is_service=False), status="", rollouts=())


def verdicts(found: Service, only: str | None = None) -> tuple[Finding, ...]:
    return judge(dataclasses.replace(evidence(service()), jobs=(found,), only=only))


def test_a_failed_run_is_diagnosed_as_a_task_of_a_service_is() -> None:
    first = verdicts(job(CRASH))[0]
    assert (first.service, first.is_wrong) == ("agora-migrate", True)
    assert "exit code 1" in first.what
    assert "relation users does not exist" in first.what


def test_only_the_last_run_counts_and_exit_code_0_is_no_failure() -> None:
    assert not any(each.is_wrong for each in verdicts(job(SUCCESS, CRASH)))
    assert any(each.is_wrong for each in verdicts(job(CRASH, SUCCESS)))


@pytest.mark.parametrize(("seconds", "is_diagnosed"), [(-60, True), (0.9, True), (60, False)])
def test_a_failure_before_the_run_in_question_is_another_one(seconds: float, is_diagnosed: bool) -> None:
    # ECS can report whole seconds, so the end of a run can be before its beginning.
    looked = dataclasses.replace(evidence(service()), jobs=(job(CRASH),), since=CRASH.at + timedelta(seconds=seconds))
    assert any(each.is_wrong for each in judge(looked)) is is_diagnosed


def test_a_job_that_did_not_fail_is_reported_with_its_last_run() -> None:
    [found] = verdicts(job(SUCCESS), "agora-migrate")
    assert "Nothing is wrong with agora-migrate: its last run ended at" in found.what
    [found] = verdicts(job(), "agora-migrate")
    assert found.what.endswith("no run ended in the last hour")
