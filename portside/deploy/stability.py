"""Waiting until every service is stable and runs the deployed image."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from portside.aws.errors import aws_errors, is_passing
from portside.aws.health import RUNNABLE, UNCHECKED, are_targets_healthy, health, read_health
from portside.aws.model import Service
from portside.aws.reader import Reader
from portside.config.service_props import ServiceProps
from portside.deploy.deployment_run import DeploymentRun
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.terminal.console import step
from portside.terminal.summary import named

# CloudFormation has waited for every rollout by then; only ECS's own state may lag behind.
_STABLE_WITHIN_SECONDS = 120


class NotStable(UserError):
    """All stacks are deployed, but not everything that was deployed runs."""

    def __init__(self, missing: Sequence[str], *, waited_seconds: int = 0) -> None:
        after = f"after {waited_seconds} s " if waited_seconds else ""
        super().__init__(
            f"deployed, but {after}not stable: {'; '.join(missing)}",
            "Look at the service's events in the ECS console, or run the same command again.",
        )


def wait_until_stable(run: DeploymentRun) -> list[Service]:
    """Wait for stable services, healthy targets and the right digests in all tasks. Raises `NotStable`.

    The health of each service's tasks at that moment is recorded.
    """
    target, images = run.retrying, run.images
    reader = Reader(target.clients, target.environment, run.services)
    services = [props for props in run.services if props.is_service]
    jobs = dict.fromkeys((props.container_name for props in run.services if not props.is_service), RUNNABLE)
    until = time.monotonic() + _STABLE_WITHIN_SECONDS
    shown: list[str] = []
    with ExitStack() as waiting:
        while True:
            began = time.monotonic()
            try:
                look = reader.look().whole()
                found = [each for each in look.services if each.status]
                # Time without an answer from AWS does not count.
                until += time.monotonic() - began
                if blocked := list(_never_stable(services, found)):
                    raise NotStable(blocked)
                missing = list(_not_stable(look.services))
                missing = missing or list(_not_served(services, images, found))
                if not missing:
                    checked = read_health(services, images, found)
                    # A task that was started to scale out is not checked yet, and would let the rest prove nothing.
                    missing = [f"{name} ({found})" for name, found in checked.items() if found == UNCHECKED]
                    run.ran = checked | jobs
                    if not missing or time.monotonic() > until:
                        return list(look.services)
            except aws_errors() as error:
                if not is_passing(error) or time.monotonic() > until:
                    raise
                missing = [f"AWS does not answer: {error}"]
            if time.monotonic() > until:
                raise NotStable(missing, waited_seconds=_STABLE_WITHIN_SECONDS)
            if missing != shown:
                waiting.close()
                waiting.enter_context(step(f"Waiting for {named(missing, '; ')}"))
                shown = missing
            time.sleep(target.polling_seconds)


def _not_stable(services: Sequence[Service]) -> Iterator[str]:
    """Services that are not stable for another reason than their targets, of which more is said."""
    for service in services:
        if not health(service).is_stable and are_targets_healthy(service):
            yield f"{service.name} ({health(service)})"


def _never_stable(services: Sequence[ServiceProps], found: Sequence[Service]) -> Iterator[str]:
    """Manual changes with which a service never becomes stable."""
    scaled = {props.container_name for props in services if props.auto_scale_min_capacity}
    for service in found:
        if not service.desired and service.name in scaled:
            yield f"{service.name} (its desired count was set to 0 by hand)"
        unused = [each.why for each in service.targets or () if each.state == "unused"]
        if unused:
            yield f"{service.name} (no load balancer sends requests to its targets: {unused[0]})"


def _not_served(services: Sequence[ServiceProps], images: Resolution, found: Sequence[Service]) -> Iterator[str]:
    """Stable services that do not serve the deployed image, and why."""
    by_service = {service.name: service for service in found}
    for props in services:
        service, image = by_service.get(props.container_name), images.images.get(props.container_location)
        if service is None:
            continue
        if image and (wrong := sorted(set(service.digests) - image.digests)):
            yield f"{service.name} (runs {', '.join(wrong)}, not {image.digest})"
        unhealthy = [each for each in service.targets or () if each.state != "healthy"]
        healthy = len(service.targets or ()) - len(unhealthy)
        if service.targets is not None and (unhealthy or healthy < service.desired):
            why = ", ".join(dict.fromkeys(each.why or each.state for each in unhealthy))
            yield f"{service.name} ({healthy} of {service.desired} targets healthy{why and ': '}{why})"
