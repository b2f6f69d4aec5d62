"""The health of a service, as used by status, deployments, records and verification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from portside.aws.model import Service
from portside.config.service_props import ServiceProps
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage


class HealthState(StrEnum):
    """The states of a service."""

    HEALTHY = "healthy"
    """Stable, and a health check found every task healthy."""
    RUNNING = "running"
    """Stable, but nothing has checked the health of every task."""
    SCALED_TO_ZERO = "scaled to zero"
    ROLLING_OUT = "rolling out"
    INCOMPLETE = "incomplete"
    UNHEALTHY = "unhealthy"
    FAILED = "failed"
    NOT_DEPLOYED = "not deployed"
    UNKNOWN = "unknown"


STABLE = (HealthState.HEALTHY, HealthState.RUNNING, HealthState.SCALED_TO_ZERO)


@dataclass(frozen=True)
class Health:
    """The state of a service, and in words what is missing."""

    state: HealthState
    detail: str = ""

    def __str__(self) -> str:
        if self.state is HealthState.INCOMPLETE:
            return self.detail
        return f"{self.state}: {self.detail}" if self.detail else str(self.state)

    @property
    def is_stable(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.state in STABLE


def health(service: Service) -> Health:
    """The health of a service according to ECS and the load balancer."""
    if not service.status:
        return Health(HealthState.NOT_DEPLOYED if service.known else HealthState.UNKNOWN)
    primary = service.primary
    if primary is not None and primary.state == "FAILED":
        return Health(HealthState.FAILED)
    if any(each.state == "IN_PROGRESS" for each in service.rollouts):
        return Health(HealthState.ROLLING_OUT)
    if unhealthy := _unhealthy(service):
        return Health(HealthState.UNHEALTHY, unhealthy)
    if not service.is_stable:
        return Health(HealthState.INCOMPLETE, _incomplete(service))
    if not service.desired:
        return Health(HealthState.SCALED_TO_ZERO)
    return Health(HealthState.HEALTHY if is_checked(service) else HealthState.RUNNING)


def is_checked(service: Service) -> bool:
    """Whether a health check found every running task healthy: that of its containers, or of the load balancer.

    ECS reports UNKNOWN for tasks whose containers have no health check or were not checked yet.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    """
    if service.targets is not None:
        return are_targets_healthy(service) and not any(task.health == "UNHEALTHY" for task in service.running_tasks)
    return are_tasks_healthy(service)


def are_tasks_healthy(service: Service) -> bool:
    """Whether a health check of their containers found all running tasks healthy."""
    return {task.health for task in service.running_tasks} == {"HEALTHY"}


def are_targets_healthy(service: Service) -> bool:
    """Whether the load balancer finds all targets healthy, and as many as tasks are wanted; True without one."""
    targets = service.targets
    if targets is None:
        return True
    return len(targets) >= service.desired and all(each.state == "healthy" for each in targets)


def _unhealthy(service: Service) -> str:
    tasks = service.running_tasks
    if sick := sum(task.health == "UNHEALTHY" for task in tasks):
        return f"{sick} of {len(tasks)} tasks"
    targets = service.targets or ()
    if service.running == service.desired and (sick := sum(each.state != "healthy" for each in targets)):
        return f"{sick} of {len(targets)} targets"
    return ""


def _incomplete(service: Service) -> str:
    if service.status != "ACTIVE":
        return service.status.lower()
    if service.running == service.desired and not service.pending:
        return "tasks of an earlier deployment are stopping"
    return f"{service.running} of {service.desired} running"


HEALTHY, RUNNING = HealthState.HEALTHY.value, HealthState.RUNNING.value
"""The service has no health check, for the reason in its configuration: only known is that all its tasks run."""

RUNNABLE = "deployed"
"""A job: it was deployed and, if it runs before rollouts, it succeeded."""

PROVING = (HEALTHY, RUNNING, RUNNABLE)
"""The results that prove an image. The others give the reason why it is not proven."""

NO_TASK = "no task ran"
ANOTHER_IMAGE = "tasks ran another image"
UNCHECKED = "not every task was checked and found healthy"
TARGETS = "not every target of the load balancer was healthy"


def health_of(props: ServiceProps, image: ResolvedImage, service: Service | None) -> str:
    """Whether the running tasks of a service prove the deployed image: one of `PROVING`, or why they don't."""
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
