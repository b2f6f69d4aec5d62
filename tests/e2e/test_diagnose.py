"""A few faults of the benchmark, through the command line: caused, reported, fixed, and reported as fixed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.fault_bench import Bench
from benchmarks.fault_cases import cases
from benchmarks.faults import score
from portside.emulator.client import process
from tests.e2e.aws import clients
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

FEW = ("log group deleted", "two at once", "recovers on its own", "scaled to nothing")


@pytest.fixture(scope="module")
def bench(new_deployed: Callable[[], Clone]) -> Bench:
    """A deployed dev to break."""
    clone = new_deployed()
    return Bench(clone, process.expect_running(clone.folder / ".agora" / "local"), clients(clone.exports("dev")))


@pytest.mark.parametrize("name", FEW)
def test_a_fault_is_reported_and_its_fix_works(bench: Bench, name: str) -> None:
    case = next(each for each in cases() if each.name == name)
    found = score(bench, case)
    assert (found.right_cause, found.right_service, found.fix_works) == (True, True, True), found.said
    assert found.seconds < 10


def test_an_environment_that_is_not_deployed_is_said_to_be_that(bench: Bench) -> None:
    answer = bench.clone.agora("diagnose", "stage", "--local")
    assert answer.exit_code == 1
    assert answer.stdout.startswith("✗ stage is not deployed")
    assert "./agora deploy stage --local" in answer.stdout


def test_a_service_is_found_by_its_short_name_and_a_mistyped_one_is_suggested(bench: Bench) -> None:
    assert bench.clone.agora("diagnose", "dev", "api", "--local").exit_code == 0
    answer = bench.clone.agora("diagnose", "dev", "ap", "--local")
    assert answer.exit_code == 2
    assert "no service" in answer.stderr
    assert "Traceback" not in answer.stderr
