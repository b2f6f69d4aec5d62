"""What tasks run on: the images that exist, the faults that are on, the pace of time, and the tasks that run."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local_aws.catalogue import Catalogue
from local_aws.fargate.backoff import Backoff
from local_aws.fargate.launch import Launch
from local_aws.fargate.running_tasks import RunningTasks
from local_aws.faults import Fault, Faults


@dataclass(frozen=True)
class Platform:
    """One for all accounts."""

    catalogue: Catalogue
    faults: Faults
    time_scale: float = 1.0
    tasks: RunningTasks = field(default_factory=RunningTasks)
    backoff: Backoff = field(default_factory=Backoff)
    interface_numbers: Iterator[int] = field(default_factory=itertools.count)

    async def pause(self, seconds: float) -> None:
        """Lets time pass; `seconds` at time scale 1."""
        await asyncio.sleep(seconds * self.time_scale)

    def fault(self, launch: Launch, container: Mapping[str, Any], name: str) -> Fault | None:
        """The fault of this name, if it is on for the container."""
        found = self.faults.of(launch.account, container["name"])
        return found if found and found.fault == name else None


def time_scale() -> float:
    """`AGORA_LOCAL_TIME_SCALE`: 1 is the usual compressed time, 0 leaves out every pause that can be left out."""
    with contextlib.suppress(ValueError):
        return max(0.0, float(os.environ.get("AGORA_LOCAL_TIME_SCALE", "1")))
    return 1.0
