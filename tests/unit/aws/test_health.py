"""The evidence that a service's tasks give about their image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portside.aws.health import (
    ANOTHER_IMAGE,
    HEALTHY,
    NO_TASK,
    RUNNING,
    TARGETS,
    UNCHECKED,
    health_of,
    read_health,
)
from portside.aws.model import Service
from portside.config.service_props import HealthCheck
from portside.images.resolution import Resolution
from tests.unit.configuration_support import service as props_of
from tests.unit.operations_support import digest, resolved
from tests.unit.rollouts_support import APP, behind, deployment, service, task

IMAGE = resolved("app", "1.0.0", manifest=digest("for amd64"))
CHECKED = props_of(container_name=APP, container_healthcheck=HealthCheck(["CMD-SHELL", "true"]))
UNCHECKED_SERVICE = props_of(container_name=APP, no_healthcheck_reason="nothing to ask")
WELL, STARTING = ("10.0.0.1", "healthy", ""), ("10.0.0.2", "initial", "")


def running(*images: str, healths: tuple[str, ...] = ("HEALTHY", "HEALTHY"), **more: Any) -> Service:
    """A service with two tasks wanted; a task for each of the digests that are given, by default of the image's."""
    digests = images or (IMAGE.digest,) * 2
    tasks = [
        replace(each, containers=(replace(each.containers[0], digest=image),), health=health)
        for image, health in zip(digests, healths, strict=False)
        for each in [task(f"{image}{health}")]
    ]
    return service(deployment("COMPLETED"), tasks=tasks, **({"desired": 2} | more))


@pytest.mark.parametrize(
    ("found", "health"),
    [
        (running(), HEALTHY),
        (running(IMAGE.digest, str(IMAGE.manifest)), HEALTHY),
        (running(healths=(), desired=0), NO_TASK),
        (running(IMAGE.digest), NO_TASK),
        (running(IMAGE.digest, digest("another")), ANOTHER_IMAGE),
        (running(IMAGE.digest, ""), ANOTHER_IMAGE),
        (running(healths=("HEALTHY", "UNKNOWN")), UNCHECKED),
        (running(healths=("HEALTHY", "")), UNCHECKED),
        (running(groups=behind(WELL, WELL)), HEALTHY),
        (running(groups=behind(WELL, STARTING)), TARGETS),
        (running(groups=behind(WELL)), TARGETS),
        (running(groups=behind()), TARGETS),
    ],
)
def test_only_tasks_that_all_run_the_image_and_are_all_healthy_prove_it(found: Service, health: str) -> None:
    assert health_of(CHECKED, IMAGE, found) == health


def test_a_service_that_ecs_does_not_list_ran_no_task() -> None:
    assert health_of(CHECKED, IMAGE, None) == NO_TASK


def test_a_service_that_nothing_checks_is_never_called_healthy() -> None:
    unchecked = running(healths=("UNKNOWN", "UNKNOWN"))
    assert health_of(UNCHECKED_SERVICE, IMAGE, unchecked) == RUNNING
    assert health_of(UNCHECKED_SERVICE, IMAGE, replace(unchecked, groups=behind(WELL, WELL))) == HEALTHY


def test_a_service_without_an_image_of_a_registry_has_no_health() -> None:
    built = props_of(container_name="built", container_location="path://docker")
    images = Resolution("1.0.0", {CHECKED.container_location: IMAGE})
    assert read_health([CHECKED, built], images, [running()]) == {APP: HEALTHY}
