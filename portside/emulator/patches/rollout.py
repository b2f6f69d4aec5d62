"""Waiting for a service's deployment, as CloudFormation does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from portside.emulator.ministack_modules import ecs

WAIT_SECONDS = 180.0
# Some changes of counts notify no one.
POLL_SECONDS = 0.25

_changed = threading.Condition()
_interrupted = threading.Event()

listeners: list[Callable[[], None]] = []
"""Called at each change of a service."""


class RolloutFailed(Exception):
    """The deployment has failed; the message is CloudFormation's."""


def notify() -> None:
    """Report a change of a service, so that waiting threads check it again."""
    for listener in listeners:
        listener()
    with _changed:
        _changed.notify_all()


def interrupt() -> None:
    """End every wait with a failure, so that stacks roll back before the server ends; later waits return at once."""
    _interrupted.set()
    notify()


def wait_until_stable(service_key: str, deployment_id: str | None = None) -> None:
    """Block the calling thread until the service's deployment is stable. Raises RolloutFailed.

    With `deployment_id`, a failed deployment is waited for until its rollback is complete.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    if _interrupted.is_set():
        return
    with _changed:
        while True:
            if _interrupted.is_set():
                raise RolloutFailed("The embedded AWS was stopped while the service was being deployed.")
            if _is_stable(service_key, deployment_id):
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise RolloutFailed("Exceeded attempts to wait: the service did not stabilize")
            _changed.wait(min(remaining, POLL_SECONDS))


def _is_stable(service_key: str, deployment_id: str | None) -> bool:
    service: dict[str, Any] | None = ecs._services.get(service_key)
    if not service or service.get("status") != "ACTIVE":
        raise RolloutFailed("Resource of type 'AWS::ECS::Service' was deleted while it was being deployed.")
    state = (ecs._primary_deployment(service) or {}).get("rolloutState")
    rolled_back = state == "COMPLETED" and any(
        each["id"] == deployment_id and each.get("rolloutState") == "FAILED" for each in service["deployments"]
    )
    if state == "FAILED" or rolled_back:
        raise RolloutFailed("Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.")
    return state == "COMPLETED" and service.get("runningCount") == service.get("desiredCount")
