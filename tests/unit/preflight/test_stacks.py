"""Verifying stacks: a stuck one fails with the command that frees it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from portside.findings.check import FAIL, OK, SKIP, check
from portside.findings.finding import Finding
from portside.preflight import stacks
from tests.unit.verification_support import THROTTLED, FakeClient, by_subject, context, deployed

NAME = "agora-dev-app"


def found(status: str | None) -> dict[str, Finding]:
    return by_subject(stacks.questions()[:1], context(stacks={NAME: deployed(status=status)} if status else {}))


def test_missing_stacks_would_be_made() -> None:
    assert found(None) == {"stacks": check("stacks", OK, "0 can be updated, 6 would be made")}


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_holds_what_was_deployed_can_be_updated(status: str) -> None:
    assert found(status) == {"stacks": check("stacks", OK, "1 can be updated, 5 would be made")}


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS"])
def test_what_the_cdk_makes_again_automatically_is_reported_and_is_no_failure(status: str) -> None:
    check = found(status)[f"stack {NAME}"]
    assert (check.state, status in check.what) == (OK, True)


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "delete-stack"),
        ("CREATE_FAILED", "rollback-stack"),
        ("UPDATE_FAILED", "rollback-stack"),
        ("UPDATE_IN_PROGRESS", "cancel-update-stack"),
        ("UPDATE_IN_PROGRESS", "wait stack-update-complete"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait stack-update-complete"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "wait stack-rollback-complete"),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "wait stack-rollback-complete"),
        ("CREATE_IN_PROGRESS", "wait stack-create-complete"),
        ("ROLLBACK_IN_PROGRESS", "wait stack-create-complete"),
        ("DELETE_IN_PROGRESS", "wait stack-delete-complete"),
        ("IMPORT_IN_PROGRESS", "wait stack-import-complete"),
        ("IMPORT_ROLLBACK_IN_PROGRESS", "describe-stack-events"),
    ],
)
def test_a_stack_that_is_stuck_fails_with_the_fix(status: str, way_out: str) -> None:
    check = found(status)[f"stack {NAME}"]
    assert check.state == FAIL
    assert f"aws cloudformation {way_out} --stack-name {NAME}" in check.fix


@pytest.mark.parametrize(
    ("going_on", "ended"),
    [
        ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("CREATE_IN_PROGRESS", "CREATE_COMPLETE"),
        ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"),
        ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"),
        ("IMPORT_IN_PROGRESS", "IMPORT_COMPLETE"),
    ],
)
def test_what_must_be_waited_for_waits_and_then_ends(going_on: str, ended: str) -> None:
    """By the definitions that the AWS CLI waits by: a state that is in none of them is waited in."""
    name = found(going_on)[f"stack {NAME}"].fix.partition(" wait ")[2].split()[0]
    client: Any = boto3.client("cloudformation", region_name="us-east-1")
    states = {each.expected for each in client.get_waiter(name.replace("-", "_")).config.acceptors}
    assert going_on not in states
    assert ended in states


def test_throttled_nothing_is_known_about_stacks() -> None:
    about = context({"cloudformation": FakeClient(describe_stacks=THROTTLED)})
    (check,) = by_subject(stacks.questions()[:1], about).values()
    assert (check.subject, check.state) == ("stacks", SKIP)
