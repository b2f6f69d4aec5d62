"""`test`: runs the tests of this repository."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

# Each has its own stacks, embedded AWS and processes of the CDK, which take about 1.5 GB.
_MOST_PROCESSES = 4
_QUICK = ("tests/unit", "tests/promises", "tests/apps", "tests/test_app.py")
"""Those of the package's repository; an app's has only the last."""


@click.command("test", context_settings={"ignore_unknown_options": True})
@click.option("--quick", is_flag=True, help="Run only the quick unit tests.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def run_tests(quick: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Run the tests of this repository.

    Further arguments go to pytest. With files or folders among them, only their tests run.
    """
    import subprocess

    from portside.config.configuration import ROOT

    cores = os.cpu_count() or 1
    tests = [path for path in _QUICK if (ROOT / path).exists()] if quick else ["tests"]
    where = [] if _names_tests(pytest_arguments, ROOT) else tests
    which = ["-m", "not slow and not e2e"] if quick else []
    # Tests end to end, which come first, wait at times.
    processes = str(min(cores if quick else cores + 1, _MOST_PROCESSES))
    order = ["--numprocesses", processes, "--dist", "loadfile", "--no-loadscope-reorder"]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *where, *which, *order, *pytest_arguments], cwd=ROOT))


def _names_tests(pytest_arguments: tuple[str, ...], root: Path) -> bool:
    paths = [Path(each.partition("::")[0]) for each in pytest_arguments]
    return any("tests" in path.parts and (root / path).exists() for path in paths)
