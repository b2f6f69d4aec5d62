"""Jobs and scheduled tasks in the templates of tests/apps/desk."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

import pytest

from portside.config.service_props import Schedule
from tests.apps import desk
from tests.unit.stacks_support import Json, of_type, properties, read_templates, shared_synthesis_with

JOBS = ("migrate", "report", "import")
SCHEDULE = "AWS::Scheduler::Schedule"


@functools.cache
def stacks() -> dict[str, Json]:
    found = read_templates(shared_synthesis_with(None, desk(), "dev"))
    return {name.removeprefix("desk-dev-"): template for name, template in found.items()}


@pytest.mark.parametrize("part", JOBS)
def test_a_job_has_a_task_definition_and_no_service_no_port_and_no_scaling(part: str) -> None:
    kinds = {each["Type"] for each in stacks()[part]["Resources"].values()}
    assert not kinds & {"AWS::ECS::Service", "AWS::ApplicationAutoScaling::ScalableTarget"}
    definition = properties(stacks()[part], "AWS::ECS::TaskDefinition")
    assert definition["Family"] == f"desk-dev-{part}", "by which its tasks are recognized"
    [container] = definition["ContainerDefinitions"]
    assert "PortMappings" not in container or container["PortMappings"] == []
    assert "HealthCheck" not in container


@pytest.mark.parametrize("part", JOBS)
def test_the_request_that_starts_a_job_is_in_a_parameter(part: str) -> None:
    parameter = properties(stacks()[part], "AWS::SSM::Parameter")
    assert parameter["Name"] == f"/desk/dev/run/{part}"
    texts = parameter["Value"]["Fn::Join"][1]
    request = json.loads("".join(each if isinstance(each, str) else "x" for each in texts))
    network = request["networkConfiguration"]["awsvpcConfiguration"]
    assert (len(network["subnets"]), len(network["securityGroups"])) == (2, 2), "its own group, and the database's"
    assert {"Ref": next(iter(of_type(stacks()[part], "AWS::ECS::TaskDefinition")))} in texts


def test_a_job_is_reached_by_nothing() -> None:
    for part in JOBS:
        assert "SecurityGroupIngress" not in properties(stacks()[part], "AWS::EC2::SecurityGroup")
        assert not of_type(stacks()[part], "AWS::EC2::SecurityGroupIngress")


def test_a_schedule_starts_its_task_in_its_time_zone_and_tries_again() -> None:
    schedule = properties(stacks()["report"], SCHEDULE)
    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == (
        "cron(0 3 * * ? *)",
        "America/Los_Angeles",
    )
    parameters = schedule["Target"]["EcsParameters"]
    [definition] = of_type(stacks()["report"], "AWS::ECS::TaskDefinition")
    assert parameters["TaskDefinitionArn"] == {"Ref": definition}
    assert parameters["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 900}
    assert not of_type(stacks()["migrate"], SCHEDULE)


def test_the_schedulers_role_runs_this_definition_and_passes_its_two_roles_only() -> None:
    roles = of_type(stacks()["report"], "AWS::IAM::Role")
    [role] = [each["Properties"] for name, each in roles.items() if name.startswith("SchedulerRole")]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    run, passed = role["Policies"][0]["PolicyDocument"]["Statement"]
    [definition] = of_type(stacks()["report"], "AWS::ECS::TaskDefinition")
    assert (run["Action"], run["Resource"]) == ("ecs:RunTask", {"Ref": definition})
    assert "ecs:cluster" in run["Condition"]["ArnEquals"]
    names = {each["Fn::GetAtt"][0].rstrip("0123456789ABCDEF") for each in passed["Resource"]}
    assert (passed["Action"], names) == ("iam:PassRole", {"ExecutionRole", "TaskRole"})
    assert passed["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_alarms_notify_of_starts_and_tasks_that_fail() -> None:
    alarms = {
        each["Properties"]["AlarmName"]: each["Properties"]
        for each in of_type(stacks()["report"], "AWS::CloudWatch::Alarm").values()
    }
    metrics = {name.removeprefix("desk-dev-report-"): each["MetricName"] for name, each in alarms.items()}
    assert metrics == {"failed-starts": "InvocationDroppedCount", "failed-tasks": "TriggeredRules"}
    assert all("desk-dev-alarms" in each["AlarmActions"][0] for each in alarms.values())
    detail = properties(stacks()["report"], "AWS::Events::Rule")["EventPattern"]["detail"]
    assert detail["lastStatus"] == ["STOPPED"]
    assert {"containers": {"name": ["desk-report"], "exitCode": [{"anything-but": 0}]}} in detail["$or"]
    dashboard = json.dumps(stacks()["monitoring"])
    assert all(name in dashboard for name in alarms)


def test_another_expression_changes_only_the_schedule() -> None:
    of = desk()
    changed: list[Any] = [
        dataclasses.replace(each, runs=Schedule("rate(1 hour)")) if isinstance(each.runs, Schedule) else each
        for each in of.services_of("dev")
    ]
    services = {**of.services, "dev": tuple(changed)}
    after = read_templates(shared_synthesis_with(None, dataclasses.replace(of, services=services), "dev"))
    resources = after["desk-dev-report"]["Resources"]
    before = stacks()["report"]["Resources"]
    assert [name for name in before if before[name] != resources[name]] == ["Schedule"]
