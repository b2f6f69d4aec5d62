"""Reading stacks from CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from portside.aws.model import Stack as DeployedStack
from portside.aws.stack_reading import (
    failures_since,
    read_all_stacks,
    read_stack,
    read_stacks,
    read_template,
)
from tests.unit.operations_support import NOON, FakeCloudFormation, client_error, minutes_after_noon


def test_a_stack_is_read_with_its_outputs_and_exports() -> None:
    aws = FakeCloudFormation({"a": {"outputs": {"Key": "value"}, "exports": {"agora-dev-load-balancer-dns": "x.aws"}}})
    state = read_stack(aws, "a")
    assert state is not None
    assert (state.status, state.updated) == ("CREATE_COMPLETE", NOON)
    assert state.outputs["Key"] == "value"
    assert state.exports == {"agora-dev-load-balancer-dns": "x.aws"}


def test_a_stack_that_does_not_exist_or_was_deleted_is_none() -> None:
    aws = FakeCloudFormation({"gone": {"status": "DELETE_COMPLETE"}})
    assert read_stack(aws, "gone") is None
    assert read_stacks(aws, ["gone", "never"]) == {}


def test_a_refusal_by_aws_is_not_mistaken_for_absence() -> None:
    class Refusing:
        def describe_stacks(self, **_: Any) -> None:
            raise client_error("AccessDenied", "not authorized")

    with pytest.raises(ClientError, match="not authorized"):
        read_stack(Refusing(), "a")


@pytest.mark.parametrize(
    ("status", "settled", "usable"),
    [
        ("CREATE_COMPLETE", True, True),
        ("UPDATE_ROLLBACK_COMPLETE", True, True),
        ("UPDATE_IN_PROGRESS", False, False),
        ("ROLLBACK_COMPLETE", True, False),
        ("REVIEW_IN_PROGRESS", False, False),
    ],
)
def test_states_are_settled_and_usable(status: str, settled: bool, usable: bool) -> None:
    state = DeployedStack("a", status)
    assert (state.is_settled, state.is_usable) == (settled, usable)


def test_all_stacks_of_an_environment_are_read_as_each_of_them_is() -> None:
    outputs, deleted = {"outputs": {"Image": "x:1"}}, {"status": "DELETE_COMPLETE"}
    aws = FakeCloudFormation({"agora-dev-app": outputs, "agora-dev-old": deleted, "agora-devel-app": {}})
    assert read_all_stacks(aws, "agora-dev-") == {"agora-dev-app": read_stack(aws, "agora-dev-app")}


def test_a_template_is_read_as_it_was_written() -> None:
    assert read_template(FakeCloudFormation({"a": {"template": {"Resources": {}}}}), "a") == {"Resources": {}}


def _event(minutes: float, logical_id: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "Timestamp": minutes_after_noon(minutes),
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::ECS::Service",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_failures_are_reported_in_order_without_what_was_only_cancelled_or_is_old() -> None:
    events = [
        _event(5, "Third", "CREATE_FAILED", "Resource creation cancelled"),
        _event(4, "Second", "CREATE_FAILED", "no such certificate"),
        _event(3, "First", "CREATE_FAILED", "circuit breaker"),
        _event(2, "Fine", "CREATE_COMPLETE"),
        _event(0, "Old", "CREATE_FAILED", "from another day"),
    ]
    found = failures_since(FakeCloudFormation({"a": {"events": events}}), "a", minutes_after_noon(1))
    assert [(each.logical_id, each.reason) for each in found] == [
        ("First", "circuit breaker"),
        ("Second", "no such certificate"),
    ]
