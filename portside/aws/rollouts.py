"""The progress of each service's rollout: the states of the tasks that a deployment started."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portside.aws.model import Deployment, Service, Task
from portside.aws.reader import Look

PENDING, RUNNING, HEALTHY, UNHEALTHY, STOPPING, STOPPED = (
    *("pending", "running", "healthy", "unhealthy", "stopping", "stopped"),
)
ROLLING_OUT, ROLLED_OUT = "rolling out", "rolled out"
ROLLING_BACK, ROLLED_BACK = "failed, rolling back", "failed, rolled back"

_PENDING_STATES = ("PROVISIONING", "PENDING", "ACTIVATING")


@dataclass(frozen=True)
class Rollout:
    """A service, and the tasks that were started for it since a moment."""

    service: Service
    since: datetime

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The new tasks."""
        return tuple(task for task in self.service.tasks if task.created >= self.since)

    @property
    def is_new(self) -> bool:
        """Whether anything was deployed since."""
        return bool(self.tasks) or any(map(self._is_since, self.service.rollouts))

    @property
    def state(self) -> str:
        """Whether ECS still deploys it, and whether it has given up."""
        primary = self.service.primary
        is_over = primary is None or primary.state in ("COMPLETED", "")
        if any(each.state == "FAILED" and self._is_since(each) for each in self.service.rollouts):
            return ROLLED_BACK if is_over else ROLLING_BACK
        return ROLLED_OUT if is_over else ROLLING_OUT

    def _is_since(self, deployment: Deployment) -> bool:
        return deployment.created >= self.since

    def state_of(self, task: Task) -> str:
        """The state of a task; behind a load balancer it is healthy when its target is."""
        if task.status == "STOPPED":
            return STOPPED
        if task.status in _PENDING_STATES:
            return PENDING
        if not task.is_running:
            return STOPPING
        if task.health == "UNHEALTHY":
            return UNHEALTHY
        if not self.service.groups:
            return HEALTHY if task.health == "HEALTHY" else RUNNING
        targets = [target for group in self.service.groups for target in group.targets]
        seen = {target.state for target in targets if target.address in task.addresses}
        return HEALTHY if seen == {"healthy"} else UNHEALTHY if "unhealthy" in seen else RUNNING

    def count(self, *states: str) -> int:
        """How many of its new tasks are in one of these states; of those that stopped only the failed ones."""
        return sum(
            self.state_of(each) in states and (each.status != "STOPPED" or each.has_failed) for each in self.tasks
        )

    @property
    def summary(self) -> str:
        """Its tasks in a line."""
        others = {state: self.count(state) for state in (RUNNING, PENDING, UNHEALTHY, STOPPING, STOPPED)}
        first = f"{self.count(HEALTHY)} of {self.service.desired} healthy"
        if self.state == ROLLED_OUT and others[RUNNING]:
            # Nothing checks the health of these, and for ECS to run is enough.
            first = f"{self.count(HEALTHY) + others.pop(RUNNING)} of {self.service.desired} running"
        return ", ".join([first, *(f"{count} {state}" for state, count in others.items() if count)])


def rollouts_in(look: Look, since: datetime) -> list[Rollout]:
    """The rollout of every service that is deployed."""
    return [Rollout(each, since) for each in look.services if each.status in ("ACTIVE", "DRAINING")]
