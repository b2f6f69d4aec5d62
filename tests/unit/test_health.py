"""What the tasks of a service prove about their image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from operations.rollouts import ROLLED_OUT, Rollout
from portside.deploy.health import ANOTHER_IMAGE, HEALTHY, NO_TASK, RUNNING, TARGETS, UNCHECKED, health_of, read_health
from src.resolution import Resolution
from src.service_props import HealthCheck
from tests.unit.form_support import service
from tests.unit.operations_support import digest, resolved

IMAGE = resolved("app", "1.0.0", manifest=digest("for amd64"))
CHECKED = service(container_healthcheck=HealthCheck(["CMD-SHELL", "true"]))
UNCHECKED_SERVICE = service(no_healthcheck_reason="nothing to ask")


def _rollout(**changes: Any) -> Rollout:
    two = Rollout("stack", "app", 2, ROLLED_OUT, False, digests=(IMAGE.digest,) * 2, healths=("HEALTHY",) * 2)
    return replace(two, **changes)


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({}, HEALTHY),
        ({"digests": (IMAGE.digest, str(IMAGE.manifest))}, HEALTHY),
        ({"desired": 0, "digests": (), "healths": ()}, NO_TASK),
        ({"digests": (IMAGE.digest,), "healths": ("HEALTHY",)}, NO_TASK),
        ({"digests": (IMAGE.digest, digest("another"))}, ANOTHER_IMAGE),
        ({"digests": (IMAGE.digest, "unknown")}, ANOTHER_IMAGE),
        ({"healths": ("HEALTHY", "UNKNOWN")}, UNCHECKED),
        ({"healths": ()}, UNCHECKED),
        ({"targets": (("healthy", ""), ("healthy", ""))}, HEALTHY),
        ({"targets": (("healthy", ""), ("initial", ""))}, TARGETS),
        ({"targets": (("healthy", ""),)}, TARGETS),
        ({"targets": ()}, TARGETS),
    ],
)
def test_only_tasks_that_all_run_the_image_and_are_all_healthy_prove_it(changes: dict[str, Any], health: str) -> None:
    assert health_of(CHECKED, IMAGE, _rollout(**changes)) == health


def test_a_service_that_ecs_does_not_list_ran_no_task() -> None:
    assert health_of(CHECKED, IMAGE, None) == NO_TASK


def test_a_service_that_nothing_checks_is_never_called_healthy() -> None:
    unchecked = _rollout(healths=("UNKNOWN", "UNKNOWN"))
    assert health_of(UNCHECKED_SERVICE, IMAGE, unchecked) == RUNNING
    assert health_of(UNCHECKED_SERVICE, IMAGE, replace(unchecked, targets=(("healthy", ""),) * 2)) == HEALTHY


def test_a_service_without_an_image_of_a_registry_has_no_health() -> None:
    built = service(container_name="built", container_location="path://docker")
    images = Resolution("1.0.0", {CHECKED.container_location: IMAGE})
    assert read_health([CHECKED, built], images, [_rollout()]) == {"app": HEALTHY}
