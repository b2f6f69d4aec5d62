"""What the embedded AWS of this clone is doing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from local_aws import control, process
from local_aws.process import LocalAws
from operations.stack_states import list_stacks, read_stacks
from operations.target import local_state_dir, local_target
from src.environment import Environment
from src.form import load_form


@dataclass(frozen=True)
class DeployedStack:
    """A stack on the embedded AWS."""

    name: str
    account: str
    status: str


@dataclass(frozen=True)
class LocalStatus:
    """Whether it runs, where, what is deployed on it, and which faults are on (account, container, fault)."""

    running: bool
    url: str = ""
    pid: int = 0
    up_seconds: float = 0
    stacks: tuple[DeployedStack, ...] = ()
    faults: tuple[tuple[str, str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def read_status() -> LocalStatus:
    """Ask the embedded AWS; one that does not run is not started."""
    running = process.running(local_state_dir())
    if running is None:
        return LocalStatus(running=False)
    found = _at(running)
    faults = tuple((each["account"], each["container"], each["fault"]) for each in control.faults(aws=running))
    return replace(found, stacks=tuple(_stacks(load_form().environments.values())), faults=faults)


def _at(running: LocalAws) -> LocalStatus:
    return LocalStatus(True, running.url, running.pid, max(0.0, time.time() - running.started_at))


def _stacks(environments: Iterable[Environment]) -> Iterable[DeployedStack]:
    for environment in environments:
        cloudformation = local_target(environment).clients("cloudformation")
        names = list_stacks(cloudformation, environment.stack_name(""))
        for state in read_stacks(cloudformation, names).values():
            yield DeployedStack(state.name, environment.account, state.status)
