"""The end of a deployment: waiting until every service is stable and runs what was deployed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

from operations.deployment_course import Course
from operations.progress import step
from operations.rollouts import ReadRollouts, Rollout
from operations.service_states import ServiceState, read_services
from portside.aws.errors import is_passing
from portside.deploy.health import UNCHECKED, read_health
from src.errors import AgoraError
from src.resolution import Resolution
from src.service_props import ServiceProps

# CloudFormation has waited for every rollout by then; what is left is ECS's own bookkeeping.
_STABLE_WITHIN_SECONDS = 120


class NotStable(AgoraError):
    """All stacks are deployed, but not everything that was deployed runs."""

    def __init__(self, missing: Sequence[str], *, waited_seconds: int = 0) -> None:
        after = f"after {waited_seconds} s " if waited_seconds else ""
        super().__init__(
            f"deployed, but {after}not stable: {'; '.join(missing)}",
            "Look at the service's events in the ECS console, or run the same command again.",
        )


def wait_until_stable(run: Course, rollouts: ReadRollouts) -> list[ServiceState]:
    """Wait for stable services, healthy targets and the right digests in all tasks. Raises `NotStable`.

    The health of each service's tasks at that moment goes on record.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    target, services, images = run.patient, run.services, run.images
    until = time.monotonic() + _STABLE_WITHIN_SECONDS
    shown: list[str] = []
    with ExitStack() as waiting:
        while True:
            began = time.monotonic()
            try:
                states = read_services(target.clients, target.environment, services)
                found = rollouts(datetime.now(UTC))
                # How long AWS did not answer says nothing about the services.
                until += time.monotonic() - began
                if in_vain := list(_waited_for_in_vain(services, found)):
                    raise NotStable(in_vain)
                missing = [f"{state.name} ({state.health})" for state in states if not state.is_steady]
                missing = missing or list(_not_served(services, images, found))
                if not missing:
                    run.ran = read_health(services, images, found)
                    # A task that was started to scale out is not checked yet, and would let the rest prove nothing.
                    missing = [f"{name} ({health})" for name, health in run.ran.items() if health == UNCHECKED]
                    if not missing or time.monotonic() > until:
                        return states
            except (BotoCoreError, ClientError) as error:
                if not is_passing(error) or time.monotonic() > until:
                    raise
                missing = [f"AWS does not answer: {error}"]
            if time.monotonic() > until:
                raise NotStable(missing, waited_seconds=_STABLE_WITHIN_SECONDS)
            if missing != shown:
                waiting.close()
                waiting.enter_context(step(f"Waiting for {'; '.join(missing)}"))
                shown = missing
            time.sleep(target.polling_seconds)


def _waited_for_in_vain(services: Sequence[ServiceProps], rollouts: Sequence[Rollout]) -> Iterator[str]:
    """What someone changed by hand, so that waiting longer does not help."""
    wanted = {props.container_name for props in services if props.auto_scale_min_capacity}
    for rollout in rollouts:
        if not rollout.desired and rollout.service in wanted:
            yield f"{rollout.service} (its desired count was set to 0 by hand)"
        unused = [reason for state, reason in rollout.targets or () if state == "unused"]
        if unused:
            yield f"{rollout.service} (no load balancer sends requests to its targets: {unused[0]})"


def _not_served(services: Sequence[ServiceProps], images: Resolution, rollouts: Sequence[Rollout]) -> Iterator[str]:
    """What keeps services that are stable from serving what was deployed."""
    by_service = {rollout.service: rollout for rollout in rollouts}
    for props in services:
        rollout, image = by_service.get(props.container_name), images.images.get(props.container_location)
        if rollout is None:
            continue
        if image and (wrong := sorted(set(rollout.digests) - image.digests)):
            yield f"{rollout.service} (runs {', '.join(wrong)}, not {image.digest})"
        unhealthy = [(state, reason) for state, reason in rollout.targets or () if state != "healthy"]
        healthy = len(rollout.targets or ()) - len(unhealthy)
        if rollout.targets is not None and (unhealthy or healthy < rollout.desired):
            why = ", ".join(dict.fromkeys(reason or state for state, reason in unhealthy))
            yield f"{rollout.service} ({healthy} of {rollout.desired} targets healthy{why and ': '}{why})"
