"""A task that is started once and followed until it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portside.aws import logs
from portside.aws.errors import aws_errors, is_passing
from portside.aws.target import Target, with_retries
from portside.errors import UserError
from portside.terminal.console import say


@dataclass(frozen=True, kw_only=True)
class TaskStart:
    """A task to start: its container, the request of RunTask, where it writes, and after how long it is stopped."""

    container: str
    request: Mapping[str, Any]
    source: logs.LogSource | None
    longest_seconds: float
    doing: str
    """The command that starts it, in ECS's description of the task."""

    @property
    def cluster(self) -> str:
        """The cluster's name."""
        return str(self.request["cluster"])


@dataclass(frozen=True)
class EndedTask:
    """A task that has ended; `exit_code` is its container's, None if that never started."""

    id: str
    exit_code: int | None
    reasons: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """How it ended."""
        ended = f"exit code {self.exit_code}" if self.exit_code is not None else "no exit code: it never started"
        return f"task {self.id} ended with {ended}; {'; '.join(self.reasons) or 'no reason given'}"


class TaskFailed(UserError):
    """A task did not start, did not end in time, or ended with another exit code than 0."""


def start(target: Target, given: TaskStart) -> str:
    """Start the task and return its id. Raises `TaskFailed` with the reason of ECS if it starts none."""
    answer = target.clients("ecs").run_task(
        **given.request, launchType="FARGATE", count=1, startedBy=given.doing, propagateTags="TASK_DEFINITION"
    )
    if not answer["tasks"]:
        reasons = ", ".join(str(each.get("reason", each)) for each in answer.get("failures", ())) or "no reason given"
        raise TaskFailed(f"ECS starts no task of {given.container}: {reasons}", "Fix the cause and try again.")
    return str(answer["tasks"][0]["taskArn"]).rpartition("/")[2]


def follow(target: Target, given: TaskStart, task: str, *, wait: Callable[[float], object] = time.sleep) -> EndedTask:
    """Print the log of a task until it stops. An interrupt stops the task, and so does its time limit.

    Raises `TaskFailed` if it was stopped.
    """
    ecs = with_retries(target, wait=wait)[0].clients("ecs")
    until, log = time.monotonic() + given.longest_seconds, _NewLogLines(target, given, task, wait)
    try:
        while time.monotonic() < until:
            try:
                found = ecs.describe_tasks(cluster=given.cluster, tasks=[task])["tasks"]
                log.print_new()
                if found and found[0]["lastStatus"] == "STOPPED":
                    log.print_new()
                    return _ended(task, given.container, found[0])
            except aws_errors() as error:
                if not is_passing(error):
                    raise
            wait(target.polling_seconds)
    except BaseException:
        _stop(ecs, given, task)
        raise
    _stop(ecs, given, task)
    raise TaskFailed(
        f"{given.container} was not done after {given.longest_seconds / 60:.0f} minutes, and was stopped",
        "Look at its last lines.",
    )


def _ended(task: str, container: str, described: Mapping[str, Any]) -> EndedTask:
    own: Mapping[str, Any] = next((each for each in described.get("containers", ()) if each["name"] == container), {})
    reasons = dict.fromkeys(filter(None, [described.get("stoppedReason"), own.get("reason")]))
    return EndedTask(task, own.get("exitCode"), tuple(reasons))


def _stop(ecs: Any, given: TaskStart, task: str) -> None:
    """Stop the task: no lock would protect it once this command ends."""
    try:
        ecs.stop_task(cluster=given.cluster, task=task, reason=f"stopped by {given.doing}")
        say(f"Task {task} of {given.container} was stopped; part of its work may be done.", "yellow")
    except aws_errors() as error:
        say(f"Task {task} could not be stopped and may still run: {error}", "yellow")


class _NewLogLines:
    """The log of a task, without the lines that were already printed."""

    def __init__(self, target: Target, given: TaskStart, task: str, wait: Callable[[float], object]) -> None:
        self._client, self._source, self._task, self._wait = target.clients("logs"), given.source, task, wait
        self._since, self._printed = datetime.now(UTC) - logs.OVERLAP, set[str]()

    def print_new(self) -> None:
        """Print the new lines. A log that can't be read yet does not stop the task."""
        sources = [self._source] if self._source else []
        try:
            for line in logs.read_lines(self._client, sources, self._since, task=self._task, wait=self._wait):
                if line.id not in self._printed:
                    self._printed.add(line.id)
                    for text in line.texts:
                        say(f"  {text}")
                    self._since = max(self._since, line.at - logs.OVERLAP)
        except (UserError, *aws_errors()):
            return
