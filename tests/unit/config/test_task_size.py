"""How much CPU and memory a Fargate task may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.config.task_size import FARGATE_SIZES, LARGEST_MEMORY_MIB, SIDECARS_MIB, TaskSize, smallest_size


def is_fargate_pair(cpu: int, memory: int) -> bool:
    """The table of https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html, in GB."""
    if (cpu, memory) == (256, 512):
        return True
    least, most, step = {
        256: (1, 2, 1),
        512: (1, 4, 1),
        1024: (2, 8, 1),
        2048: (4, 16, 1),
        4096: (8, 30, 1),
        8192: (16, 60, 4),
        16384: (32, 120, 8),
    }[cpu]
    gigabytes, rest = divmod(memory, 1024)
    return rest == 0 and least <= gigabytes <= most and (gigabytes - least) % step == 0


def test_the_sizes_are_those_of_fargate() -> None:
    for cpu, memories in FARGATE_SIZES.items():
        every = range(512, LARGEST_MEMORY_MIB + 1024, 512)
        assert memories == tuple(memory for memory in every if is_fargate_pair(cpu, memory))


@given(st.integers(6, LARGEST_MEMORY_MIB - SIDECARS_MIB))
def test_a_container_gets_the_smallest_cpu_and_memory_that_hold_it_and_its_sidecars(reservation: int) -> None:
    size = smallest_size(reservation)
    assert size is not None
    assert is_fargate_pair(size.cpu, size.memory)
    assert size.memory >= reservation + SIDECARS_MIB
    every = [(cpu, memory) for cpu, memories in FARGATE_SIZES.items() for memory in memories]
    assert all(memory < reservation + SIDECARS_MIB for cpu, memory in every if (cpu, memory) < (size.cpu, size.memory))


@given(st.sampled_from(list(FARGATE_SIZES)), st.integers(512, LARGEST_MEMORY_MIB))
def test_a_pair_is_found_exactly_where_fargate_has_it(cpu: int, memory: int) -> None:
    found = smallest_size(6, cpu=cpu, memory=memory)
    assert found == (TaskSize(cpu, memory) if is_fargate_pair(cpu, memory) else None)


@pytest.mark.parametrize(
    ("given_size", "size"),
    [
        ({"reservation_mib": 200}, TaskSize(256, 512)),
        ({"reservation_mib": 1024}, TaskSize(256, 2048)),
        ({"reservation_mib": 1024, "cpu": 512}, TaskSize(512, 2048)),
        ({"reservation_mib": 1024, "memory": 1024}, TaskSize(256, 1024)),
        ({"reservation_mib": 1024, "memory": 4096}, TaskSize(512, 4096)),
        ({"reservation_mib": 2048, "cpu": 256}, None),
        ({"reservation_mib": LARGEST_MEMORY_MIB}, None),
    ],
)
def test_what_is_given_is_kept_and_the_rest_chosen(given_size: dict[str, int], size: TaskSize | None) -> None:
    assert smallest_size(**given_size) == size
