"""Forcing a new deployment of services: new tasks from the same task definition, and how that ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portside.aws.deployed import find_all_deployed
from portside.aws.errors import aws_errors, is_from_aws, is_passing, message_of
from portside.aws.model import Service
from portside.aws.reader import Reader
from portside.aws.target import Target, with_retries
from portside.config.configuration import Configuration
from portside.config.service_props import ServiceProps
from portside.deploy.deployment_run import fixes_of
from portside.errors import UserError
from portside.json_fields import JsonFields
from portside.records.environment_lock import expect_unlocked, locked
from portside.records.origin import Origin
from portside.terminal.console import is_watched, say, talk_console

# Each failed task takes minutes, then the tasks that ran before come back.
_LONGEST_SECONDS = 45 * 60
_MOST_SHOWN = 3

COMPLETED, ROLLED_BACK = "stable", "rolled back"
NO_TASKS = "no task started: its desired count is 0"


@dataclass(frozen=True)
class Rollout:
    """The rollout of a service's new tasks; `reason` is ECS's if the rollout failed."""

    service: str
    state: str
    is_over: bool = False
    has_failed: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Redeployment(JsonFields):
    """The services with new tasks, and the result."""

    environment: str
    seconds: float
    services: Mapping[str, str]


@dataclass(frozen=True)
class Failure:
    """A service whose new tasks were given up: why in sentences, where to look, and what to do where that is known."""

    service: str
    reasons: tuple[str, ...]
    look: str
    fix: str = ""


class RedeploymentFailed(UserError):
    """ECS gave the new tasks of one or more services up."""

    def __init__(self, target: Target, failures: Sequence[Failure]) -> None:
        names = ", ".join(failure.service for failure in failures)
        lines = [f"new tasks of {names} did not become stable in {target.environment.name} {target.place}"]
        for failure in failures:
            lines += [*(f"{failure.service}: {reason}" for reason in failure.reasons), f"  look: {failure.look}"]
        fixes = fixes_of((failure.service, failure.fix) for failure in failures)
        super().__init__("\n".join(lines), "\n".join([*fixes, "The earlier tasks still serve."]))
        self.failures = tuple(failures)


def plan(target: Target, services: Sequence[ServiceProps]) -> tuple[Service, ...]:
    """The services as they are. Raises `UserError` where one is not deployed."""
    return find_all_deployed(target, services)


def redeploy(
    target: Target,
    configuration: Configuration,
    services: Sequence[Service],
    origin: Origin,
    recheck: Callable[[], object] = lambda: None,
) -> Redeployment:
    """Start new tasks of services in parallel, and wait until they are stable. Raises `RedeploymentFailed`.

    `recheck` raises `UserError` if they must not start; it is called under the environment's lock.
    """
    ssm, environment = target.clients("ssm"), target.environment
    doing = f"redeploy {', '.join(service.name for service in services)}"
    expect_unlocked(ssm, environment, local=target.is_local)
    with locked(ssm, environment, origin, doing, local=target.is_local):
        recheck()
        return execute(target, configuration, services)


def execute(
    target: Target,
    configuration: Configuration,
    services: Sequence[Service],
    *,
    wait: Callable[[float], object] = time.sleep,
) -> Redeployment:
    """The same, with the environment already locked."""
    began, clock = datetime.now(UTC), time.monotonic()
    deployments = {service.name: _force(target.clients("ecs"), service) for service in services}
    try:
        ended = _follow(target, services, deployments, wait)
    except KeyboardInterrupt:
        say(f"ECS continues with the new tasks: {target.commands.tool('status')}", "yellow")
        raise
    failed = [service for service in services if ended[service.name].has_failed]
    if failed:
        raise RedeploymentFailed(
            target, [_explain(target, configuration, each, ended[each.name], began) for each in failed]
        )
    states = {rollout.service: rollout.state for rollout in ended.values()}
    return Redeployment(target.environment.name, round(time.monotonic() - clock, 1), states)


def _force(ecs: Any, service: Service) -> str:
    """Ask for new tasks; the id of the deployment that starts them."""
    answer = ecs.update_service(cluster=service.cluster, service=service.ecs_name, forceNewDeployment=True)
    return next(str(each["id"]) for each in answer["service"]["deployments"] if each["status"] == "PRIMARY")


def _follow(
    target: Target,
    services: Sequence[Service],
    deployments: Mapping[str, str],
    wait: Callable[[float], object],
) -> dict[str, Rollout]:
    """Tell what changes until every rollout is over."""
    reader, clock = Reader(with_retries(target, wait=wait)[0].clients, target.environment, ()), time.monotonic()
    found = {name: Rollout(name, "starting") for name in deployments}
    with _spinning(f"Starting new tasks of {', '.join(deployments)}"):
        while time.monotonic() - clock < _LONGEST_SECONDS:
            with _ignoring_transient_errors(target):
                for service in reader.described([each for each in services if not found[each.name].is_over]):
                    rollout = rollout_of(service, deployments[service.name])
                    if rollout.state != found[service.name].state:
                        say(f"{time.monotonic() - clock:5.0f} s  {service.name}: {rollout.state}")
                    found[service.name] = rollout
            if all(rollout.is_over for rollout in found.values()):
                return found
            wait(target.polling_seconds)
    restless = ", ".join(f"{each.service} ({each.state})" for each in found.values() if not each.is_over)
    raise UserError(
        f"after {_LONGEST_SECONDS // 60} minutes not stable: {restless}",
        f"ECS continues with it. See: {target.commands.tool('status')}",
    )


def rollout_of(service: Service, deployment: str) -> Rollout:
    """How far a deployment of a service is."""
    name, primary = service.name, service.primary
    ours = next((each for each in service.rollouts if each.id == deployment), None)
    if primary is None:
        return Rollout(name, "failed", True, True, "the service was deleted")
    if primary.id != deployment:
        reason = (ours.reason if ours else "") or "replaced by another deployment"
        is_over = primary.state == "COMPLETED" and service.running == service.desired and not service.pending
        return Rollout(name, ROLLED_BACK if is_over else "failed, rolling back", is_over, True, reason)
    if primary.state == "FAILED":
        return Rollout(name, "failed", not service.rolls_back, True, primary.reason)
    if primary.state == "COMPLETED" and service.is_stable:
        return Rollout(name, COMPLETED if service.desired else NO_TASKS, is_over=True)
    failed = f", {primary.failed_tasks} failed" if primary.failed_tasks else ""
    return Rollout(name, f"{primary.running} of {primary.desired} new tasks run{failed}")


def _explain(
    target: Target, configuration: Configuration, service: Service, rollout: Rollout, since: datetime
) -> Failure:
    """Why the rollout failed, with the verdict or, without one, why its tasks stopped, if that can be read."""
    from portside.findings.diagnose import diagnose

    look = target.commands.tool("logs", service.name)
    try:
        verdicts = diagnose(target, configuration, service=service.name, since=since).verdicts
        decisive = next((each for each in verdicts if each.is_wrong and each.service == service.name), None)
        if decisive:
            why = (*filter(None, [rollout.reason]), decisive.what, *decisive.evidence[:_MOST_SHOWN])
            return Failure(service.name, why, decisive.look or look, decisive.fix)
        props = [
            each for each in configuration.services_of(target.environment.name) if each.container_name == service.name
        ]
        (now,) = Reader(target.clients, target.environment, props).look(stopped=True).whole().services
        ended = (each.why_it_stopped for each in now.tasks if each.has_failed and each.at >= since)
        tasks = list(dict.fromkeys(ended))[:_MOST_SHOWN]
    except Exception as error:
        # An error in the diagnosis must not hide the failure of the rollout.
        tasks = [f"unknown, {'AWS: ' + message_of(error) if is_from_aws(error) else type(error).__name__}"]
    reasons = [*filter(None, [rollout.reason]), *(f"stopped task: {reason}" for reason in tasks)]
    return Failure(service.name, tuple(reasons), look)


@contextmanager
def _ignoring_transient_errors(target: Target) -> Iterator[None]:
    """A transient error of a poll is no failure of the rollout; the next one may succeed."""
    try:
        yield
    except aws_errors() as error:
        if not is_passing(error):
            raise UserError(
                f"the rollout can't be followed any more, AWS: {error}",
                f"It continues in ECS. See: {target.commands.tool('status')}",
            ) from error


@contextmanager
def _spinning(title: str) -> Iterator[None]:
    with talk_console().status(f"{title} …") if is_watched() else contextlib.nullcontext():
        if not is_watched():
            say(f"{title} …")
        yield
