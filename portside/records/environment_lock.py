"""The lock on an environment: one deployment at a time, from any machine.

It is a parameter of Systems Manager that is created without overwriting, so only one of two callers succeeds.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from portside.aws.errors import aws_errors, code_of, is_missing
from portside.commands import tool
from portside.config.environment import Environment
from portside.config.mistakes import shown
from portside.errors import UserError
from portside.process_identity import ProcessIdentity, is_dead, parse, this_process
from portside.program import PROGRAM
from portside.records.origin import Origin
from portside.records.parameter_history import read_parameter
from portside.terminal.console import say

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class EnvironmentLock:
    """Who locked an environment, since when (ISO 8601), and for what."""

    id: str
    who: str
    since: str
    doing: str
    process: ProcessIdentity | None = None
    """The process that made it; None in one of an earlier version, or written by hand."""

    @property
    def is_dead(self) -> bool:
        """Whether its process ran on this machine and has ended, so that no one is left to release it."""
        return self.process is not None and is_dead(self.process)

    def sentence(self, environment: str) -> str:
        """The message that names the lock's owner."""
        since = "" if self.since == _UNKNOWN else f" since {self.since[:19].replace('T', ' ')} UTC"
        ended = f" (its process {self.process.pid} on this machine has ended)" if self.process and self.is_dead else ""
        return f"{environment} is locked by {self.who}{since}: {self.doing}{ended}"


class Locked(UserError):
    """Someone else has locked the environment."""

    def __init__(self, environment: str, lock: EnvironmentLock, *, local: bool = False) -> None:
        unlock = tool("unlock", environment, local=local)
        super().__init__(
            lock.sentence(environment),
            f"No one is left to release the lock. See how the deployment ended, then: {unlock}"
            if lock.is_dead
            else f"Wait until it finishes. If it ended without releasing the lock: {unlock}",
        )
        self.lock = lock


def parameter_name(environment: Environment) -> str:
    """The parameter that is the lock on an environment."""
    return environment.parameter_name("hold")


def read_lock(ssm: Any, environment: Environment) -> EnvironmentLock | None:
    """The lock on an environment, None if it is not locked."""
    value = read_parameter(ssm, parameter_name(environment))
    return None if value is None else _parse(value)


def expect_unlocked(ssm: Any, environment: Environment, *, local: bool = False) -> None:
    """Raise `Locked` if the environment is locked.

    In a rehearsal (`local`) the lock of a dead process is released first: its stacks are on this machine, and the next
    deployment settles them.
    """
    lock = read_lock(ssm, environment)
    if lock is None:
        return
    if not (local and lock.process and lock.is_dead):
        raise Locked(environment.name, lock, local=local)
    release_lock(ssm, environment, lock)
    say(f"Released the lock on {environment}: process {lock.process.pid}, which locked it for {lock.doing}, has ended.")


@contextmanager
def locked(
    ssm: Any, environment: Environment, origin: Origin, doing: str, *, local: bool = False
) -> Iterator[EnvironmentLock]:
    """Lock an environment while the block runs. Raises `Locked` if someone else has locked it.

    `local` is for a rehearsal, so that the commands in messages act on that.
    """
    since = datetime.now(UTC).isoformat(timespec="seconds")
    lock = EnvironmentLock(uuid.uuid4().hex, origin.who, since, doing, this_process())
    if local:
        expect_unlocked(ssm, environment, local=True)
    _acquire(ssm, environment, lock, local=local)
    try:
        yield lock
    except BaseException as error:
        # The original error comes first. The command line prints this after it.
        error.lock_left = _release_after_failure(ssm, environment, lock, local=local)  # type: ignore[attr-defined]
        raise
    try:
        release_lock(ssm, environment, lock)
    except aws_errors() as error:
        raise UserError(
            f"all is done, but the lock on {environment} could not be released: {error}",
            f"Release it: {tool('unlock', environment, local=local)}",
        ) from error


def _release_after_failure(ssm: Any, environment: Environment, lock: EnvironmentLock, *, local: bool) -> str:
    """Release the lock; returns a message if that failed, or an empty string."""
    unlock = f"Once nothing is in progress there: {tool('unlock', environment, local=local)}"
    try:
        if read_lock(ssm, environment) != lock:
            return ""
    except Exception as error:
        return f"Whether {environment} is still locked could not be read ({code_of(error)}). {unlock}"
    try:
        release_lock(ssm, environment, lock)
    except Exception as error:
        return f"{environment} is still locked: the lock could not be released ({code_of(error)}). {unlock}"
    return ""


def release_lock(ssm: Any, environment: Environment, lock: EnvironmentLock) -> None:
    """Release a lock. If it was broken and someone else has locked the environment since, theirs stays."""
    if read_lock(ssm, environment) != lock:
        return
    try:
        ssm.delete_parameter(Name=parameter_name(environment))
    except aws_errors() as error:
        if not is_missing(error):
            raise


def _acquire(ssm: Any, environment: Environment, lock: EnvironmentLock, *, local: bool) -> None:
    try:
        ssm.put_parameter(
            Name=parameter_name(environment),
            Value=json.dumps(asdict(lock), separators=(",", ":")),
            Type="String",
            Overwrite=False,
            Description=f"Who is deploying at this moment; written by {PROGRAM}",
        )
    except aws_errors() as error:
        if code_of(error) not in ("ParameterAlreadyExists", "TooManyUpdates"):
            raise
        found = read_lock(ssm, environment)
        # boto3 retries when a response was lost, and then meets the parameter that it made itself.
        if found != lock:
            found = found or _by_someone("began or ended at this very moment")
            raise Locked(environment.name, found, local=local) from None


def _parse(value: str) -> EnvironmentLock:
    """A lock that was written by hand counts too."""
    try:
        fields = json.loads(value)
        texts = {name: str(fields[name]) for name in ("id", "who", "since", "doing")}
        return EnvironmentLock(**texts, process=parse(fields.get("process")))
    except (ValueError, TypeError, KeyError):
        return _by_someone(shown(value))


def _by_someone(doing: str) -> EnvironmentLock:
    return EnvironmentLock("", "someone", _UNKNOWN, doing)
