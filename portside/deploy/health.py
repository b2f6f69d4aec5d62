"""How the tasks of a service are at the end of a deployment, as far as that can prove anything about their image."""

from __future__ import annotations

from collections.abc import Sequence

from operations.rollouts import Rollout
from src.resolution import Resolution
from src.resolved_image import ResolvedImage
from src.service_props import ServiceProps

HEALTHY = "healthy"
RUNNING = "running"
"""Nothing checks the service's health, as its configuration says and why: that all its tasks run is all there is."""

PROVING = (HEALTHY, RUNNING)
"""What proves an image. Everything else says why it proves none."""

NO_TASK = "no task ran"
ANOTHER_IMAGE = "tasks ran another image"
UNCHECKED = "not every task was checked and found healthy"
TARGETS = "not every target of the load balancer was healthy"


def health_of(props: ServiceProps, image: ResolvedImage, rollout: Rollout | None) -> str:
    """What the running tasks of a service say about the image that was deployed."""
    if rollout is None or not rollout.desired or len(rollout.digests) < rollout.desired:
        return NO_TASK
    if not set(rollout.digests) <= image.digests:
        return ANOTHER_IMAGE
    if rollout.targets is not None:
        states = [state for state, _ in rollout.targets]
        if set(states) != {"healthy"} or len(states) < rollout.desired:
            return TARGETS
    if props.container_healthcheck is not None:
        return HEALTHY if set(rollout.healths) == {"HEALTHY"} else UNCHECKED
    return HEALTHY if rollout.targets is not None else RUNNING


def read_health(services: Sequence[ServiceProps], images: Resolution, rollouts: Sequence[Rollout]) -> dict[str, str]:
    """The same for each service that has an image of a registry."""
    by_service = {rollout.service: rollout for rollout in rollouts}
    return {
        props.container_name: health_of(props, image, by_service.get(props.container_name))
        for props in services
        if (image := images.images.get(props.container_location))
    }
