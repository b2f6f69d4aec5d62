"""An environment at one moment, as serializable values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from portside.aws.configured import ConfiguredService
from portside.aws.stack_status import Outlook, status_of
from portside.config.database_kinds import DATABASE_KINDS, DOCUMENTDB, DatabaseKind

# ECS and CloudFormation use different clocks and precisions.
CLOCKS_DIFFER = timedelta(seconds=1)
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
_STOPPING = ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED")
# Not a failure: a task made room for another, its service wants fewer, or someone stopped it.
_ON_PURPOSE = ("Scaling activity", "Deployment", "Service", "Task definition", "Task stopped by")


@dataclass(frozen=True)
class Unread:
    """Something that could not be read, and why; `code` is AWS's error code, if there is one."""

    what: str
    why: str
    code: str = ""


@dataclass(frozen=True)
class StackFailure:
    """A resource that failed. Those cancelled because another failed are omitted."""

    logical_id: str
    kind: str
    status: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Stack:
    """A stack; `status` is empty if it does not exist.

    `updated` is when its last creation or update began. `began`, `ended` and `failures` are those of its last
    operation; they are read from its events, only for stacks whose last operation failed or is in progress.
    """

    name: str
    status: str = ""
    reason: str = ""
    updated: datetime | None = None
    began: datetime | None = None
    failures: tuple[StackFailure, ...] = ()
    ended: datetime | None = None
    is_protected: bool = False
    outputs: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_failed(self) -> bool:
        return bool(self.status) and status_of(self.status).has_failed

    @property
    def is_settled(self) -> bool:
        """Whether no operation is in progress."""
        return not self.status or status_of(self.status).outlook not in (Outlook.IN_PROGRESS, Outlook.ANNOUNCED)

    @property
    def is_usable(self) -> bool:
        """Whether the stack contains the result of its last successful deployment."""
        return bool(self.status) and status_of(self.status).is_usable

    @property
    def is_moving(self) -> bool:
        return bool(self.status) and status_of(self.status).is_in_progress

    @property
    def is_as_made(self) -> bool:
        """Whether its resources match its template, apart from changes by hand."""
        return self.is_usable and not self.has_failed

    def was_in_operation(self, at: datetime) -> bool:
        """Whether a moment belongs to its last operation."""
        if self.began is None or at < self.began - CLOCKS_DIFFER:
            return False
        return self.ended is None or at <= self.ended + CLOCKS_DIFFER


@dataclass(frozen=True)
class UnconfiguredStack:
    """A stack that is deployed and not configured: what it is and costs, and how to remove it."""

    name: str
    status: str
    sentence: str
    advice: str


@dataclass(frozen=True)
class Event:
    at: datetime
    message: str


@dataclass(frozen=True)
class Deployment:
    """A deployment of an ECS service; `running` counts its tasks."""

    id: str
    status: str
    state: str
    reason: str
    failed_tasks: int
    definition: str
    created: datetime
    desired: int = 0
    running: int = 0


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
    image: str = ""
    digest: str = ""
    runtime_id: str = ""


def short_task_id(identifier: str) -> str:
    """The part of a task's id that distinguishes it."""
    return identifier[:8]


@dataclass(frozen=True)
class Task:
    """A task that runs or ran, with the last log lines of its container; `log_gone` if the log group was deleted."""

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
    desired_status: str = ""
    addresses: tuple[str, ...] = ()
    exec_on: bool = False

    @property
    def short_id(self) -> str:
        return short_task_id(self.id)

    @property
    def at(self) -> datetime:
        return self.stopped or self.created

    @property
    def is_running(self) -> bool:
        """Whether it runs, and ECS does not want it to stop."""
        return self.status == "RUNNING" and self.desired_status != "STOPPED"

    @property
    def is_stopping(self) -> bool:
        """Whether it stops or has stopped."""
        return self.status in _STOPPING or self.desired_status == "STOPPED"

    @property
    def has_failed(self) -> bool:
        """Whether it failed, rather than being stopped by a user or the scheduler."""
        was_stopped = self.stop_code == "UserInitiated" or self.stopped_reason.startswith(_ON_PURPOSE)
        return self.status in _STOPPING and bool(self.stopped_reason) and not was_stopped

    @property
    def why_it_stopped(self) -> str:
        """ECS's reason, with the exit codes and reasons of its containers."""
        codes = [f"{each.name} exited with {each.exit_code}" for each in self.containers if each.exit_code]
        inner = [each.reason for each in self.containers if each.reason]
        return "; ".join(dict.fromkeys([self.stopped_reason or "stopped", *codes, *inner]))

    def container(self, name: str) -> Container | None:
        return next((each for each in self.containers if each.name == name), None)


@dataclass(frozen=True)
class TaskDefinition:
    """The service's own container in a revision of a task definition, without environment values."""

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

    @property
    def why(self) -> str:
        return self.description or self.reason


@dataclass(frozen=True)
class TargetGroup:
    """A target group; `lets_in` is whether the tasks' security groups allow its load balancer, if that is known.

    `is_used` is whether a load balancer sends requests to it, `is_gone` whether it was deleted.
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
class Alarm:
    """A CloudWatch alarm that a deployment watches; `state` is OK, ALARM or INSUFFICIENT_DATA."""

    name: str
    state: str
    reason: str = ""


@dataclass(frozen=True)
class Service:
    """A service of the configuration; `name` is the configuration's, `ecs_name` is ECS's.

    `status` is empty if the service does not exist in ECS; if it could not be read, `known` is False.
    `definition` is the running revision, `made` the revision that its stack created. `made`, `definitions`, `alarms`
    and the settings of `groups` are read only for unhealthy services.
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
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    has_public_addresses: bool = False
    rolls_back: bool = False
    """Whether ECS rolls a failed deployment back."""
    alarms: tuple[Alarm, ...] = ()

    @property
    def primary(self) -> Deployment | None:
        """The newest deployment."""
        return next((each for each in self.rollouts if each.status == "PRIMARY"), None)

    @property
    def running_tasks(self) -> tuple[Task, ...]:
        return tuple(task for task in self.tasks if task.is_running)

    @property
    def digests(self) -> tuple[str, ...]:
        """Of each running task the digest of the service's own image; "unknown" where ECS gives none."""
        own = (task.container(self.name) for task in self.running_tasks)
        return tuple(each.digest or "unknown" for each in own if each)

    @property
    def targets(self) -> tuple[RegisteredTarget, ...] | None:
        """The targets of its load balancer, without those that are draining; None where it has no load balancer."""
        if not self.groups:
            return None
        return tuple(each for group in self.groups for each in group.targets if each.state != "draining")

    @property
    def is_stable(self) -> bool:
        """Whether the desired number of tasks runs, all of one completed deployment, and none is unhealthy.

        The only definition here of ECS's steady state:
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html
        """
        others = [each for each in self.rollouts if each is not self.primary]
        return (
            self.status == "ACTIVE"
            and self.running == self.desired
            and not self.pending
            and (self.primary is None or self.primary.state in ("COMPLETED", ""))
            and not any(each.running or each.state == "IN_PROGRESS" for each in others)
            and not any(task.health == "UNHEALTHY" for task in self.running_tasks)
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
    def is_healthy(self) -> bool:
        """Whether it is stable, runs, has no unhealthy target, and commands can be run in it where ECS exec is on."""
        return (
            self.is_stable
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
    """The environment's database according to the configuration and its stack; `state` is AWS's status.

    An environment without a database has no `kind_name`.
    """

    stack: str = ""
    port: int = 0
    id: str = ""
    state: str = ""
    secret: str = ""
    kind_name: str | None = DOCUMENTDB.name

    @property
    def kind(self) -> DatabaseKind | None:
        """The names and limits of its kind."""
        return DATABASE_KINDS[self.kind_name] if self.kind_name else None

    @property
    def name(self) -> str:
        """Its identifier with what it is, such as "cluster my-app-dev-docdb"."""
        return f"{self.kind.noun if self.kind else 'database'} {self.id}"
