"""What is known of an environment at one moment, as values that can be written down and read back."""

from __future__ import annotations

import types
import typing
from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from portside.aws.stack_status import status_of

T = TypeVar("T")

# ECS and CloudFormation do not tell the time by the same clock, nor to the same fraction of a second.
CLOCKS_DIFFER = timedelta(seconds=1)


@dataclass(frozen=True)
class Unread:
    """Something that could not be read, and why; `code` is AWS's word for it, where AWS had one."""

    what: str
    why: str
    code: str = ""


@dataclass(frozen=True)
class StackFailure:
    """A resource that failed on its own account."""

    logical_id: str
    kind: str
    status: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Stack:
    """A stack; `status` is empty where there is none.

    `began` and `ended` are those of its last operation, where they are known and it has ended.
    """

    name: str
    status: str = ""
    reason: str = ""
    updated: datetime | None = None
    began: datetime | None = None
    failures: tuple[StackFailure, ...] = ()
    ended: datetime | None = None
    is_protected: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether its last operation did not reach what it was to reach."""
        return bool(self.status) and status_of(self.status).has_failed

    @property
    def is_moving(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return bool(self.status) and status_of(self.status).is_in_progress

    @property
    def is_as_made(self) -> bool:
        """Whether what it holds in AWS is what its template says, unless somebody changed that by hand."""
        return bool(self.status) and status_of(self.status).is_usable and not self.has_failed

    def was_at_work(self, at: datetime) -> bool:
        """Whether a moment belongs to its last operation."""
        if self.began is None or at < self.began - CLOCKS_DIFFER:
            return False
        return self.ended is None or at <= self.ended + CLOCKS_DIFFER


@dataclass(frozen=True)
class ConfiguredSecret:
    """A secret that the form names; that of the database has no name there."""

    name: str | None
    variable: str
    field: str | None


@dataclass(frozen=True)
class ConfiguredCall:
    """A service, or the database, that the form lets a service call."""

    service: str
    port: int


@dataclass(frozen=True)
class ConfiguredService:
    """What the form asks for a service. CPU units and MiB of memory are the task's."""

    image: str
    port: int
    cpu: int
    memory: int
    tasks: int
    public: bool
    health_path: str
    health_command: str
    secrets: tuple[ConfiguredSecret, ...] = ()
    calls: tuple[ConfiguredCall, ...] = ()
    spot_weight: int = 0


@dataclass(frozen=True)
class Event:
    """What ECS says that a service did."""

    at: datetime
    message: str


@dataclass(frozen=True)
class Deployment:
    """A deployment of an ECS service."""

    id: str
    status: str
    state: str
    reason: str
    failed_tasks: int
    definition: str
    created: datetime


@dataclass(frozen=True)
class Agent:
    """A program that ECS runs in a container, such as that of ECS exec."""

    name: str
    status: str
    reason: str


@dataclass(frozen=True)
class Container:
    """A container of a task."""

    name: str
    status: str
    exit_code: int | None = None
    reason: str = ""
    health: str = ""
    agents: tuple[Agent, ...] = ()


@dataclass(frozen=True)
class Task:
    """A task that runs or ran, with the last lines that its container wrote; `log_gone` where their group is gone."""

    id: str
    definition: str
    status: str
    created: datetime
    started: datetime | None = None
    stopped: datetime | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    health: str = ""
    provider: str = ""
    deployment: str = ""
    containers: tuple[Container, ...] = ()
    log_group: str = ""
    log_stream: str = ""
    log: tuple[str, ...] = ()
    log_gone: bool = False

    @property
    def at(self) -> datetime:
        """When it ended, or began where it has not."""
        return self.stopped or self.created

    @property
    def has_failed(self) -> bool:
        """Whether it stopped for a reason of its own, not because a person or the scheduler wanted fewer."""
        if self.status not in ("STOPPED", "STOPPING", "DEPROVISIONING", "DEACTIVATING") or not self.stopped_reason:
            return False
        return self.stop_code != "UserInitiated" and not self.stopped_reason.startswith(
            ("Scaling activity", "Deployment", "Service", "Task definition", "Task stopped by")
        )


@dataclass(frozen=True)
class TaskDefinition:
    """What a revision of a task definition says of the service's own container. Environment values are left out."""

    arn: str
    image: str
    command: tuple[str, ...]
    ports: tuple[int, ...]
    memory: int
    health_command: str
    secrets: tuple[str, ...]
    execution_role: str
    task_role: str


@dataclass(frozen=True)
class RegisteredTarget:
    """A task as the load balancer sees it."""

    address: str
    port: int
    state: str
    reason: str = ""
    description: str = ""


@dataclass(frozen=True)
class TargetGroup:
    """A target group; `lets_in` is whether the tasks' security groups let its load balancer in, where that is known.

    `is_used` is whether a load balancer sends requests to it; `is_gone` where AWS has it no more.
    """

    arn: str
    port: int
    path: str
    codes: str
    timeout: int
    targets: tuple[RegisteredTarget, ...]
    lets_in: bool | None = None
    is_used: bool = True
    is_gone: bool = False


@dataclass(frozen=True)
class Service:
    """A service of the form; `name` is the form's, `ecs_name` is ECS's.

    `status` is empty where ECS has none, which is sure only where the service is `known`: could be asked for.
    `definition` is the revision that it runs, `made` the one that its stack made.
    """

    name: str
    stack: str
    asked: ConfiguredService
    cluster: str = ""
    ecs_name: str = ""
    known: bool = True
    status: str = ""
    desired: int = 0
    running: int = 0
    pending: int = 0
    definition: str = ""
    made: str = ""
    exec_on: bool = False
    events: tuple[Event, ...] = ()
    rollouts: tuple[Deployment, ...] = ()
    tasks: tuple[Task, ...] = ()
    definitions: tuple[TaskDefinition, ...] = ()
    groups: tuple[TargetGroup, ...] = ()

    @property
    def primary(self) -> Deployment | None:
        """The deployment that the service is on its way to."""
        return next((each for each in self.rollouts if each.status == "PRIMARY"), None)

    @property
    def is_steady(self) -> bool:
        """Whether as many tasks run as are wanted, all of one deployment and none unhealthy."""
        return (
            self.status == "ACTIVE"
            and self.running == self.desired
            and not self.pending
            and all(each.state in ("COMPLETED", "FAILED", "") for each in self.rollouts)
            and not any(task.health == "UNHEALTHY" for task in self.tasks if task.status == "RUNNING")
        )

    @property
    def exec_agents(self) -> tuple[tuple[Task, Agent], ...]:
        """The agents of ECS exec in its own containers that run, where it is on."""
        return tuple(
            (task, agent)
            for task in self.tasks
            if task.status == "RUNNING" and self.exec_on
            for container in task.containers
            if container.name == self.name
            for agent in container.agents
            if agent.name == "ExecuteCommandAgent"
        )

    @property
    def is_well(self) -> bool:
        """Whether its tasks run, are healthy to all who ask, and can be entered where they are to be."""
        return (
            self.is_steady
            and self.running > 0
            and not any(target.state == "unhealthy" for group in self.groups for target in group.targets)
            and not any(agent.status == "STOPPED" for _, agent in self.exec_agents)
        )

    def definition_of(self, task: Task) -> TaskDefinition | None:
        """The revision that a task was started from, where it was read."""
        return next((each for each in self.definitions if each.arn == task.definition), None)


@dataclass(frozen=True)
class Subnet:
    """A subnet that tasks start in, and how many addresses are left in it."""

    id: str
    cidr: str
    zone: str
    free: int


@dataclass(frozen=True)
class Database:
    """The environment's DocumentDB cluster, by what the form and its stack say; `state` is AWS's word."""

    stack: str
    port: int
    id: str = ""
    state: str = ""
    secret: str = ""


@dataclass(frozen=True)
class RecordedDeployment:
    """A deployment on record: when it began and ended, and how; which images it ran, by digest."""

    number: int
    kind: str
    version: str
    who: str
    result: str
    began: datetime
    ended: datetime
    digests: tuple[str, ...] = ()
    synthetic: bool = False


def written(value: Any) -> Any:
    """A value of this module, or one made of them, as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return written(asdict(value))
    if isinstance(value, dict):
        return {name: written(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def read_back(kind: type[T], value: Any) -> T:
    """The value of which `written` made this. Raises KeyError, TypeError or ValueError for anything else."""
    return typing.cast(T, _read(kind, value))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        return _read(next(each for each in kind.__args__ if each is not types.NoneType), value)
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], each) for each in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{each.name: _read(_hints(kind)[each.name], value[each.name]) for each in fields(kind)})
    if not isinstance(value, kind):
        raise TypeError(f"not a {kind.__name__}, got {type(value).__name__}")
    return value
