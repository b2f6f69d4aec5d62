"""AWS's Session Manager plugin, which connects this terminal with a session."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from portside.aws.target import Target
from portside.errors import UserError

PLUGIN = "session-manager-plugin"
WHERE_TO_GET_IT = (
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
)

# The plugin takes a session's token from this variable since the version after this one. An argument would be in the
# list of processes, which every user of the machine can read. https://github.com/aws/aws-cli/pull/8336
_SESSION_VARIABLE = "AWS_SSM_START_SESSION_RESPONSE"
_LAST_WITHOUT_VARIABLE = (1, 2, 497, 0)
_ANSWERS_WITHIN_SECONDS = 10
# Keys that end or stop a program are for what runs at the other end.
_FOR_THE_OTHER_END = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)


@dataclass(frozen=True)
class Plugin:
    """The plugin of this machine; `version` is () where it does not tell."""

    path: str
    version: tuple[int, ...]

    @property
    def reads_variable(self) -> bool:
        """Whether it takes a session from the environment."""
        return self.version > _LAST_WITHOUT_VARIABLE


def find_plugin(environment: Mapping[str, str]) -> Plugin:
    """The plugin on the PATH of an environment. Raises `UserError` that says where to get it."""
    path = shutil.which(PLUGIN, path=environment.get("PATH", os.defpath))
    if path is None:
        raise UserError(
            f"{PLUGIN} is not installed on this machine", f"Install AWS's Session Manager plugin: {WHERE_TO_GET_IT}"
        )
    return Plugin(path, _version(path, environment))


def _version(path: str, environment: Mapping[str, str]) -> tuple[int, ...]:
    try:
        said = subprocess.run(
            [path, "--version"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ANSWERS_WITHIN_SECONDS,
            check=False,
        ).stdout.strip()
    except OSError as error:
        raise UserError(
            f"{path} can't be run: {error.strerror}", f"Install AWS's Session Manager plugin again: {WHERE_TO_GET_IT}"
        ) from error
    except subprocess.TimeoutExpired:
        return ()
    return tuple(map(int, said.split("."))) if re.fullmatch(r"\d+(\.\d+){1,3}", said) else ()


@dataclass(frozen=True)
class Session:
    """A session that is open: what AWS answered, and what it was asked for (StartSession's parameters)."""

    opened: Mapping[str, Any]
    request: Mapping[str, Any]

    @property
    def id(self) -> str:
        """By which AWS knows it; never its token."""
        return str(self.opened.get("SessionId") or self.opened.get("sessionId", ""))


def arguments(plugin: Plugin, session: Session, target: Target, endpoint: str) -> tuple[list[str], dict[str, str]]:
    """The plugin's command line and its environment, as AWS's own command line makes them."""
    # ECS and Systems Manager spell the same fields differently; the plugin reads either.
    written = json.dumps(dict(session.opened))
    environment = dict(target.process_environment)
    response = written
    if plugin.reads_variable:
        environment[_SESSION_VARIABLE] = written
        response = _SESSION_VARIABLE
    profile = "" if target.is_local else environment.get("AWS_PROFILE", "")
    request = json.dumps(dict(session.request))
    command = [plugin.path, response, target.environment.region, "StartSession", profile, request, endpoint]
    return command, environment


def carry(plugin: Plugin, session: Session, target: Target) -> int:
    """Hand the terminal over to a session until it ends; the plugin's exit code. Closes what can't be carried."""
    ssm = target.clients("ssm")
    command, environment = arguments(plugin, session, target, ssm.meta.endpoint_url)
    try:
        with _signals_for_the_other_end():
            return subprocess.call(command, env=environment)
    except OSError as error:
        with contextlib.suppress(Exception):
            ssm.terminate_session(SessionId=session.id)
        raise UserError(
            f"{plugin.path} can't be run: {error.strerror}", f"Install AWS's Session Manager plugin: {WHERE_TO_GET_IT}"
        ) from error


@contextmanager
def _signals_for_the_other_end() -> Iterator[None]:
    before = {number: signal.signal(number, _leave_it) for number in _FOR_THE_OTHER_END}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave_it(*_: object) -> None:
    """A handler instead of SIG_IGN, which the plugin would inherit."""
