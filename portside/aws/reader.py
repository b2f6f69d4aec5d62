"""Collecting what there is to know about an environment: side by side, within seconds, from whatever is still there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from operations.deployment_record import read_records
from operations.service_states import cluster_of
from operations.target import Target
from portside.aws import log_reading, network_reading, service_reading, stack_reading
from portside.aws.model import (
    Database,
    RecordedDeployment,
    Service,
    Stack,
    Subnet,
    Task,
    TaskDefinition,
    Unread,
    read_back,
    written,
)
from portside.aws.service_reading import Wiring
from portside.aws.side_by_side import side_by_side
from portside.aws.stack_reading import StackReading
from portside.aws.unread import sort_out
from portside.commands import Commands
from portside.config.stacks import StackKind, database_stacks, only_stack, service_stack, stacks_for
from src.environment import Environment
from src.service_props import DATABASE, ServiceProps

WITHIN_SECONDS = 8.0

_SERVICE, _CLUSTER, _DEFINITION = "AWS::ECS::Service", "AWS::ECS::Cluster", "AWS::ECS::TaskDefinition"
_DESCRIBED_AT_ONCE = 10
_MOST_RECORDS = 5
_LOGS_OF_EACH, _LOGS_OF_FAILED, _LOGS_OF_RUNNING = 2, 6, 1
_MOST_DEFINITIONS = 4

T = TypeVar("T")
Jobs = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Snapshot:
    """An environment at a moment; `since` is where the look back was told to begin, `unknown` what could not be read.

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


def collect(
    target: Target,
    services: Sequence[ServiceProps],
    *,
    since: datetime | None = None,
    only: str | None = None,
    within_seconds: float = WITHIN_SECONDS,
) -> Snapshot:
    """What AWS tells at this moment. With `only` a service, what it calls is read too: the cause may be there."""
    deadline = time.monotonic() + within_seconds
    environment = target.environment
    read = [props for props in services if only is None or props.container_name in _reached(services, only)]
    # boto3 makes clients on one thread only; the clients themselves may be used by many.
    of = {name: target.clients(name) for name in ("cloudformation", "ecs", "logs", "elbv2", "ec2", "ssm", "docdb")}
    unread: list[Unread] = []
    stacks, records = _read_stacks(of, environment, read, since, deadline, unread)
    bare = [_bare(environment, props, stacks) for props in read]
    wirings, facts = _read_services(of, bare, stacks, environment, deadline, unread)
    database = _database(environment, stacks)
    around, facts = _read_around(of, facts, wirings, database, deadline, unread)
    return Snapshot(
        environment=environment.name,
        account=environment.account,
        region=environment.region,
        is_local=target.is_local,
        at=datetime.now(UTC),
        since=since,
        only=only,
        database=around.database,
        stacks=tuple(reading.facts for reading in stacks.values()),
        services=tuple(facts),
        subnets=around.subnets,
        records=records,
        unknown=tuple(unread),
        is_released=environment.is_released,
    )


def _reached(services: Sequence[ServiceProps], name: str) -> set[str]:
    """A service, and all that it calls, and those call."""
    calls = {props.container_name: [call.service for call in props.calls] for props in services}
    reached, todo = set[str](), [name]
    while todo:
        each = todo.pop()
        if each not in reached and each != DATABASE:
            reached.add(each)
            todo += calls.get(each, [])
    return reached


def _stack_names(environment: Environment, services: Iterable[ServiceProps]) -> list[str]:
    return [stack.name for stack in stacks_for(environment, list(services))]


def _read_stacks(
    of: Mapping[str, Any],
    environment: Environment,
    services: Sequence[ServiceProps],
    since: datetime | None,
    deadline: float,
    unread: list[Unread],
) -> tuple[dict[str, StackReading], tuple[RecordedDeployment, ...]]:
    names = {f"stack {name}": name for name in _stack_names(environment, services)}
    jobs: Jobs = {what: partial(stack_reading.read, of["cloudformation"], name, since) for what, name in names.items()}
    record = "the deployments on record"
    jobs[record] = partial(_read_records, of["ssm"], environment.name)
    answers = dict(sort_out(side_by_side(jobs, deadline), unread))
    records = answers.pop(record, ())
    return {names[what]: answer for what, answer in answers.items()}, records


def _read_records(ssm: Any, name: str) -> tuple[RecordedDeployment, ...]:
    found = []
    for record in read_records(ssm, name)[:_MOST_RECORDS]:
        began = datetime.fromisoformat(record.began)
        found.append(
            RecordedDeployment(
                number=record.number,
                kind=record.kind,
                version=record.images.version,
                who=record.who,
                result=record.result,
                began=began,
                ended=began + timedelta(seconds=record.seconds),
                digests=tuple(sorted(record.digests)),
                synthetic=record.synthetic,
            )
        )
    return tuple(found)


def _bare(environment: Environment, props: ServiceProps, stacks: Mapping[str, StackReading]) -> Service:
    stack = service_stack(environment, props.container_name).name
    reading = stacks.get(stack, StackReading(Stack(stack), {}))
    arn = reading.first(_SERVICE)
    known = stacks.get(only_stack(environment, StackKind.ECS_CLUSTER).name)
    cluster = cluster_of(arn) if arn.count("/") > 1 else known.first(_CLUSTER) if known else ""
    return Service(
        name=props.container_name,
        stack=stack,
        asked=service_reading.asked(props),
        cluster=cluster,
        ecs_name=arn.rpartition("/")[2],
        known=stack in stacks and not arn,
        made=reading.first(_DEFINITION),
    )


def _read_services(
    of: Mapping[str, Any],
    services: Sequence[Service],
    stacks: Mapping[str, StackReading],
    environment: Environment,
    deadline: float,
    unread: list[Unread],
) -> tuple[dict[str, Wiring], list[Service]]:
    clusters = sorted({each.cluster for each in services if each.cluster})
    jobs: Jobs = {}
    for cluster in clusters:
        names = [each.ecs_name for each in services if each.cluster == cluster and each.ecs_name]
        for start in range(0, len(names), _DESCRIBED_AT_ONCE):
            asked = names[start : start + _DESCRIBED_AT_ONCE]
            what = f"services {', '.join(asked)}"
            jobs[what] = partial(service_reading.read_services, of["ecs"], cluster, asked)
        for state in ("RUNNING", "STOPPED"):
            what = f"{state.lower()} tasks of cluster {cluster}"
            jobs[what] = partial(service_reading.read_tasks, of["ecs"], cluster, state)
    described: dict[str, Mapping[str, Any]] = {}
    answered: set[str] = set()
    tasks: list[Mapping[str, Any]] = []
    for what, answer in sort_out(side_by_side(jobs, deadline), unread):
        if isinstance(answer, dict):
            described |= answer
            answered |= set(what.removeprefix("services ").split(", "))
        elif isinstance(answer, list):
            tasks += answer
    found, wirings = [], {}
    for each in services:
        if each.ecs_name in described:
            wirings[each.name] = service_reading.wiring_of(described[each.ecs_name])
            each = service_reading.with_service(each, described[each.ecs_name])
        elif each.ecs_name in answered:
            each = replace(each, known=True)
        found.append(service_reading.with_tasks(each, tasks))
    return wirings, found


def _database(environment: Environment, stacks: Mapping[str, StackReading]) -> Database:
    stack = database_stacks(environment)[0].name
    reading = stacks.get(stack, StackReading(Stack(stack), {}))
    return Database(
        stack,
        environment.database_port,
        id=reading.first("AWS::DocDB::DBCluster"),
        secret=reading.first("AWS::SecretsManager::Secret"),
    )


@dataclass(frozen=True)
class _Around:
    database: Database
    subnets: tuple[Subnet, ...]


def _read_around(
    of: Mapping[str, Any],
    services: Sequence[Service],
    wirings: Mapping[str, Wiring],
    database: Database,
    deadline: float,
    unread: list[Unread],
) -> tuple[_Around, list[Service]]:
    """The database, subnets, revisions and target groups, and then, because revisions name them, logs."""
    jobs: Jobs = {}
    for each in services:
        for arn in _definitions_of(each):
            what = f"task definition {arn.rpartition('/')[2]} of {each.name}"
            jobs[what] = partial(_tagged, each.name, service_reading.read_definition, of["ecs"], arn, each.name)
        wiring = wirings.get(each.name, Wiring())
        for arn in wiring.target_groups:
            read = partial(network_reading.read_group, of["elbv2"], of["ec2"], arn)
            jobs[f"target group {arn.rpartition('targetgroup/')[2]}"] = partial(
                _tagged, each.name, read, wiring.security_groups, each.asked.port
            )
    subnets = sorted({subnet for wiring in wirings.values() for subnet in wiring.subnets})
    jobs["subnets"] = partial(network_reading.read_subnets, of["ec2"], subnets)
    if database.id:
        jobs["database"] = partial(network_reading.read_database, of["docdb"], database)
    answers = dict(sort_out(side_by_side(jobs, deadline), unread))
    around = _Around(answers.pop("database", database), answers.pop("subnets", ()))
    of_service: dict[str, list[Any]] = {}
    for name, value in answers.values():
        of_service.setdefault(name, []).append(value)
    found, options = [], dict[tuple[str, str], Mapping[str, str]]()
    for each in services:
        read_of_it = of_service.get(each.name, [])
        revisions = [value for value in read_of_it if isinstance(value, tuple)]
        options |= {(each.name, facts.arn): log for facts, log in revisions}
        groups = tuple(value for value in read_of_it if not isinstance(value, tuple))
        definitions: tuple[TaskDefinition, ...] = tuple(facts for facts, _ in revisions)
        found.append(replace(each, definitions=definitions, groups=groups))
    return around, _with_logs(of["logs"], found, options, deadline, unread)


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


def _tagged(name: str, read: Callable[..., T], *arguments: Any) -> tuple[str, T]:
    return name, read(*arguments)


def _definitions_of(service: Service) -> list[str]:
    """The revisions of tasks that failed, then those that run or are to run."""
    wanted = [task.definition for task in service.tasks if task.has_failed]
    wanted += [rollout.definition for rollout in service.rollouts] + [service.definition]
    wanted += [task.definition for task in service.tasks]
    return list(dict.fromkeys(filter(None, wanted)))[:_MOST_DEFINITIONS]


def _with_logs(
    logs: Any,
    services: Sequence[Service],
    options: Mapping[tuple[str, str], Mapping[str, str]],
    deadline: float,
    unread: list[Unread],
) -> list[Service]:
    jobs: Jobs = {}
    places: dict[str, tuple[str, str]] = {}
    for service in services:
        for task in _worth_reading(service):
            driver = options.get((service.name, task.definition), {})
            group, stream = log_reading.place_of(driver, service.name, task.id)
            if group:
                places[task.id] = group, stream
                what = f"log of task {task.id} of {service.name}"
                jobs[what] = partial(_tagged, task.id, log_reading.read_lines, logs, group, stream)
    lines: dict[str, tuple[str, ...] | None] = dict(
        answer for _, answer in sort_out(side_by_side(jobs, deadline), unread)
    )

    def whole(task: Task) -> Task:
        group, stream = places.get(task.id, ("", ""))
        log = lines.get(task.id, ())
        return replace(task, log_group=group, log_stream=stream, log=log or (), log_gone=log is None)

    return [replace(service, tasks=tuple(map(whole, service.tasks))) for service in services]


def _worth_reading(service: Service) -> list[Task]:
    """The newest that failed of each deployment, and the newest that lives."""
    failed = [task for task in service.tasks if task.has_failed]
    of_each = {task.deployment: [each for each in failed if each.deployment == task.deployment] for task in failed}
    newest = [task for tasks in of_each.values() for task in tasks[:_LOGS_OF_EACH]]
    alive = [task for task in service.tasks if not task.has_failed]
    return newest[:_LOGS_OF_FAILED] + alive[:_LOGS_OF_RUNNING]
