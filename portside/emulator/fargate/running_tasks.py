"""The running tasks, and their health as targets of load balancers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stub import Stub


@dataclass(frozen=True)
class TargetState:
    """The health of a target: AWS's state, reason code and description."""

    state: str
    reason: str = ""
    description: str = ""


REGISTERING = TargetState("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
HEALTHY = TargetState("healthy")


@dataclass(frozen=True)
class RunningTask:
    """A task with its stub, and the target groups that it is registered with."""

    launch: Launch
    stub: Stub
    server: asyncio.Server
    target_groups: tuple[str, ...]


class RunningTasks:
    """The running tasks of all accounts. Changed on the runtime's event loop only, read from any thread."""

    def __init__(self) -> None:
        self._tasks: dict[str, RunningTask] = {}
        self._targets: dict[tuple[str, str], TargetState] = {}

    def add(self, task: RunningTask) -> None:
        """Add a task and register it with its target groups."""
        self._tasks[task.launch.arn] = task
        for target_group in task.target_groups:
            self.set_target_state(target_group, task, REGISTERING)

    def remove(self, task_arn: str) -> None:
        """Close the stub of a task and deregister its targets."""
        task = self._tasks.pop(task_arn, None)
        if not task:
            return
        task.server.close()
        for target_group in task.target_groups:
            self._targets.pop((target_group, task.stub.address), None)

    def __contains__(self, task: RunningTask) -> bool:
        return self._tasks.get(task.launch.arn) is task

    def stubs(self, account: str | None = None) -> list[Stub]:
        """The stubs of one account, or of all."""
        return [task.stub for task in list(self._tasks.values()) if account in (None, task.stub.account)]

    def in_namespace(self, namespace: str, name: str, port: int | None) -> list[Stub]:
        """The stubs with this Service Connect name."""
        return [
            each
            for each in self.stubs()
            if each.namespace == namespace and any(a.name == name and port in (None, a.port) for a in each.aliases)
        ]

    def target_state(self, target_group_arn: str, address: str) -> TargetState | None:
        """The health of a target; None if it isn't registered."""
        return self._targets.get((target_group_arn, address))

    def set_target_state(self, target_group_arn: str, task: RunningTask, state: TargetState) -> None:
        """Set the health of a task in a target group."""
        self._targets[target_group_arn, task.stub.address] = state

    def healthy_targets(self, target_group_arn: str) -> list[Stub]:
        """The stubs of a target group that receive traffic."""
        return [
            task.stub
            for task in list(self._tasks.values())
            if target_group_arn in task.target_groups
            and self.target_state(target_group_arn, task.stub.address) == HEALTHY
        ]
