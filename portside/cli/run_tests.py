"""`test`: runs the tests of this repository."""

from __future__ import annotations

import os
import sys

import click

# Each has its own stacks, embedded AWS and processes of the CDK, which take about 1.5 GB.
_MOST_PROCESSES = 4
_QUICK = ("tests/unit", "tests/promises", "tests/apps", "tests/test_app.py")


@click.command("test", context_settings={"ignore_unknown_options": True})
@click.option("--quick", is_flag=True, help="Run only the quick unit tests.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def run_tests(quick: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Run the tests of this repository.

    Further arguments go to pytest.
    """
    import subprocess

    from portside.config.configuration import ROOT

    cores = os.cpu_count() or 1
    # Tests end to end, which come first, wait at times.
    quickly = [*_QUICK, "-m", "not slow and not e2e", *_in_processes(cores)]
    where = quickly if quick else ["tests", *_in_processes(cores + 1)]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *where, *pytest_arguments], cwd=ROOT))


def _in_processes(number: int) -> list[str]:
    """The options that run files of tests in several processes, in order."""
    processes = str(min(number, _MOST_PROCESSES))
    return ["--numprocesses", processes, "--dist", "loadfile", "--no-loadscope-reorder"]
