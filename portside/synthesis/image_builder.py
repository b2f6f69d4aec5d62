"""The program with which the CDK builds images from folders: what the machine has."""

from __future__ import annotations

import json
import shutil
import subprocess  # nosec B404 # runs the builder that the machine has
from collections.abc import Mapping
from pathlib import Path

from portside.errors import UserError

VARIABLE = "CDK_DOCKER"
"""The CDK's variable for the program, https://docs.aws.amazon.com/cdk/v2/guide/build-containers.html"""

_BUILDERS = ("docker", "podman", "finch")
_ANSWER_SECONDS = 20
_PUBLISH = "Or publish the image from a machine that can build it, and name its tag in container_location."


def find_builder(environ: Mapping[str, str]) -> str:
    """The program that `CDK_DOCKER` names, or the first that answers. Raises `UserError`."""
    chosen = environ.get(VARIABLE, "")
    there = [each for each in ([chosen] if chosen else _BUILDERS) if shutil.which(each, path=environ.get("PATH"))]
    if chosen and not there:
        raise UserError(f"{VARIABLE}: there is no program {chosen}", f"Correct or unset {VARIABLE}. {_PUBLISH}")
    if not there:
        names = f"{', '.join(_BUILDERS[:-1])} or {_BUILDERS[-1]}"
        raise UserError(f"no program on this machine can build images: {names}", f"Install one of them. {_PUBLISH}")
    problems = {each: _problem(each, environ) for each in there}
    usable = next((each for each, problem in problems.items() if problem is None), None)
    if usable is None:
        said = "; ".join(f"{each}: {problem}" for each, problem in problems.items())
        raise UserError(f"images can't be built on this machine: {said}", f"Start {there[0]}. {_PUBLISH}")
    return usable


def builds_images(assembly: Path) -> bool:
    """Whether templates need images that are built from folders."""
    return any(json.loads(each.read_bytes()).get("dockerImages") for each in assembly.glob("*.assets.json"))


def _problem(program: str, environ: Mapping[str, str]) -> str | None:
    """Why a program is of no use: docker and finch build with a service, which may not run."""
    try:
        done = subprocess.run(  # nosec B603 # no input of others
            [shutil.which(program, path=environ.get("PATH")) or program, "info"],
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_ANSWER_SECONDS} s"
    except OSError as error:
        return str(error.strerror or error)
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return None if done.returncode == 0 else (lines[-1] if lines else f"exit code {done.returncode}")
