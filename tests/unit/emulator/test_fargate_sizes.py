"""The task sizes that the emulator accepts, which it knows independently of the configuration."""

from __future__ import annotations

from portside.config.task_size import FARGATE_SIZES
from portside.emulator.resources.task_definition import problem


def _problem(cpu: int, memory: int) -> str | None:
    request = {"requiresCompatibilities": ["FARGATE"], "cpu": cpu, "memory": memory, "networkMode": "awsvpc"}
    return problem(request)


def test_the_emulator_accepts_the_sizes_that_the_configuration_does_and_no_others() -> None:
    memories = {memory for each in FARGATE_SIZES.values() for memory in each} | {256, 122881}
    for cpu in (128, *FARGATE_SIZES, 32768):
        for memory in memories:
            assert (_problem(cpu, memory) is None) == (memory in FARGATE_SIZES.get(cpu, ())), (cpu, memory)
