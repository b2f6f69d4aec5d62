"""The status of this clone's embedded AWS."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from portside.aws.stack_reading import read_all_stacks
from portside.aws.target import local_state_dir, local_target
from portside.config.configuration import load_configuration
from portside.config.environment import Environment
from portside.emulator.client import control, process
from portside.emulator.client.process import LocalAws
from portside.rehearsal.pins import read_pins


@dataclass(frozen=True)
class DeployedStack:
    """A stack on the embedded AWS."""

    name: str
    account: str
    status: str


@dataclass(frozen=True)
class LocalStatus:
    """Whether it runs, where, what is deployed, which faults are on (account, container, fault), what is pinned."""

    running: bool
    url: str = ""
    pid: int = 0
    up_seconds: float = 0
    stacks: tuple[DeployedStack, ...] = ()
    faults: tuple[tuple[str, str, str], ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)


def read_status() -> LocalStatus:
    """Read the status, without starting the embedded AWS."""
    running = process.running(local_state_dir())
    if running is None:
        return LocalStatus(running=False)
    found = _at(running)
    faults = tuple((each["account"], each["container"], each["fault"]) for each in control.faults(aws=running))
    stacks = tuple(_stacks(load_configuration(acting_on=()).environments.values()))
    return replace(found, stacks=stacks, faults=faults, pins=read_pins())


def _at(running: LocalAws) -> LocalStatus:
    return LocalStatus(True, running.url, running.pid, max(0.0, time.time() - running.started_at))


def _stacks(environments: Iterable[Environment]) -> Iterable[DeployedStack]:
    for environment in environments:
        cloudformation = local_target(environment).clients("cloudformation")
        for stack in read_all_stacks(cloudformation, environment.stack_name("")).values():
            yield DeployedStack(stack.name, environment.account, stack.status)
