"""The status of environments: their services, the last deployment, the lock, and which stacks are not usable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from portside.aws.errors import EXPIRED, LOG_IN, is_expired
from portside.aws.health import HealthState, health
from portside.aws.model import Service, Stack
from portside.aws.ownership import others
from portside.aws.reader import Jobs, Look, Reader
from portside.aws.runs import exit_code, last_run
from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.image_reference import IMAGE_COMMIT_OUTPUT, IMAGE_OUTPUT, UNKNOWN_COMMIT, parse_reference
from portside.config.service_props import Schedule, ServiceProps
from portside.config.stacks import stacks_for
from portside.errors import UserError
from portside.images.resolved_image import short_commit
from portside.json_fields import JsonFields
from portside.plan.unconfigured import UnconfiguredStack, unconfigured_in
from portside.records.deployment_record import DeploymentRecord, read_records
from portside.records.environment_lock import EnvironmentLock, read_lock
from portside.records.maintenance_record import maintenance_of
from portside.records.running_images import running_in, unaccounted

_RECORDS, _LOCK, _PAGE = "recorded deployments", "the lock", "the maintenance page"

NO_LONGER_GOOD = f"the AWS credentials have expired or are not known. {LOG_IN}"


@dataclass(frozen=True)
class ServiceStatus(JsonFields):
    """A service as it runs. Numbers and moments are None where they are not known.

    `state` is how it is, in the words of `portside.aws.health`; `targets` are those of the load balancer.
    """

    name: str
    state: str
    version: str = ""
    commit: str = ""
    desired: int | None = None
    running: int | None = None
    pending: int | None = None
    rollout: str = ""
    healthy_targets: int | None = None
    targets: int | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class JobStatus(JsonFields):
    """A job or scheduled task: when it runs, its last run, and the next start of a schedule in a time zone.

    Moments and the exit code are None where they are not known. `last_run_from` says who knows the last run: ECS, which
    lists a task for an hour after it stopped, or the record of deployments.
    """

    name: str
    runs: str
    state: str
    version: str = ""
    commit: str = ""
    last_run: datetime | None = None
    last_run_from: str = ""
    exit_code: int | None = None
    next_start: datetime | None = None


@dataclass(frozen=True)
class EnvironmentStatus:
    """An environment. `remarks` tell what could not be known, and why; `stacks` are those that are not usable."""

    name: str
    services: tuple[ServiceStatus, ...] = ()
    last: DeploymentRecord | None = None
    lock: EnvironmentLock | None = None
    stacks: Mapping[str, str] | None = None
    remarks: tuple[str, ...] = ()
    unaccounted: tuple[str, ...] = ()
    """Images that run in production without a record or a proof, in sentences."""
    unconfigured: tuple[UnconfiguredStack, ...] = ()
    """Stacks that are deployed and not configured."""
    jobs: tuple[JobStatus, ...] = ()
    maintenance: str = ""
    """That visitors see the maintenance page, in a sentence; empty if they don't."""

    @property
    def is_unread(self) -> bool:
        """Whether nothing at all could be read."""
        unknown = all(service.state == HealthState.UNKNOWN for service in self.services)
        return unknown and self.stacks is None and self.last is None and self.lock is None

    def as_json(self) -> dict[str, Any]:
        last = self.last
        return {
            "environment": self.name,
            "services": [each.as_json() for each in self.services],
            "jobs": [each.as_json() for each in self.jobs],
            "last_deployment": {"number": last.number, **last.as_json()} if last else None,
            "hold": self.lock and asdict(self.lock),
            "maintenance": self.maintenance or None,
            "stacks_not_usable": self.stacks,
            "stacks_not_configured": [each.as_json() for each in self.unconfigured],
            "unaccounted_images": list(self.unaccounted),
            "remarks": list(self.remarks),
        }


def read_status(
    configuration: Configuration, names: Sequence[str], reach: Callable[[str], Target]
) -> list[EnvironmentStatus]:
    """The status of the named environments, read in parallel; `reach` returns a target or raises `UserError`."""
    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        return list(pool.map(lambda name: _read(configuration, name, reach), names))


def _read(configuration: Configuration, name: str, reach: Callable[[str], Target]) -> EnvironmentStatus:
    try:
        target = reach(name)
    except UserError as error:
        why = NO_LONGER_GOOD if error.__cause__ and is_expired(error.__cause__) else error.message
        return EnvironmentStatus(name, remarks=(f"not reachable: {why}",))
    environment = configuration.environment(name)
    ssm = target.clients("ssm")
    extra: Jobs = {
        _RECORDS: partial(read_records, ssm, environment),
        _LOCK: partial(read_lock, ssm, environment),
        _PAGE: partial(maintenance_of, target),
    }
    services = configuration.services_of(name)
    jobs = [props for props in services if not props.is_service]
    look = Reader(target.clients, environment, services).look(stopped=bool(jobs), extra=extra)
    found, remarks = unconfigured_in(target, services, look)
    status = status_of(environment, look)
    names = {stack.name for stack in stacks_for(environment, services)}
    theirs = others((stack for name, stack in (look.stacks or {}).items() if name in names), environment)
    return replace(
        status,
        unconfigured=found,
        remarks=(*theirs, *status.remarks, *remarks),
        jobs=jobs_of(jobs, look, look.extra.get(_RECORDS, ()), datetime.now(UTC)),
    )


def jobs_of(
    configured: Sequence[ServiceProps], look: Look, records: Sequence[DeploymentRecord], now: datetime
) -> tuple[JobStatus, ...]:
    """The jobs and scheduled tasks, with their last runs that ECS or the records know."""
    by_name = {props.container_name: props for props in configured}
    return tuple(_job_status(by_name[each.name], each, look.stacks or {}, records, now) for each in look.jobs)


def _job_status(
    props: ServiceProps, job: Service, stacks: Mapping[str, Stack], records: Sequence[DeploymentRecord], now: datetime
) -> JobStatus:
    stack = stacks.get(job.stack)
    version, commit = _version(job, stack)
    schedule = props.runs if isinstance(props.runs, Schedule) else None
    status = JobStatus(
        job.name,
        props.runs_when,
        "not deployed" if job.known else "unknown",
        version,
        commit,
    )
    if stack is None or not stack.status:
        return status
    if schedule:
        status = replace(status, next_start=schedule.parsed.next_start(now, schedule.time_zone))
    active = sum(not task.is_stopping for task in job.tasks)
    if last := last_run(job):
        status = replace(status, last_run=last.at, last_run_from="ECS", exit_code=exit_code(job, last))
    elif recorded := next((each for each in records if job.name in each.jobs), None):
        ended = recorded.jobs[job.name].get("exit_code")
        began = datetime.fromisoformat(recorded.began)
        status = replace(status, last_run=began, last_run_from="record of deployments", exit_code=ended)
    return replace(status, state=f"{active} running" if active else _ended(status))


def _ended(job: JobStatus) -> str:
    if job.last_run is None:
        return "no run in the last hour"
    if job.exit_code is None:
        return "failed: never started"
    return "succeeded" if job.exit_code == 0 else f"failed: exit code {job.exit_code}"


def status_of(environment: Environment, look: Look) -> EnvironmentStatus:
    """An environment by a look at it, its records and its lock: what could not be read is remarked on."""
    stacks, records = look.stacks, look.extra.get(_RECORDS)
    return EnvironmentStatus(
        environment.name,
        tuple(_service_status(each, (stacks or {}).get(each.stack)) for each in look.services),
        last=next((record for record in records or () if not record.synthetic), None),
        lock=look.extra.get(_LOCK),
        maintenance=look.extra.get(_PAGE, ""),
        stacks=None if stacks is None else {each.name: each.status for each in stacks.values() if not each.is_usable},
        remarks=tuple(_remarks(look)),
        unaccounted=() if records is None else unaccounted(environment, running_in(look), records),
    )


def _remarks(look: Look) -> Iterator[str]:
    if any(is_expired(error) for error in look.errors):
        yield f"unknown: {NO_LONGER_GOOD}"
    for each in (*look.unread, *([look.unlisted] if look.unlisted else [])):
        if each.code not in EXPIRED:
            yield f"{each.what} could not be read: {each.why}"


def _service_status(service: Service, stack: Stack | None) -> ServiceStatus:
    if not service.status:
        return ServiceStatus(service.name, str(health(service)))
    version, commit = _version(service, stack)
    primary, targets = service.primary, service.targets
    return ServiceStatus(
        service.name,
        str(health(service)),
        version,
        commit,
        desired=service.desired,
        running=service.running,
        pending=service.pending,
        rollout=primary.state if primary else "",
        healthy_targets=None if targets is None else sum(each.state == "healthy" for each in targets),
        targets=None if targets is None else len(targets),
        since=primary.created if primary else None,
    )


def _version(service: Service, stack: Stack | None) -> tuple[str, str]:
    """The tag and the commit that the stack names; where it names none, the tags of the tasks' images."""
    if stack and IMAGE_OUTPUT in stack.outputs:
        image = parse_reference(stack.outputs[IMAGE_OUTPUT])
        commit = stack.outputs.get(IMAGE_COMMIT_OUTPUT, UNKNOWN_COMMIT)
        tag = (image.tag if image else None) or stack.outputs[IMAGE_OUTPUT].rpartition("/")[2]
        return tag, "" if commit == UNKNOWN_COMMIT else short_commit(commit)
    images = {own.image for task in service.running_tasks if (own := task.container(service.name))}
    found = [(parsed.tag or str(parsed.digest)[:19]) for each in sorted(images) if (parsed := parse_reference(each))]
    return " and ".join(found), ""
