"""A snapshot of an environment, which the rules of findings judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portside.aws.model import Database, Service, Stack, Subnet, UnconfiguredStack, Unread
from portside.aws.written import read_back, written
from portside.commands import Commands


@dataclass(frozen=True)
class RecordedDeployment:
    """A recorded deployment; `digests` are those of its images."""

    number: int
    kind: str
    version: str
    who: str
    result: str
    began: datetime
    ended: datetime
    digests: tuple[str, ...] = ()
    synthetic: bool = False


@dataclass(frozen=True)
class Snapshot:
    """An environment at a moment; events before `since` are ignored, `unknown` could not be read.

    `only` limits the diagnosis to one service.
    """

    environment: str
    app: str
    stack_prefix: str
    account: str
    region: str
    is_local: bool
    at: datetime
    since: datetime | None
    only: str | None
    database: Database
    stacks: tuple[Stack, ...] = ()
    services: tuple[Service, ...] = ()
    subnets: tuple[Subnet, ...] = ()
    records: tuple[RecordedDeployment, ...] = ()
    unknown: tuple[Unread, ...] = ()
    beside: tuple[UnconfiguredStack, ...] = ()
    """Stacks that are deployed and not configured."""
    is_released: bool = False
    """Whether the environment runs releases only, so that another image is another release."""
    jobs: tuple[Service, ...] = ()
    """The containers that don't run always, with their tasks."""

    @property
    def commands(self) -> Commands:
        return Commands(self.environment, self.account, self.region, self.is_local)

    def stack(self, name: str) -> Stack | None:
        """The stack of a name, where it was read."""
        return next((each for each in self.stacks if each.name == name), None)

    def service(self, name: str) -> Service | None:
        """The service or job with this name in the configuration."""
        return next((each for each in (*self.services, *self.jobs) if each.name == name), None)

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = written(self)
        return found


def parse_snapshot(value: Mapping[str, Any]) -> Snapshot:
    """The inverse of `as_json`. Raises KeyError, TypeError or ValueError for invalid input."""
    return read_back(Snapshot, value)


def with_earlier(snapshot: Snapshot, earlier: Snapshot) -> Snapshot:
    """The snapshot with the tasks and log lines of an earlier snapshot that were deleted since."""
    before = {each.name: each for each in (*earlier.services, *earlier.jobs)}

    def merged(services: tuple[Service, ...]) -> tuple[Service, ...]:
        return tuple(_with_earlier(each, before[each.name]) if each.name in before else each for each in services)

    return replace(snapshot, services=merged(snapshot.services), jobs=merged(snapshot.jobs))


def _with_earlier(service: Service, earlier: Service) -> Service:
    logged = {task.id: task for task in earlier.tasks if task.log}
    tasks = [
        replace(task, log=logged[task.id].log, log_gone=False) if not task.log and task.id in logged else task
        for task in service.tasks
    ]
    known = {task.id for task in tasks}
    deleted = [task for task in earlier.tasks if task.id not in known and task.has_failed]
    arns = {each.arn for each in service.definitions}
    definitions = [each for each in earlier.definitions if each.arn not in arns]
    return replace(service, tasks=(*tasks, *deleted), definitions=(*service.definitions, *definitions))
