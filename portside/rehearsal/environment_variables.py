"""The embedded AWS by hand: the variables with which a program works with it, and a program run with them."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from portside.aws.target import local_state_dir, tool_environment
from portside.config.configuration import load_configuration
from portside.emulator.client import process
from portside.emulator.client.child_environment import child_environment, to_unset
from portside.errors import UsageError
from portside.images.access import API_VARIABLE, PASSWORD_VARIABLE, REGISTRY_VARIABLE
from portside.images.synthesis_images import KEPT_FOLDER
from portside.plan.images import kept_folder

# The launcher's environment has its own `aws`, because a bare machine lacks one: docs/decisions.md.
_AWS = (sys.executable, "-I", "-m", "portside.emulator.client.aws_command")


def variables(name: str) -> dict[str, str]:
    """The environment variables for programs that use the embedded AWS. Raises `UserError` if it is not running."""
    environment = load_configuration(acting_on=[name]).environment(name)
    running = process.expect_running(local_state_dir())
    aws = process.client_environment(running, environment.account, environment.region, local_state_dir())
    catalogue = dict.fromkeys((API_VARIABLE, REGISTRY_VARIABLE), running.catalogue_url)
    catalogue[PASSWORD_VARIABLE] = running.images_token
    return aws | catalogue | {"ENV": environment.name, KEPT_FOLDER: str(kept_folder().resolve())}


def exports(name: str) -> str:
    """Lines for a shell's `eval`: what to forget first, and what to know."""
    lines = [f"unset {' '.join(to_unset(os.environ, process.CLEARED_VARIABLES))}"]
    lines += [f"export {key}={shlex.quote(value)}" for key, value in sorted(variables(name).items())]
    return "\n".join(lines)


def become(name: str, command: Sequence[str]) -> NoReturn:
    """Turn this process into the command, so that its exit code, its signals and its open files are its own.

    Raises `UsageError` where there is no such program.
    """
    environment = child_environment(tool_environment(), variables(name))
    words = words_of(command, environment)
    sys.stdout.flush()
    sys.stderr.flush()
    # Python ignores these two, and a program would go on ignoring them.
    for each in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(each, signal.SIG_DFL)
    os.execve(words[0], words, environment)  # nosec B606 # what the person typed, without a shell


def words_of(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """The command with the path of its program. `aws` is ours, the same on every machine."""
    if command[0] == "aws":
        return [*_AWS, *command[1:]]
    program = shutil.which(command[0], path=environment["PATH"])
    if program is None:
        raise UsageError(
            f"there is no program {command[0]!r}", "Set-up installs cdk, node and python; aws is built in."
        )
    return [program, *command[1:]]
