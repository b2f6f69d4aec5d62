"""The tasks whose stand-ins answer, and what load balancers think of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.stub import StandIn


@dataclass(frozen=True)
class TargetState:
    """What the load balancer thinks of a target: AWS's state, reason code and description."""

    state: str
    reason: str = ""
    description: str = ""


REGISTERING = TargetState("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
HEALTHY = TargetState("healthy")


@dataclass(frozen=True)
class RunningTask:
    """A task with the stand-in for its containers, and the target groups that it is registered with."""

    launch: Launch
    stand_in: StandIn
    server: asyncio.Server
    target_groups: tuple[str, ...]


class RunningTasks:
    """Those of all accounts. Changed on the runtime's loop only, read from whatever thread."""

    def __init__(self) -> None:
        self._tasks: dict[str, RunningTask] = {}
        self._targets: dict[tuple[str, str], TargetState] = {}

    def add(self, task: RunningTask) -> None:
        """Its stand-in answers from now on, and it is registered with its target groups."""
        self._tasks[task.launch.arn] = task
        for target_group in task.target_groups:
            self.set_target_state(target_group, task, REGISTERING)

    def remove(self, task_arn: str) -> None:
        """Its stand-in answers no more, and its targets are forgotten."""
        task = self._tasks.pop(task_arn, None)
        if not task:
            return
        task.server.close()
        for target_group in task.target_groups:
            self._targets.pop((target_group, task.stand_in.address), None)

    def __contains__(self, task: RunningTask) -> bool:
        return self._tasks.get(task.launch.arn) is task

    def stand_ins(self, account: str | None = None) -> list[StandIn]:
        """The stand-ins of one account, or of all."""
        return [task.stand_in for task in list(self._tasks.values()) if account in (None, task.stand_in.account)]

    def in_namespace(self, namespace: str, name: str, port: int | None) -> list[StandIn]:
        """The stand-ins that Service Connect knows by this name."""
        return [
            each
            for each in self.stand_ins()
            if each.namespace == namespace and any(a.name == name and port in (None, a.port) for a in each.aliases)
        ]

    def target_state(self, target_group_arn: str, address: str) -> TargetState | None:
        """What a target group thinks of an address; None if it isn't registered."""
        return self._targets.get((target_group_arn, address))

    def set_target_state(self, target_group_arn: str, task: RunningTask, state: TargetState) -> None:
        """Records what a target group has come to think of a task."""
        self._targets[target_group_arn, task.stand_in.address] = state

    def healthy_targets(self, target_group_arn: str) -> list[StandIn]:
        """The stand-ins behind a target group that take traffic."""
        return [
            task.stand_in
            for task in list(self._tasks.values())
            if target_group_arn in task.target_groups
            and self.target_state(target_group_arn, task.stand_in.address) == HEALTHY
        ]
