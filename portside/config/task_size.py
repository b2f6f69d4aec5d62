"""The CPU and memory of Fargate tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# CPU units -> MiB, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html
FARGATE_SIZES: dict[int, tuple[int, ...]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4096 + 1, 1024)),
    1024: tuple(range(2048, 8192 + 1, 1024)),
    2048: tuple(range(4096, 16384 + 1, 1024)),
    4096: tuple(range(8192, 30720 + 1, 1024)),
    8192: tuple(range(16384, 61440 + 1, 4096)),
    16384: tuple(range(32768, 122880 + 1, 8192)),
}
LARGEST_MEMORY_MIB = max(FARGATE_SIZES[16384])

# Memory of the sidecars: the Service Connect proxy, for which AWS recommends 64 MiB and more under load
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect-concepts-deploy.html), and GuardDuty's
# agent, 128 MiB on tasks up to 4 GiB (https://docs.aws.amazon.com/guardduty/latest/ug/prereq-runtime-monitoring-ecs-support.html).
SIDECARS_MIB = 256


@dataclass(frozen=True)
class TaskSize:
    """The size of a Fargate task: CPU units (1024 is one vCPU) and memory in MiB."""

    cpu: int
    memory: int


def smallest_size(reservation_mib: int, *, cpu: int | None = None, memory: int | None = None) -> TaskSize | None:
    """The smallest size with the given CPU and memory that fits a container, or None.

    The memory of the sidecars is added to the reservation, unless the memory is given.
    """
    needed = reservation_mib if memory is not None else reservation_mib + SIDECARS_MIB
    for size in _sizes():
        if cpu in (None, size.cpu) and memory in (None, size.memory) and size.memory >= needed:
            return size
    return None


def _sizes() -> Iterator[TaskSize]:
    for cpu, memories in FARGATE_SIZES.items():
        for memory in memories:
            yield TaskSize(cpu, memory)
