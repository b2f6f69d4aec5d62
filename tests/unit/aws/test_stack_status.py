"""Each status of a stack is planned and reported as what it is, by every command that reads stacks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from portside.aws.model import Stack as DeployedStack
from portside.aws.stack_status import STACK_STATUSES, Outlook, status_of
from portside.cli.status import sentences_of
from portside.commands import Commands
from portside.deploy.environment_status import EnvironmentStatus
from portside.findings.check import FAIL, OK
from portside.findings.verdict import judge
from portside.plan.plan import CREATE, RECREATE, STUCK, UPDATE, WAIT, plan_deployment
from portside.preflight.stacks import remarkable
from portside.synthesis.assembly import Stack as SynthesizedStack
from tests.unit.diagnosis_support import evidence, service, stack, task

STATUSES: list[str] = (
    botocore.session.get_session().get_service_model("cloudformation").shape_for("StackStatus").metadata["enum"]
)
MONITORING = "agora-dev-monitoring"
DEV = Commands("dev", "607346494281", "us-east-1", is_local=False)

USABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
RECREATED = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
CREATED = {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}


def expected_action(status: str) -> str:
    if status in USABLE:
        return UPDATE
    if status in RECREATED:
        return RECREATE
    if status in CREATED:
        return CREATE
    return WAIT if status.endswith("_IN_PROGRESS") else STUCK


def planned(status: str, folder: Path) -> tuple[str, str]:
    file = folder / "template.json"
    file.write_text(json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}))
    synthesized = SynthesizedStack(MONITORING, (), file)
    state = DeployedStack(MONITORING, status)
    deployed: dict[str, dict[str, Any]] = {MONITORING: {"Resources": {}}} if state.is_usable else {}
    (change,) = plan_deployment([synthesized], deployed.get, {MONITORING: state})
    return change.action, change.summary


def test_the_table_has_every_status_that_aws_gives_and_no_other() -> None:
    assert set(STACK_STATUSES) == set(STATUSES)
    assert all(name == status.name for name, status in STACK_STATUSES.items())


@pytest.mark.parametrize("status", STATUSES)
def test_the_plan_has_an_action_for_each_stack(status: str, tmp_path: Path) -> None:
    action, summary = planned(status, tmp_path)
    assert action == expected_action(status)
    assert (status in summary) == (status not in USABLE or "ROLLBACK" in status)
    assert ("1 added" in summary) == (action in (CREATE, RECREATE, UPDATE))


@pytest.mark.parametrize("status", STATUSES)
def test_verification_fails_on_what_a_deployment_would_fail_on_and_reports_the_rest(status: str) -> None:
    check = remarkable(DeployedStack(MONITORING, status), DEV)
    if status in USABLE:
        assert check is None
        return
    assert check is not None
    assert check.state == (FAIL if expected_action(status) in (WAIT, STUCK) else OK)
    assert check.what.startswith(f"{status}: ")
    assert bool(check.fix) == (check.state == FAIL)
    if check.state == FAIL:
        assert f"--stack-name {MONITORING}" in check.fix


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", [MONITORING, "agora-dev-app"])
def test_a_diagnosis_says_that_nothing_is_wrong_only_where_the_last_operation_went_well(status: str, name: str) -> None:
    if status == "DELETE_COMPLETE":
        return  # such a stack is read as none
    found = judge(evidence(service("agora-app", task()), stacks=(stack(name, status),)))
    about = [each for each in found if each.stack == name]
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        assert [each.code for each in found] == ["NOTHING"]
        return
    assert about
    assert all(each.code != "NOTHING" for each in found)
    is_fine = status.endswith("_IN_PROGRESS") and "ROLLBACK" not in status and status != "REVIEW_IN_PROGRESS"
    assert any(each.is_wrong for each in about) != is_fine
    stuck = expected_action(status) == STUCK or status in ("ROLLBACK_FAILED", "REVIEW_IN_PROGRESS")
    assert (about[0].code == "STACK_STUCK") == stuck


@pytest.mark.parametrize("status", [each for each in STATUSES if each not in USABLE])
def test_the_status_of_an_environment_says_what_a_status_means(status: str) -> None:
    (said,) = sentences_of(EnvironmentStatus("dev", stacks={MONITORING: status}))
    assert said == f"Stack {MONITORING}: {status}: {status_of(status).meaning}"
    assert status_of(status).meaning


@pytest.mark.parametrize("status", STATUSES)
def test_only_one_in_progress_has_an_end_to_wait_for_and_only_a_stuck_one_must_be_freed(status: str) -> None:
    found = status_of(status)
    assert bool(found.waiter) <= found.is_in_progress
    assert (found.way_out is not None) >= (found.outlook is Outlook.STUCK)
    assert found.has_failed == ("ROLLBACK" in status or status.endswith("_FAILED"))


def test_a_status_that_aws_has_added_since_is_in_progress_or_stuck_and_never_well() -> None:
    assert status_of("REFACTOR_IN_PROGRESS").outlook is Outlook.IN_PROGRESS
    assert status_of("REFACTOR_FAILED").outlook is Outlook.STUCK
    assert status_of("REFACTOR_COMPLETE").blocks_deployment
