"""What was read of an environment at a moment: what rules judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from portside.aws.model import Database, RecordedDeployment, Service, Stack, StackBeside, Subnet, Unread
from portside.aws.written import read_back, written
from portside.commands import Commands


@dataclass(frozen=True)
class Snapshot:
    """An environment at a moment; `since` is the moment from which events count, `unknown` what could not be read.

    `only` is the service that was asked about.
    """

    environment: str
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
    beside: tuple[StackBeside, ...] = ()
    """Stacks that are deployed and not configured."""
    is_released: bool = False
    """Whether the environment runs releases only, so that another image is another release."""

    @property
    def commands(self) -> Commands:
        """How a verdict writes commands that act on this environment."""
        return Commands(self.environment, self.account, self.region, self.is_local)

    def stack(self, name: str) -> Stack | None:
        """The stack of a name, where it was read."""
        return next((each for each in self.stacks if each.name == name), None)

    def service(self, name: str) -> Service | None:
        """The service of the form's name."""
        return next((each for each in self.services if each.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        found: dict[str, Any] = written(self)
        return found


def parse_snapshot(value: Mapping[str, Any]) -> Snapshot:
    """What `as_json` gave, read back. Raises KeyError, TypeError or ValueError where it is something else."""
    return read_back(Snapshot, value)


def with_earlier(snapshot: Snapshot, earlier: Snapshot) -> Snapshot:
    """The evidence, with tasks and log lines that were there when the earlier was collected, and are gone now."""
    before = {each.name: each for each in earlier.services}
    services = [_with_earlier(each, before[each.name]) if each.name in before else each for each in snapshot.services]
    return replace(snapshot, services=tuple(services))


def _with_earlier(service: Service, earlier: Service) -> Service:
    logged = {task.id: task for task in earlier.tasks if task.log}
    tasks = [
        replace(task, log=logged[task.id].log, log_gone=False) if not task.log and task.id in logged else task
        for task in service.tasks
    ]
    known = {task.id for task in tasks}
    gone = [task for task in earlier.tasks if task.id not in known and task.has_failed]
    arns = {each.arn for each in service.definitions}
    definitions = [each for each in earlier.definitions if each.arn not in arns]
    return replace(service, tasks=(*tasks, *gone), definitions=(*service.definitions, *definitions))
