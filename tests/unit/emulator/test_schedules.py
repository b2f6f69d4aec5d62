"""Schedules start their tasks when they are due, and what EventBridge Scheduler refuses fails the stack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portside.emulator.client import control
from tests.unit.local_aws_support import Account, account, embedded_aws, network, until

__all__ = ["account", "embedded_aws", "network"]

IMAGE = "ghcr.io/example/report:1.0.0"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def definition(account: Account) -> str:
    control.put_image(IMAGE, source="published", aws=account.aws)
    registered = account.client("ecs").register_task_definition(
        family="report",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=f"arn:aws:iam::{account.number}:role/test-execution",
        containerDefinitions=[{"name": "report", "image": IMAGE, "essential": True}],
    )
    return str(registered["taskDefinition"]["taskDefinitionArn"])


def resources(account: Account, **changes: Any) -> dict[str, Any]:
    """A schedule that is due after 2 seconds, with changes of its properties or of its target."""
    due = datetime.now(UTC) + timedelta(seconds=2)
    target = {
        "Arn": f"arn:aws:ecs:us-east-1:{account.number}:cluster/test",
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "EcsParameters": {
            "TaskDefinitionArn": definition(account),
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": [account.outputs("network")["Subnet"]]}},
        },
    }
    properties = {
        "ScheduleExpression": f"at({due:%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {**target, **changes.pop("Target", {})},
        **changes,
    }
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": properties},
    }


def test_a_due_schedule_starts_its_task_once(account: Account) -> None:
    assert account.deploy("report", resources(account)) == "CREATE_COMPLETE"
    ecs = account.client("ecs")

    def tasks() -> list[dict[str, Any]]:
        # A task that stops between the two reads is in both.
        arns = {
            arn
            for status in ("RUNNING", "STOPPED")
            for arn in ecs.list_tasks(cluster="test", family="report", desiredStatus=status)["taskArns"]
        }
        return list(ecs.describe_tasks(cluster="test", tasks=list(arns))["tasks"]) if arns else []

    [task] = until(tasks, lambda found: found and all(each["lastStatus"] == "STOPPED" for each in found))
    assert task["group"] == "family:report"
    assert task["containers"][0]["exitCode"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ScheduleExpression": "cron(0 3 * * *)"}, "Invalid Schedule Expression cron(0 3 * * *)."),
        ({"ScheduleExpression": "rate(5 fortnights)"}, "Invalid Schedule Expression rate(5 fortnights)."),
        ({"ScheduleExpressionTimezone": "Mars/Olympus"}, "Invalid Schedule Expression Timezone Mars/Olympus."),
        (
            {"Target": {"RoleArn": "arn:aws:iam::000000000000:role/none"}},
            "must allow AWS EventBridge Scheduler to assume the role",
        ),
        (
            {"Target": {"EcsParameters": {"TaskDefinitionArn": "arn:aws:ecs:us-east-1:1:task-definition/none:1"}}},
            "task definition arn:aws:ecs:us-east-1:1:task-definition/none:1 does not exist",
        ),
    ],
)
def test_a_schedule_that_aws_refuses_fails_its_stack(account: Account, changes: dict[str, Any], message: str) -> None:
    assert account.deploy("report", resources(account, **changes)) == "ROLLBACK_COMPLETE"
    events = account.client("cloudformation").describe_stack_events(StackName="report")["StackEvents"]
    assert any(message in each.get("ResourceStatusReason", "") for each in events)
