"""How the tasks of a service are at the end of a deployment, as far as that can prove anything about their image."""

from __future__ import annotations

from collections.abc import Sequence

from portside.aws.health import HealthState, are_targets_healthy, are_tasks_healthy, is_checked
from portside.aws.model import Service
from portside.config.service_props import ServiceProps
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage

HEALTHY, RUNNING = HealthState.HEALTHY.value, HealthState.RUNNING.value
"""Nothing checks the service's health, as its configuration says and why: that all its tasks run is all there is."""

PROVING = (HEALTHY, RUNNING)
"""What proves an image. Everything else says why it proves none."""

NO_TASK = "no task ran"
ANOTHER_IMAGE = "tasks ran another image"
UNCHECKED = "not every task was checked and found healthy"
TARGETS = "not every target of the load balancer was healthy"


def health_of(props: ServiceProps, image: ResolvedImage, service: Service | None) -> str:
    """What the running tasks of a service say about the image that was deployed."""
    if service is None or not service.desired or len(service.digests) < service.desired:
        return NO_TASK
    if not set(service.digests) <= image.digests:
        return ANOTHER_IMAGE
    if not are_targets_healthy(service):
        return TARGETS
    if props.container_healthcheck is not None and not are_tasks_healthy(service):
        return UNCHECKED
    return HEALTHY if is_checked(service) else RUNNING


def read_health(services: Sequence[ServiceProps], images: Resolution, found: Sequence[Service]) -> dict[str, str]:
    """The same for each service that has an image of a registry."""
    by_name = {service.name: service for service in found}
    return {
        props.container_name: health_of(props, image, by_name.get(props.container_name))
        for props in services
        if (image := images.images.get(props.container_location))
    }
