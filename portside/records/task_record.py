"""The record of one-off tasks in an environment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from portside.aws.errors import aws_errors
from portside.aws.target import Target
from portside.aws.written import read_back
from portside.config.environment import Environment
from portside.images.resolved_image import ResolvedImage
from portside.program import PROGRAM
from portside.records.deployment_record import place_of
from portside.records.origin import Origin
from portside.records.parameter_history import read_versions, write_version
from portside.terminal.console import say

_FORMAT = 1


@dataclass(frozen=True)
class TaskRecord:
    """A task that has ended: what it was for, with which image, its exit code (None where it never started), and who.

    `began` is a moment in ISO 8601; `commit` is this repository's, `place` is where it ran. `unproven` is why it ran
    without a proof.
    """

    task: str
    image: str
    digest: str
    exit_code: int | None
    began: str
    who: str
    commit: str | None
    place: str
    unproven: str = ""
    number: int = 0

    @property
    def has_changes(self) -> bool:
        """Whether it was started from files that no commit has, or of which nothing says that one does."""
        return not self.commit or "+" in self.commit


def new_record(target: Target, task: str, image: ResolvedImage, origin: Origin) -> TaskRecord:
    """The record of a task that begins now."""
    began = datetime.now(UTC).isoformat(timespec="seconds")
    place = place_of(target.environment, is_local=target.is_local)
    return TaskRecord(task, image.name, image.digest, None, began, origin.who, origin.commit, place)


def parameter_name(environment: Environment) -> str:
    """The parameter whose history has the tasks of an environment."""
    return environment.parameter_name("task")


def write_task(ssm: Any, environment: Environment, record: TaskRecord) -> None:
    """Add a task to the history."""
    fields = {"format": _FORMAT} | {name: value for name, value in asdict(record).items() if name != "number"}
    description = f"The last task that ran once; the earlier versions are those before it; written by {PROGRAM}"
    write_version(ssm, parameter_name(environment), json.dumps(fields, separators=(",", ":")), description)


def write_task_or_warn(ssm: Any, environment: Environment, record: TaskRecord) -> None:
    """The same, but only warn if that fails: the task itself is done."""
    try:
        write_task(ssm, environment, record)
    except aws_errors() as error:
        say(f"The task could not be recorded, so it is no proof: {error}", "yellow")


def read_tasks(ssm: Any, environment: Environment) -> Sequence[TaskRecord]:
    """The tasks of an environment, the latest first. Texts that are not a record are ignored."""
    found = (_parse(text, number) for number, text in read_versions(ssm, parameter_name(environment)))
    return [record for record in found if record is not None]


def _parse(text: str, number: int) -> TaskRecord | None:
    try:
        fields = {"commit": None, "unproven": "", **json.loads(text), "number": number}
        # The first records had no format.
        return read_back(TaskRecord, fields) if fields.pop("format", _FORMAT) == _FORMAT else None
    except (ValueError, TypeError, KeyError):
        return None
