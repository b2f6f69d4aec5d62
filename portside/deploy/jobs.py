"""Jobs and scheduled tasks: starting one once, and those that run before a rollout."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.aws import logs
from portside.aws.target import Target
from portside.config.runs import BEFORE_ROLLOUT
from portside.config.service_props import ServiceProps
from portside.config.stacks import request_parameter
from portside.deploy import task_run
from portside.deploy.task_run import TaskFailed, TaskStart
from portside.errors import UserError
from portside.json_fields import JsonFields
from portside.records.job_record import read_successes, write_success
from portside.records.parameter_history import read_parameter
from portside.terminal.console import say


@dataclass(frozen=True)
class JobRun(JsonFields):
    """A run of a job that has ended; `definition` is its revision of the task definition."""

    name: str
    task: str
    definition: str
    exit_code: int | None
    seconds: float
    reasons: tuple[str, ...] = ()


def read_start(target: Target, props: ServiceProps, doing: str, command: Sequence[str] = ()) -> TaskStart:
    """The start of a job as it is deployed, with another `command` if one is given.

    Raises `UserError` if it is not deployed.
    """
    written = read_parameter(target.clients("ssm"), request_parameter(target.environment, props))
    if written is None:
        raise UserError(
            f"{props.container_name} is not deployed in {target.environment.name} {target.place}",
            f"Deploy it: {target.commands.tool('deploy')}",
        )
    request: dict[str, Any] = json.loads(written)
    definition = target.clients("ecs").describe_task_definition(taskDefinition=request["taskDefinition"])
    if command:
        request["overrides"] = {"containerOverrides": [{"name": props.container_name, "command": list(command)}]}
    return TaskStart(
        container=props.container_name,
        request=request,
        source=logs.source_of(definition["taskDefinition"], props.container_name),
        longest_seconds=props.timeout_minutes * 60,
        doing=doing,
    )


def find_sources(target: Target, props: ServiceProps) -> list[logs.LogSource]:
    """Where a job writes. Raises `UserError` if it is not deployed."""
    source = read_start(target, props, "logs").source
    return [source] if source else []


def run_job(
    target: Target, props: ServiceProps, start: TaskStart, *, wait: Callable[[float], object] = time.sleep
) -> JobRun:
    """Start a job, print its log, and wait until it ends. Raises `TaskFailed` unless it ends with exit code 0.

    A success is remembered, so that deployments don't run the same revision again.
    """
    clock, definition = time.monotonic(), str(start.request["taskDefinition"])
    task = task_run.start(target, start)
    say(f"Task {task} of {props.container_name} runs …")
    ended = task_run.follow(target, start, task, wait=wait)
    if ended.exit_code != 0:
        raise TaskFailed(
            f"{props.container_name}: {ended.sentence}",
            "Its lines are above. Fix the cause and run the same command again.",
        )
    if props.runs is BEFORE_ROLLOUT and "overrides" not in start.request:
        write_success(target.clients("ssm"), target.environment, props.container_name, definition)
    seconds = round(time.monotonic() - clock, 1)
    return JobRun(props.container_name, task, definition, ended.exit_code, seconds, ended.reasons)


def run_due_jobs(
    target: Target, services: Sequence[ServiceProps], *, wait: Callable[[float], object] = time.sleep
) -> dict[str, JobRun]:
    """Run each job before a rollout whose deployed revision has not succeeded, in the order of the configuration."""
    done: dict[str, JobRun] = {}
    succeeded = read_successes(target.clients("ssm"), target.environment)
    for props in services:
        start = read_start(target, props, "deploy")
        if succeeded.get(props.container_name) == start.request["taskDefinition"]:
            say(f"{props.container_name} has run already with this revision.")
            continue
        done[props.container_name] = run_job(target, props, start, wait=wait)
    return done


def runs_before_rollout(services: Sequence[ServiceProps]) -> list[ServiceProps]:
    """The jobs that run before the services change."""
    return [props for props in services if props.runs is BEFORE_ROLLOUT]


def as_recorded(runs: Mapping[str, JobRun]) -> dict[str, dict[str, Any]]:
    """The runs as a deployment's record has them."""
    return {name: {"task": run.task, "exit_code": run.exit_code, "seconds": run.seconds} for name, run in runs.items()}
