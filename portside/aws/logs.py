"""The log lines of a service's tasks, merged by time, as they are or as they come."""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from portside import redact
from portside.aws.errors import call_with_retries, code_of, is_missing, is_passing
from portside.aws.model import Service
from portside.errors import UsageError, UserError
from portside.timestamps import timestamp

# Lines reach CloudWatch late and out of order: a container's driver sends them in batches, each task for itself.
OVERLAP = timedelta(seconds=30)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class LogSource:
    """Where a container writes: its log group, and what the names of its streams begin with before the task's id."""

    group: str
    stream_prefix: str


@dataclass(frozen=True)
class LogLine:
    """A line, or what the container wrote as one, without its secrets: `id` is CloudWatch's."""

    id: str
    at: datetime
    task: str
    stream: str
    message: str

    @property
    def texts(self) -> list[str]:
        """The lines to show."""
        return self.message.rstrip("\n").split("\n")

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"time": timestamp(self.at, milliseconds=True), "task": self.task, "message": self.message}


def parse_since(text: str, now: datetime) -> datetime:
    """A moment written as an age (30s, 10m, 2h, 1d) or in ISO 8601; without a zone it is UTC."""
    if age := re.fullmatch(r"(\d{1,5})([smhd])", text.strip()):
        return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"--since: not an age or a moment, got {text!r}", "Write 30s, 10m, 2h, 1d, or 2026-11-23T12:00."
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def find_sources(ecs: Any, service: Service) -> list[LogSource]:
    """Where the service's container writes, as the task definitions say that it runs, or ran in tasks ECS still knows.

    Raises `UserError` where none of them writes to CloudWatch Logs.
    """
    revisions = [*(each.definition for each in service.rollouts), *(each.definition for each in service.tasks)]
    definitions = dict.fromkeys(filter(None, revisions))
    found = [source_of(_definition(ecs, each), service.name) for each in definitions]
    sources = list(dict.fromkeys(source for source in found if source))
    if not sources:
        raise UserError(
            f"{service.name} does not write to CloudWatch Logs", "Its task definition has no awslogs options for it."
        )
    return sources


def source_of(definition: Mapping[str, Any], container: str) -> LogSource | None:
    """Where a container of a task definition writes, if that is CloudWatch Logs."""
    for each in definition["containerDefinitions"]:
        logging = each.get("logConfiguration") or {}
        options = logging.get("options") or {}
        if each["name"] == container and logging.get("logDriver") == "awslogs" and "awslogs-stream-prefix" in options:
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html
            return LogSource(options["awslogs-group"], f"{options['awslogs-stream-prefix']}/{container}/")
    return None


def _definition(ecs: Any, arn: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    return found


def read_lines(
    logs: Any,
    sources: Sequence[LogSource],
    since: datetime,
    *,
    task: str = "",
    grep: str = "",
    wait: Callable[[float], object] = time.sleep,
) -> Iterator[LogLine]:
    """The lines since a moment, in the order of time; of one task where the beginning of its id is given.

    `grep` is applied here, after redaction: CloudWatch's filter patterns match whole words only.
    """
    streams: dict[str, redact.Lines] = {}
    each = [_lines_of(logs, source, since, task, wait) for source in sources]
    for raw in heapq.merge(*each, key=lambda line: line.at):
        shown = streams.setdefault(raw.stream, redact.current().stream()).text(raw.message)
        line = replace(raw, message=shown)
        if grep in line.message:
            yield line


def follow(
    read: Callable[[datetime], Iterable[LogLine]],
    since: datetime,
    *,
    wait: Callable[[], object],
    remark: Callable[[str], object],
) -> Iterator[LogLine]:
    """The lines since a moment and then new ones, each once, until the caller stops iterating.

    A transient error is reported once through `remark`; the next read catches up.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    shown: dict[str, datetime] = {}
    newest, is_failing = since, False
    while True:
        try:
            for line in read(max(since, newest - OVERLAP)):
                if line.id not in shown:
                    shown[line.id] = line.at
                    newest = max(newest, line.at)
                    yield line
            is_failing = False
        except (BotoCoreError, ClientError) as error:
            if not is_passing(error):
                raise
            if not is_failing:
                remark(f"AWS does not answer for the moment ({code_of(error)}); lines come later.")
            is_failing = True
        shown = {identifier: at for identifier, at in shown.items() if at >= newest - 2 * OVERLAP}
        wait()


def _lines_of(
    logs: Any, source: LogSource, since: datetime, task: str, wait: Callable[[float], object]
) -> Iterator[LogLine]:
    """The lines of one source. CloudWatch sorts them by time, across streams."""
    request: dict[str, Any] = {
        "logGroupName": source.group,
        "logStreamNamePrefix": source.stream_prefix + task,
        "startTime": max(0, int(since.timestamp() * 1000)),
    }
    while True:
        page = _page(logs, request, wait)
        for event in sorted(page["events"], key=lambda event: int(event["timestamp"])):
            if event["logStreamName"].startswith(request["logStreamNamePrefix"]):
                yield _line(event)
        if not page.get("nextToken"):
            return
        request["nextToken"] = page["nextToken"]


def _page(logs: Any, request: Mapping[str, Any], wait: Callable[[float], object]) -> Mapping[str, Any]:
    from botocore.exceptions import ClientError

    try:
        page: Mapping[str, Any] = call_with_retries(lambda: logs.filter_log_events(**request), wait)
    except ClientError as error:
        if not is_missing(error):
            raise
        raise UserError(
            f"the log group {request['logGroupName']} does not exist",
            "It was deleted, and no task can start without it. Create it again under this name.",
        ) from error
    return page


def _line(event: Mapping[str, Any]) -> LogLine:
    at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
    stream = str(event["logStreamName"])
    return LogLine(str(event["eventId"]), at, stream.rpartition("/")[2], stream, str(event["message"]))
