"""AWS::Scheduler::Schedule, with the time zone that ministack drops and the checks of EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from portside.emulator.ministack_modules import ecs, eventbridge, iam, provisioners, scheduler
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed, checked

# The messages of CreateSchedule, https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
_EXPRESSION = "Invalid Schedule Expression {}."
_TIME_ZONE = "Invalid Schedule Expression Timezone {}."
_ROLE = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
_DEFINITION = "Invalid ECS parameters. Reason: task definition {} does not exist."


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = properties.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    _check(properties)
    arn = checked(scheduler._create_schedule(name, dict(properties)))["ScheduleArn"]
    return name, {"Arn": arn}


def update(change: Change) -> Created:
    _check(change.new)
    arn = checked(scheduler._update_schedule(change.physical_id, dict(change.new)))["ScheduleArn"]
    return change.physical_id, {"Arn": arn}


def _check(properties: Mapping[str, Any]) -> None:
    expression, zone = properties["ScheduleExpression"], properties.get("ScheduleExpressionTimezone", "UTC")
    if scheduler._at_time_epoch(expression) is None and not eventbridge._validate_schedule_expression(expression):
        raise ResourceFailed(_EXPRESSION.format(expression), "InvalidRequest")
    if zone not in available_timezones():
        raise ResourceFailed(_TIME_ZONE.format(zone), "InvalidRequest")
    target = properties["Target"]
    role = next((each for each in iam._roles.values() if each["Arn"] == target["RoleArn"]), None)
    if role is None or "scheduler.amazonaws.com" not in str(role["AssumeRolePolicyDocument"]):
        raise ResourceFailed(_ROLE, "InvalidRequest")
    definition = (target.get("EcsParameters") or {}).get("TaskDefinitionArn", "")
    if definition and ecs._resolve_td_key(definition) not in ecs._task_defs:
        raise ResourceFailed(_DEFINITION.format(definition), "InvalidRequest")


TYPES = (ResourceType("AWS::Scheduler::Schedule", create, update, replacing=("Name", "GroupName")),)
