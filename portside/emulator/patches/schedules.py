"""EventBridge Scheduler starts the tasks of due schedules in their time zone; other targets are never called."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portside.emulator.ministack_modules import ecs, eventbridge, responses, scheduler
from portside.emulator.patches.patching import replaces

log = logging.getLogger("portside.emulator")


@replaces("services.scheduler._tick_schedules")
def start_due_tasks(_: Any) -> None:
    """ministack knows neither time zones nor ECS as a target."""
    now = time.time()
    for key, schedule in list(scheduler._schedules._data.items()):
        last = scheduler._schedule_last_fired.setdefault(key, schedule["LastModificationDate"])
        if schedule["State"] == "ENABLED" and _is_due(schedule, last, now):
            scheduler._schedule_last_fired[key] = now
            account, region, _name = key
            with responses.request_scope(account, region):
                start(schedule)


def start(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Start the task of a schedule, and return the answer of RunTask."""
    target = schedule["Target"]
    given = target.get("EcsParameters")
    if not given:
        return {}
    network = given.get("NetworkConfiguration", {})
    # CloudFormation and the API write it differently.
    network = network.get("AwsvpcConfiguration") or network.get("awsvpcConfiguration", {})
    request = {
        "cluster": target["Arn"],
        "taskDefinition": given["TaskDefinitionArn"],
        "count": given.get("TaskCount", 1),
        "launchType": given.get("LaunchType", "FARGATE"),
        "enableExecuteCommand": given.get("EnableExecuteCommand", False),
        "startedBy": "chronos-schedule",
        "networkConfiguration": {
            "awsvpcConfiguration": {name[0].lower() + name[1:]: value for name, value in network.items()}
        },
    }
    answer: dict[str, Any] = json.loads(ecs._ACTION_MAP["RunTask"](request)[2])
    if answer.get("failures") or not answer.get("tasks"):
        log.warning("schedule %s started no task: %s", schedule["Name"], answer)
    return answer


def _is_due(schedule: Mapping[str, Any], last: float, now: float) -> bool:
    expression = schedule["ScheduleExpression"]
    once = scheduler._at_time_epoch(expression)
    if once is not None:
        return bool(last < once <= now)
    interval = eventbridge._parse_rate_seconds(expression)
    if interval is not None:
        return bool(now - last >= interval)
    zone = ZoneInfo(schedule.get("ScheduleExpressionTimezone") or "UTC")
    due = eventbridge._cron_next_fire(eventbridge._parse_cron_fields(expression), datetime.fromtimestamp(last, zone))
    return due is not None and due <= datetime.fromtimestamp(now, UTC)


@replaces("services.scheduler._SCHEDULE_TICK_INTERVAL")
def every_second(_: int) -> int:
    """ministack looks for due schedules every ten seconds."""
    return 1
