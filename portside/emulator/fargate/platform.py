"""Everything that tasks share: images, active faults, the time scale, and the running tasks."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from portside.emulator.fargate.backoff import Backoff
from portside.emulator.fargate.faults import Faults
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.proxy import Proxies
from portside.emulator.fargate.running_tasks import RunningTasks
from portside.emulator.registry.catalogue import Catalogue
from portside.program import TIME_SCALE_VARIABLE


@dataclass(frozen=True)
class Platform:
    """The platform of all accounts."""

    catalogue: Catalogue
    faults: Faults
    time_scale: float = 1.0
    proxies: Proxies = ()
    tasks: RunningTasks = field(default_factory=RunningTasks)
    backoff: Backoff = field(default_factory=Backoff)
    interface_numbers: Iterator[int] = field(default_factory=itertools.count)
    full_subnets: set[tuple[str, str]] = field(default_factory=set)

    async def pause(self, seconds: float) -> None:
        """Wait; `seconds` are at time scale 1."""
        await asyncio.sleep(seconds * self.time_scale)

    def with_faults(self, launch: Launch) -> Launch:
        """The task with the proxies and the active faults of its containers; counts as one of their times."""
        taken = {each["name"]: self.faults.take(launch.account, each["name"]) for each in launch.containers}
        active = {name: fault for name, fault in taken.items() if fault}
        return replace(launch, faults=active, proxies=self.proxies)

    def is_full(self, account: str, subnet_id: str) -> bool:
        """Whether an active fault leaves the subnet without a free address."""
        on = any(each.fault == "no-address" for each in self.faults.all() if each.account == account)
        return on and (account, subnet_id) in self.full_subnets


def time_scale() -> float:
    """`TIME_SCALE_VARIABLE`: 1 is the usual compressed time, 0 skips every pause that can be skipped."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(os.environ.get(TIME_SCALE_VARIABLE, "1")))
    return 1.0
