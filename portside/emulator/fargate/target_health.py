"""The load balancer's health checks of a task, before and while it receives traffic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from portside.emulator import loopback_http
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.running_tasks import HEALTHY, RunningTask, TargetState
from portside.emulator.fargate.stopping import TaskStopped
from portside.emulator.ministack_modules import alb

INTERVAL_SECONDS = 0.05
MONITORING_INTERVAL_SECONDS = 2.0
GRACE_PART_OF_CONFIGURED = 0.01
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
TIMED_OUT = TargetState("unhealthy", "Target.Timeout", "Request timed out")


async def become_healthy(task: RunningTask, target_group: str, platform: Platform) -> None:
    """New targets need consecutive passing checks to receive traffic; failures count after the grace period."""
    group = alb._tgs.get(target_group) or {}
    configured_grace = float((task.launch.service or {}).get("healthCheckGracePeriodSeconds") or 0)
    grace_ends = time.monotonic() + configured_grace * GRACE_PART_OF_CONFIGURED * platform.time_scale
    passed = failed = 0
    while passed < int(group.get("HealthyThresholdCount", 5)):
        await platform.pause(INTERVAL_SECONDS)
        problem = await _problem(task, group, platform)
        if not problem:
            passed += 1
            continue
        passed, failed = 0, failed + 1
        if failed >= _unhealthy_threshold(group):
            platform.tasks.set_target_state(target_group, task, problem)
            if time.monotonic() >= grace_ends:
                raise _gave_up(task, target_group, problem)
    platform.tasks.set_target_state(target_group, task, HEALTHY)


async def stay_healthy(task: RunningTask, platform: Platform) -> None:
    """Continue the checks, so that a failing dependency is noticed."""
    failed = 0
    while task.target_groups:
        await platform.pause(MONITORING_INTERVAL_SECONDS)
        for target_group in task.target_groups:
            group = alb._tgs.get(target_group)
            if not group:
                continue
            problem = await _problem(task, group, platform)
            failed = failed + 1 if problem else 0
            if problem and failed >= _unhealthy_threshold(group):
                platform.tasks.set_target_state(target_group, task, problem)
                raise _gave_up(task, target_group, problem)


def _unhealthy_threshold(group: Mapping[str, Any]) -> int:
    return int(group.get("UnhealthyThresholdCount", 2))


async def _problem(task: RunningTask, group: Mapping[str, Any], platform: Platform) -> TargetState | None:
    if task.stub.fault and task.stub.fault.hangs:
        # No need to wait for the real timeout.
        await platform.pause(INTERVAL_SECONDS)
        return TIMED_OUT
    path = group.get("HealthCheckPath") or "/"
    request = loopback_http.Request("GET", path, {"user-agent": "ELB-HealthChecker/2.0"})
    try:
        answer = await task.stub.fetch(request, float(group.get("HealthCheckTimeoutSeconds", 5)))
    except TimeoutError:
        return TIMED_OUT
    except OSError:
        return TargetState("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    if _matches(answer.status, (group.get("Matcher") or {}).get("HttpCode", "200")):
        return None
    return TargetState(
        "unhealthy", "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{answer.status}]"
    )


def _matches(status: int, matcher: str) -> bool:
    """Whether a target group's matcher, such as `200`, `200,302` or `200-299`, holds."""
    for part in str(matcher).split(","):
        low, _, high = part.partition("-")
        if low.strip().isdigit() and int(low) <= status <= int(high or low):
            return True
    return False


def _gave_up(task: RunningTask, target_group: str, problem: TargetState) -> TaskStopped:
    launch = task.launch
    port = next((p.get("containerPort") for c in launch.containers for p in c.get("portMappings", [])), 80)
    launch.report(f"(port {port}) is unhealthy in (target-group {target_group}) due to (reason {problem.description}).")
    return TaskStopped(f"Task failed ELB health checks in (target-group {target_group})", "ServiceSchedulerInitiated")
