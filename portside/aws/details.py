"""Details that are read only for unhealthy stacks and services: events, revisions, target groups, logs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from portside.aws import network_reading, service_reading, stack_reading, task_logs
from portside.aws.database_reading import with_state
from portside.aws.health import health
from portside.aws.model import (
    CLOCKS_DIFFER,
    Database,
    Service,
    Stack,
    TargetGroup,
    Task,
    TaskDefinition,
)
from portside.aws.parallel import in_parallel, sort_out
from portside.aws.reader import Jobs, Reader
from portside.aws.runs import failed_run
from portside.aws.snapshot import RecordedDeployment, Snapshot

_DEFINITION = "AWS::ECS::TaskDefinition"
_LOGS_OF_EACH, _LOGS_OF_FAILED, _LOGS_OF_RUNNING = 2, 6, 1
_MOST_DEFINITIONS = 4

Options = Mapping[str, str]
"""Those of a container's log driver."""


def is_suspect(service: Service, stack: Stack | None) -> bool:
    """Whether details of a service have to be read: it is unhealthy, or one of its tasks failed."""
    if stack is None or not service.status or not stack_reading.is_as_made(stack):
        return True
    return (
        not health(service).is_stable
        or not service.desired
        or any(task.has_failed for task in service.tasks)
        or any(agent.status == "STOPPED" for _, agent in service.exec_agents)
        or any(not group.is_used for group in service.groups)
    )


def is_recorded(service: Service, records: Sequence[RecordedDeployment]) -> bool:
    """Whether the running revision comes from a recorded deployment.

    Otherwise it may have been set by hand, which only a comparison with the service's stack shows.
    """
    primary = service.primary
    return primary is not None and any(
        each.began - CLOCKS_DIFFER <= primary.created <= each.ended + CLOCKS_DIFFER for each in records
    )


def with_details(reader: Reader, snapshot: Snapshot, deadline: float) -> Snapshot:
    """The snapshot with the details of unhealthy stacks and services; reads not done by `deadline` are noted as unread.

    Keeps only the most informative tasks.
    """
    suspects = [each for each in snapshot.services if is_suspect(each, snapshot.stack(each.stack))]
    failed_jobs = [each for each in snapshot.jobs if failed_run(each)]
    others = [each for each in snapshot.services if each not in suspects and not is_recorded(each, snapshot.records)]
    suspects += failed_jobs
    jobs = _jobs(reader, snapshot, suspects) | {_of_resources(each): partial(reader.ids, each.stack) for each in others}
    unread = list(snapshot.unknown)
    found = dict(sort_out(in_parallel(jobs, deadline), unread))
    revisions: dict[str, tuple[TaskDefinition, Options]] = {
        arn: found[_of_revision(arn, each)]
        for each in suspects
        for arn in _definitions_of(each)
        if _of_revision(arn, each) in found
    }
    detailed = {each.name: _with_found(each, found, revisions) for each in suspects}
    detailed |= {each.name: replace(each, made=_made(each, found)) for each in others}
    lines = _logs(
        reader, [detailed[each.name] for each in suspects], {arn: options for arn, (_, options) in revisions.items()}
    )
    logs = dict(sort_out(in_parallel(lines.jobs, deadline), unread))

    def kept(service: Service) -> Service:
        own = detailed.get(service.name, service)
        return replace(
            own, tasks=tuple(lines.added_to(each, logs) for each in service_reading.most_informative(own.tasks))
        )

    return replace(
        snapshot,
        stacks=tuple(found.get(_of_events(each), each) for each in snapshot.stacks),
        services=tuple(map(kept, snapshot.services)),
        jobs=tuple(map(kept, snapshot.jobs)),
        subnets=found.get("subnets", ()),
        database=found.get("database", snapshot.database),
        unknown=tuple(unread),
    )


def _of_events(stack: Stack) -> str:
    return f"events of stack {stack.name}"


def _of_resources(service: Service) -> str:
    return f"resources of stack {service.stack}"


def _of_revision(arn: str, service: Service) -> str:
    return f"task definition {arn.rpartition('/')[2]} of {service.name}"


def _of_group(group: TargetGroup) -> str:
    return f"target group {group.arn.rpartition('targetgroup/')[2]}"


def _of_alarms(service: Service) -> str:
    return f"alarms of {service.name}"


def _jobs(reader: Reader, snapshot: Snapshot, suspects: Sequence[Service]) -> Jobs:
    clients = reader.clients
    jobs: Jobs = {
        _of_events(stack): partial(stack_reading.with_events, clients("cloudformation"), stack, snapshot.since)
        for stack in snapshot.stacks
        if not stack_reading.is_as_made(stack)
    }
    deployed = {stack.name for stack in snapshot.stacks if stack.status}
    for each in suspects:
        if each.stack in deployed:
            jobs[_of_resources(each)] = partial(reader.ids, each.stack)
        for arn in _definitions_of(each):
            jobs[_of_revision(arn, each)] = partial(service_reading.read_definition, clients("ecs"), arn, each.name)
        for group in each.groups:
            jobs[_of_group(group)] = partial(
                network_reading.with_settings, clients("elbv2"), clients("ec2"), group, each.security_groups
            )
        if each.alarms and any("alarm" in rollout.reason.lower() for rollout in each.rollouts):
            jobs[_of_alarms(each)] = partial(network_reading.read_alarms, clients("cloudwatch"), each.alarms)
    if subnets := sorted({subnet for each in suspects for subnet in each.subnets}):
        jobs["subnets"] = partial(network_reading.read_subnets, clients("ec2"), subnets)
    if snapshot.database.id or (suspects and snapshot.database.stack in deployed):
        jobs["database"] = partial(_read_database, reader, snapshot.database)
    return jobs


def _read_database(reader: Reader, database: Database) -> Database:
    """The database with its state; its id comes from the stack's resources if the outputs do not contain it."""
    kind = database.kind
    if kind is None:
        return database
    if not database.id:
        ids = reader.ids(database.stack)
        secret = next(iter(ids.get("AWS::SecretsManager::Secret", ())), "")
        found = next(iter(ids.get(kind.resource_type, ())), "")
        database = replace(database, id=found, secret=database.secret or secret)
    return with_state(reader.clients(kind.service), database) if database.id else database


def _with_found(
    service: Service, found: Mapping[str, Any], revisions: Mapping[str, tuple[TaskDefinition, Options]]
) -> Service:
    return replace(
        service,
        made=_made(service, found),
        definitions=tuple(revisions[arn][0] for arn in _definitions_of(service) if arn in revisions),
        groups=tuple(found.get(_of_group(each), each) for each in service.groups),
        alarms=found.get(_of_alarms(service), service.alarms),
    )


def _made(service: Service, found: Mapping[str, Any]) -> str:
    """The revision that the service's stack made."""
    ids: Mapping[str, tuple[str, ...]] = found.get(_of_resources(service), {})
    return next(iter(ids.get(_DEFINITION, ())), "")


def _definitions_of(service: Service) -> list[str]:
    """The revisions of failed tasks, then the running and the new ones."""
    arns = [task.definition for task in service.tasks if task.has_failed]
    arns += [rollout.definition for rollout in service.rollouts] + [service.definition]
    arns += [task.definition for task in service.tasks]
    return list(dict.fromkeys(filter(None, arns)))[:_MOST_DEFINITIONS]


@dataclass(frozen=True)
class _Logs:
    """The logs to read: by task the log group, the stream and the name of the job."""

    places: Mapping[str, tuple[str, str, str]]
    jobs: Jobs

    def added_to(self, task: Task, found: Mapping[str, Any]) -> Task:
        """The task with its log, if that was read."""
        group, stream, job = self.places.get(task.id, ("", "", ""))
        log: tuple[str, ...] | None = found.get(job, ())
        return replace(task, log_group=group, log_stream=stream, log=log or (), log_gone=log is None)


def _logs(reader: Reader, services: Iterable[Service], options: Mapping[str, Options]) -> _Logs:
    places, jobs = dict[str, tuple[str, str, str]](), Jobs()
    for service in services:
        for task in _worth_reading(service):
            group, stream = task_logs.place_of(options.get(task.definition, {}), service.name, task.id)
            if group:
                job = f"log of task {task.id} of {service.name}"
                places[task.id] = group, stream, job
                jobs[job] = partial(task_logs.read_lines, reader.clients("logs"), group, stream)
    return _Logs(places, jobs)


def _worth_reading(service: Service) -> list[Task]:
    """The newest failed tasks of each deployment, and the newest running one."""
    failed = [task for task in service.tasks if task.has_failed]
    of_each = {task.deployment: [each for each in failed if each.deployment == task.deployment] for task in failed}
    newest = [task for tasks in of_each.values() for task in tasks[:_LOGS_OF_EACH]]
    alive = [task for task in service.tasks if not task.is_stopping]
    return newest[:_LOGS_OF_FAILED] + alive[:_LOGS_OF_RUNNING]
