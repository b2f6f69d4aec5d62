"""Collect the snapshot of an environment: the state of everything, then details of unhealthy parts."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from portside.aws.clients import Clients
from portside.aws.details import with_details
from portside.aws.model import Database, Stack, UnconfiguredStack, Unread
from portside.aws.reader import Look, Reader
from portside.aws.snapshot import RecordedDeployment, Snapshot
from portside.aws.target import Target
from portside.config.environment import Environment
from portside.config.service_props import DATABASE, ServiceProps
from portside.config.stacks import database_stacks, stacks_for
from portside.plan.unconfigured import unconfigured_in
from portside.records.deployment_record import read_records

WITHIN_SECONDS = 8.0

_CLUSTER_OUTPUT = re.compile(r"OutputRefDocDbCluster[0-9A-F]+$")
_SECRET_OUTPUT = re.compile(r"OutputRefDocDbMasterPassword[0-9A-F]+$")
_RECORDS = "the recorded deployments"
_MOST_RECORDS = 5


def collect(
    target: Target,
    services: Sequence[ServiceProps],
    *,
    since: datetime | None = None,
    only: str | None = None,
    within_seconds: float = WITHIN_SECONDS,
) -> Snapshot:
    """Read the environment. With `only`, also the services that this one calls: the cause may be there."""
    deadline = time.monotonic() + within_seconds
    environment, clients = target.environment, target.clients
    chosen = [props for props in services if only is None or props.container_name in _reached(services, only)]
    names = [stack.name for stack in stacks_for(environment, chosen)]
    reader = Reader(clients, environment, chosen)
    read = partial(_read_records, clients, environment)
    look = reader.look(stopped=True, deadline=deadline, extra={_RECORDS: read})
    records: tuple[RecordedDeployment, ...] = look.extra.get(_RECORDS, ())
    stacks = {name: (look.stacks or {}).get(name, Stack(name)) for name in names} if look.stacks is not None else {}
    unconfigured, unread = _read_unconfigured(target, services, look) if only is None else ((), ())
    snapshot = Snapshot(
        environment=environment.name,
        app=environment.app,
        stack_prefix=environment.stack_prefix,
        account=environment.account,
        region=environment.region,
        is_local=target.is_local,
        at=datetime.now(UTC),
        since=since,
        only=only,
        database=_database(environment, look),
        stacks=tuple(stacks.values()),
        services=look.services,
        jobs=look.jobs,
        records=records,
        unknown=(*look.unread, *unread),
        beside=unconfigured,
        is_released=environment.is_released,
    )
    found = with_details(reader, snapshot, deadline)
    return replace(found, records=records[:_MOST_RECORDS])


def _reached(services: Sequence[ServiceProps], name: str) -> set[str]:
    """A service and all its direct and indirect callees."""
    calls = {props.container_name: [call.service for call in props.calls] for props in services}
    reached, todo = set[str](), [name]
    while todo:
        each = todo.pop()
        if each not in reached and each != DATABASE:
            reached.add(each)
            todo += calls.get(each, [])
    return reached


def _read_unconfigured(
    target: Target, services: Sequence[ServiceProps], look: Look
) -> tuple[tuple[UnconfiguredStack, ...], tuple[Unread, ...]]:
    """Stacks that are deployed and not configured, or why they could not be read."""
    found, remarks = unconfigured_in(target, services, look)
    unconfigured = tuple(UnconfiguredStack(each.name, each.status, each.sentence, each.advice) for each in found)
    return unconfigured, tuple(Unread("stacks that are not configured", remark) for remark in remarks)


def _read_records(clients: Clients, environment: Environment) -> tuple[RecordedDeployment, ...]:
    found = []
    for record in read_records(clients("ssm"), environment):
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


def _database(environment: Environment, look: Look) -> Database:
    if environment.database_kind is None:
        return Database(kind_name=None)
    stack = database_stacks(environment)[0].name
    outputs = look.stacks[stack].outputs if look.stacks and stack in look.stacks else {}

    def output(name: re.Pattern[str]) -> str:
        return next((value for key, value in outputs.items() if name.search(key)), "")

    return Database(
        stack,
        environment.database_port,
        id=output(_CLUSTER_OUTPUT),
        secret=output(_SECRET_OUTPUT),
        kind_name=environment.database_kind.name,
    )
