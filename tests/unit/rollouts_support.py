"""Services, their tasks and rollouts, as the reader gives them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portside.aws.configured import configured
from portside.aws.model import Container, Deployment, RegisteredTarget, Service, TargetGroup, Task
from portside.aws.rollouts import ROLLED_BACK, ROLLED_OUT, ROLLING_BACK, ROLLING_OUT, Rollout
from tests.unit.configuration_support import service as props_of
from tests.unit.operations_support import NOON, digest, minutes_after_noon

APP, APP_STACK = "agora-app", "agora-dev-app"
_STATES = {
    ROLLING_OUT: ("IN_PROGRESS",),
    ROLLED_OUT: ("COMPLETED",),
    ROLLING_BACK: ("IN_PROGRESS", "FAILED"),
    ROLLED_BACK: ("COMPLETED", "FAILED"),
}


def deployment(
    state: str = "IN_PROGRESS", *, status: str = "PRIMARY", created: datetime | None = None, running: int = 0
) -> Deployment:
    """A deployment of ECS."""
    return Deployment(f"ecs-svc/{state}", status, state, "", 0, "", created or minutes_after_noon(1), running=running)


def task(id: str, status: str = "RUNNING", *, minute: float = 1, image: str = APP, **more: Any) -> Task:
    """A task; a stopped one stopped because its program ended, by default."""
    stopped: dict[str, Any] = {}
    if status == "STOPPED":
        stopped = {"stopped": minutes_after_noon(minute + 1), "stopped_reason": "agora-app exited with 1"}
    return Task(
        id,
        "definition:1",
        status,
        minutes_after_noon(minute),
        **{
            "desired_status": "STOPPED" if status == "STOPPED" else "RUNNING",
            "containers": (Container(APP, status, digest=digest(image)),),
            **stopped,
            **more,
        },
    )


def service(*deployments: Deployment, tasks: Sequence[Task] = (), **more: Any) -> Service:
    """A service with one task wanted."""
    running = sum(each.is_running for each in tasks)
    usual: dict[str, Any] = {"status": "ACTIVE", "desired": 1, "running": running}
    rollouts = deployments or (deployment(),)
    return Service(APP, APP_STACK, configured(props_of()), tasks=tuple(tasks), rollouts=rollouts, **(usual | more))


def behind(*targets: tuple[str, str, str]) -> tuple[TargetGroup, ...]:
    """A load balancer's targets: address, state, reason."""
    found = tuple(RegisteredTarget(address, 80, state, reason) for address, state, reason in targets)
    return (TargetGroup("arn:targetgroup/app/1", 80, "/", "200", 5, found),)


def rollout(state: str = ROLLING_OUT, *tasks: Task, is_new: bool = True, **more: Any) -> Rollout:
    """A rollout since noon in a state."""
    created = minutes_after_noon(1 if is_new else -60)
    statuses = ("PRIMARY", "ACTIVE")
    made = [
        deployment(each, status=status, created=created) for each, status in zip(_STATES[state], statuses, strict=False)
    ]
    return Rollout(service(*made, tasks=tasks, **more), NOON)
