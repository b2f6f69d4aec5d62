"""A team's own stacks, which the function `stacks` in `app.py` or in `stacks.py` next to it creates with the CDK.

Only the CDK knows what it creates, and commands must not wait for the CDK. So a separate process runs the function for
all environments, and its answer is cached by a digest of everything that the function can read.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside import state_file
from portside.clone_inputs import contents, inputs_of
from portside.config.app_source import run_source
from portside.config.mistakes import Report, kind_of
from portside.errors import ConfigurationError, Problem
from portside.repository import PACKAGE_FOLDER

StacksFunction = Callable[..., object]
"""Creates an environment's own stacks: `stacks(app, environment)` or `stacks(app, environment, platform)`."""

FILE = "stacks.py"
HINT = 'Write "def stacks(app, environment, platform):", or without the third argument.'
_MODULE = "portside.stacks.describe_own_stacks"
_MOST_KEPT = 12


@dataclass(frozen=True)
class OwnStack:
    """A stack of the team; `part` is the end of its name, after the environment's prefix."""

    part: str
    outputs: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    """The names of the rights that it grants to services."""
    volumes: tuple[str, ...] = ()
    """The names of its access points that services mount."""
    accepts_calls: bool = False
    port: int | None = None
    """The only port that services call; None for any."""
    retained: tuple[str, ...] = ()
    """The types of its resources that are retained when it is deleted."""
    uses_network: bool = False
    """Whether the network can't be deleted before it."""


OwnStacks = Mapping[str, tuple[OwnStack, ...]]
"""The own stacks of each environment, by its name, in the order of their deployment."""


def find_function(names: Mapping[str, object], app_file: Path, report: Report) -> StacksFunction | None:
    """The function of `app.py`, or else of the file next to it, which this does not run; None without one."""
    if "stacks" not in names:
        neighbour = app_file.with_name(FILE)
        return functools.partial(_call_in_file, neighbour) if neighbour.is_file() else None
    function = names["stacks"]
    if not callable(function):
        report.wrong(f"not a function, got {kind_of(function)}", HINT)
        return None
    if arity_of(function) is None:
        report.wrong("does not take an app, an environment and the platform", HINT)
        return None
    return function


def arity_of(function: StacksFunction) -> int | None:
    """The number of arguments with which to call the function: 3 or 2; None if it takes neither."""
    for count in (3, 2):
        with contextlib.suppress(TypeError, ValueError):
            inspect.signature(function).bind(*range(count))
            return count
    return None


def _call_in_file(path: Path, *arguments: object) -> object:
    """Call the function of a file. Raises `ConfigurationError` if the file or the function can't be used."""
    source = run_source(path)
    report = Report(path.name)
    if "stacks" not in source.names:
        report.wrong("stacks is missing", f"{HINT} Or rename the file, if it has another purpose.")
    function = find_function(source.names, path, report) if "stacks" in source.names else None
    if function is None or source.problems:
        raise ConfigurationError([*source.problems, *report.problems])
    return function(*arguments[: arity_of(function)])


def read_own_stacks(app_file: Path, app: str, state: Path) -> OwnStacks:
    """The own stacks of all environments of an app. Raises `ConfigurationError` with every mistake in them."""
    variables = {key: value for key, value in os.environ.items() if key != "ENV" and not key.startswith("CDK_")}
    # The app can be in another folder than the code that describes its stacks.
    package = PACKAGE_FOLDER / "portside"
    code = {part: dict(contents(package / part)) for part in ("config", "stacks")}
    inputs = json.dumps({**inputs_of(app_file.parent, variables), "app": app, "code": code})
    kept = state / "own-stacks" / f"{hashlib.sha256(inputs.encode()).hexdigest()}.json"
    answer = state_file.read_cache(kept, dict, what="the list of own stacks")
    if answer is None:
        answer = _described(app_file, app, variables)
        if answer["problems"]:
            raise ConfigurationError(Problem(*each) for each in answer["problems"])
        with contextlib.suppress(state_file.NotWritten):
            state_file.write_json(kept, answer, what="the list of own stacks", durable=False)
            _delete_the_oldest(kept.parent)
    return {name: tuple(_own_stack(each) for each in listed) for name, listed in answer["stacks"].items()}


def _own_stack(written: Mapping[str, Any]) -> OwnStack:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in written.items()}
    return OwnStack(**fields)


def _described(app_file: Path, app: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """The answer of the process with the CDK: `stacks` by environment, and `problems`."""
    done = subprocess.run(
        [sys.executable, "-m", _MODULE, str(app_file), app],
        cwd=app_file.parent,
        env={
            **variables,
            "CDK_VALIDATION": "false",
            "PYTHONPATH": f"{PACKAGE_FOLDER}{os.pathsep}{variables.get('PYTHONPATH', '')}",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    with contextlib.suppress(ValueError):
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer
    said = [line for line in done.stderr.splitlines() if line.strip()][-1:] or [f"exit status {done.returncode}"]
    problem = ("stacks", f"could not be run: {said[0].strip()}", "Try it: ENV=<environment> cdk synth")
    return {"stacks": {}, "problems": [problem]}


def _delete_the_oldest(folder: Path) -> None:
    for each in sorted(folder.glob("*.json"), key=lambda file: file.stat().st_mtime)[:-_MOST_KEPT]:
        each.unlink(missing_ok=True)
