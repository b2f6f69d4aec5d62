"""Forcing a new deployment of services: new tasks from the same task definition, and how that ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from operations.console import is_watched, say, talk_console
from operations.deployed_service import DeployedService, find_deployed
from operations.deployment_course import fixes_of
from operations.hold import expect_free, held
from operations.origin import Origin
from operations.service_states import stopped_reasons
from operations.target import Target, patient
from portside.aws.errors import is_from_aws, is_passing, message_of
from src.errors import AgoraError
from src.form import Form
from src.service_props import ServiceProps

# Each failed task takes minutes, then the tasks that ran before come back.
_LONGEST_SECONDS = 45 * 60
_MOST_SHOWN = 3

COMPLETED, ROLLED_BACK = "stable", "rolled back"
NO_TASKS = "no task started: its desired count is 0"


@dataclass(frozen=True)
class Rollout:
    """How far the new tasks of a service are; `reason` is ECS's where it gave them up."""

    service: str
    state: str
    is_over: bool = False
    has_failed: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Redeployment:
    """What was deployed anew, and how it ended."""

    environment: str
    seconds: float
    services: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class Failure:
    """A service whose new tasks were given up: why in sentences, where to look, and what to do where that is known."""

    service: str
    reasons: tuple[str, ...]
    look: str
    fix: str = ""


class RedeploymentFailed(AgoraError):
    """ECS gave the new tasks of one or more services up."""

    def __init__(self, target: Target, failures: Sequence[Failure]) -> None:
        names = ", ".join(failure.service for failure in failures)
        lines = [f"new tasks of {names} did not become stable in {target.environment.name} {target.place}"]
        for failure in failures:
            lines += [*(f"{failure.service}: {reason}" for reason in failure.reasons), f"  look: {failure.look}"]
        fixes = fixes_of((failure.service, failure.fix) for failure in failures)
        super().__init__("\n".join(lines), "\n".join([*fixes, "The earlier tasks still serve."]))
        self.failures = tuple(failures)


def plan(target: Target, services: Sequence[ServiceProps]) -> tuple[DeployedService, ...]:
    """The services as they are. Raises `AgoraError` where one is not deployed."""
    return tuple(find_deployed(target, props) for props in services)


def redeploy(
    target: Target,
    form: Form,
    services: Sequence[DeployedService],
    origin: Origin,
    recheck: Callable[[], object] = lambda: None,
) -> Redeployment:
    """Start new tasks of services side by side, and wait for the end. Raises `RedeploymentFailed` with the reasons.

    `recheck` raises `AgoraError` where they may not start; it is asked under the environment's lock.
    """
    ssm, name = target.clients("ssm"), target.environment.name
    doing = f"redeploy {', '.join(service.name for service in services)}"
    expect_free(ssm, name, local=target.is_local)
    with held(ssm, name, origin, doing, local=target.is_local):
        recheck()
        return carry_out(target, form, services)


def carry_out(
    target: Target, form: Form, services: Sequence[DeployedService], *, wait: Callable[[float], object] = time.sleep
) -> Redeployment:
    """The same for who holds the environment already."""
    began, clock = datetime.now(UTC), time.monotonic()
    deployments = {service.name: _force(target.clients("ecs"), service) for service in services}
    try:
        ended = _follow(target, services, deployments, wait)
    except KeyboardInterrupt:
        say(f"ECS goes on with the new tasks: {target.commands.tool('status')}", "yellow")
        raise
    failed = [service for service in services if ended[service.name].has_failed]
    if failed:
        raise RedeploymentFailed(target, [_explain(target, form, each, ended[each.name], began) for each in failed])
    states = {rollout.service: rollout.state for rollout in ended.values()}
    return Redeployment(target.environment.name, round(time.monotonic() - clock, 1), states)


def _force(ecs: Any, service: DeployedService) -> str:
    """Ask for new tasks; the id of the deployment that starts them."""
    answer = ecs.update_service(cluster=service.cluster, service=service.ecs_name, forceNewDeployment=True)
    return next(str(each["id"]) for each in answer["service"]["deployments"] if each["status"] == "PRIMARY")


def _follow(
    target: Target,
    services: Sequence[DeployedService],
    deployments: Mapping[str, str],
    wait: Callable[[float], object],
) -> dict[str, Rollout]:
    """Tell what changes until every rollout is over."""
    ecs, clock = patient(target, wait=wait)[0].clients("ecs"), time.monotonic()
    found = {name: Rollout(name, "starting") for name in deployments}
    with _spinning(f"Starting new tasks of {', '.join(deployments)}"):
        while time.monotonic() - clock < _LONGEST_SECONDS:
            for service in (each for each in services if not found[each.name].is_over):
                with _passing_over_passing_troubles(target):
                    rollout = _look(ecs, service, deployments[service.name])
                    if rollout.state != found[service.name].state:
                        say(f"{time.monotonic() - clock:5.0f} s  {service.name}: {rollout.state}")
                    found[service.name] = rollout
            if all(rollout.is_over for rollout in found.values()):
                return found
            wait(target.polling_seconds)
    restless = ", ".join(f"{each.service} ({each.state})" for each in found.values() if not each.is_over)
    raise AgoraError(
        f"after {_LONGEST_SECONDS // 60} minutes not stable: {restless}",
        f"ECS goes on with it. Look at: {target.commands.tool('status')}",
    )


def _look(ecs: Any, service: DeployedService, deployment: str) -> Rollout:
    described = ecs.describe_services(cluster=service.cluster, services=[service.arn])["services"][0]
    return rollout_of(service.name, described, deployment)


def rollout_of(name: str, service: Mapping[str, Any], deployment: str) -> Rollout:
    """How far a deployment of a service is, as DescribeServices tells."""
    primary: Mapping[str, Any] = next(each for each in service["deployments"] if each["status"] == "PRIMARY")
    ours: Mapping[str, Any] = next((each for each in service["deployments"] if each["id"] == deployment), {})
    is_settled = service["runningCount"] == service["desiredCount"] and not service["pendingCount"]
    if primary["id"] != deployment:
        reason = str(ours.get("rolloutStateReason") or "another deployment has taken its place")
        is_over = primary.get("rolloutState") == "COMPLETED" and is_settled
        return Rollout(name, ROLLED_BACK if is_over else "failed, rolling back", is_over, True, reason)
    if ours.get("rolloutState") == "FAILED":
        breaker = service.get("deploymentConfiguration", {}).get("deploymentCircuitBreaker", {})
        reason = str(ours.get("rolloutStateReason", ""))
        return Rollout(name, "failed", not breaker.get("rollback"), True, reason)
    if ours.get("rolloutState") == "COMPLETED" and is_settled and len(service["deployments"]) == 1:
        return Rollout(name, COMPLETED if service["desiredCount"] else NO_TASKS, is_over=True)
    failed = f", {ours['failedTasks']} failed" if ours.get("failedTasks") else ""
    return Rollout(name, f"{ours.get('runningCount', 0)} of {ours.get('desiredCount', 0)} new tasks run{failed}")


def _explain(target: Target, form: Form, service: DeployedService, rollout: Rollout, since: datetime) -> Failure:
    """Why ECS gave the tasks up and then the verdict, or without one why they stopped, as far as that can be read."""
    from portside.findings.diagnose import diagnose

    look = target.commands.tool("logs", service.name)
    try:
        verdicts = diagnose(target, form, service=service.name, since=since).verdicts
        decisive = next((each for each in verdicts if each.is_wrong and each.service == service.name), None)
        if decisive:
            why = (*filter(None, [rollout.reason]), decisive.what, *decisive.evidence[:_MOST_SHOWN])
            return Failure(service.name, why, decisive.look or look, decisive.fix)
        tasks = stopped_reasons(target.clients("ecs"), service.cluster, service.ecs_name, since)
    except Exception as error:
        # Whatever goes wrong in finding out why, that ECS gave the tasks up is what a person has to see.
        tasks = [f"unknown, {'AWS: ' + message_of(error) if is_from_aws(error) else type(error).__name__}"]
    reasons = [*filter(None, [rollout.reason]), *(f"stopped task: {reason}" for reason in tasks)]
    return Failure(service.name, tuple(reasons), look)


@contextmanager
def _passing_over_passing_troubles(target: Target) -> Iterator[None]:
    """A look that fails for a passing reason says nothing about the rollout; the next one may succeed."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        if not is_passing(error):
            raise AgoraError(
                f"the rollout can't be followed any more, AWS: {error}",
                f"It goes on in ECS. Look at it with: {target.commands.tool('status')}",
            ) from error


@contextmanager
def _spinning(title: str) -> Iterator[None]:
    with talk_console().status(f"{title} …") if is_watched() else contextlib.nullcontext():
        if not is_watched():
            say(f"{title} …")
        yield
