"""The hold on an environment: one deployment at a time, whoever runs it and wherever.

It is a parameter of Systems Manager that is created without overwriting, which only one of two can do.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from portside.aws.errors import code_of, is_missing
from portside.commands import tool
from portside.config.mistakes import shown
from portside.errors import UserError
from portside.process_identity import ProcessIdentity, is_dead, parse, this_process
from portside.records.origin import Origin
from portside.terminal.console import say

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Hold:
    """Who holds an environment, since when (ISO 8601), and for what."""

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
        """What to tell a person."""
        since = "" if self.since == _UNKNOWN else f", since {self.since[:19].replace('T', ' ')} UTC"
        ended = f" (its process {self.process.pid} on this machine has ended)" if self.process and self.is_dead else ""
        return f"{environment} is held by {self.who}{since}: {self.doing}{ended}"

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


class Held(UserError):
    """Someone else has locked the environment."""

    def __init__(self, environment: str, hold: Hold, *, local: bool = False) -> None:
        unlock = _unlock(environment, local=local)
        super().__init__(
            hold.sentence(environment),
            f"No one is left to release the lock. See how the deployment ended, then: {unlock}"
            if hold.is_dead
            else f"Wait for its end. If it ended without letting go: {unlock}",
        )
        self.hold = hold


def parameter_name(environment: str) -> str:
    """The parameter that is the hold on an environment."""
    return f"/agora/{environment}/hold"


def read_hold(ssm: Any, environment: str) -> Hold | None:
    """The hold that is on an environment, if there is one."""
    from botocore.exceptions import ClientError

    try:
        value = ssm.get_parameter(Name=parameter_name(environment))["Parameter"]["Value"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return _parse(value)


def expect_free(ssm: Any, environment: str, *, local: bool = False) -> None:
    """Raise `Held` where the environment is locked, before anything else is done."""
    hold = read_hold(ssm, environment)
    if hold and not (local and _is_released(ssm, environment, hold)):
        raise Held(environment, hold, local=local)


def _is_released(ssm: Any, environment: str, hold: Hold) -> bool:
    """Release the lock of a dead process in a rehearsal: what it left is on this machine, and deploying settles it."""
    if not hold.is_dead or hold.process is None:
        return False
    let_go(ssm, environment, hold)
    say(f"Released the lock on {environment}: process {hold.process.pid}, which held it for {hold.doing}, has ended.")
    return True


@contextmanager
def held(ssm: Any, environment: str, origin: Origin, doing: str, *, local: bool = False) -> Iterator[Hold]:
    """Hold an environment for as long as the block runs. Raises `Held` where someone else does.

    `local` says that it is a rehearsal's, so that the commands a person is told act on that.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    since = datetime.now(UTC).isoformat(timespec="seconds")
    hold = Hold(uuid.uuid4().hex, origin.who, since, doing, this_process())
    if local:
        expect_free(ssm, environment, local=True)
    _take(ssm, environment, hold, local=local)
    try:
        yield hold
    except BaseException as error:
        # What went wrong comes first. The command line says after it what has become of the lock.
        error.lock_left = _left(ssm, environment, hold, local=local)  # type: ignore[attr-defined]
        raise
    try:
        let_go(ssm, environment, hold)
    except (BotoCoreError, ClientError) as error:
        raise UserError(
            f"all is done, but the hold on {environment} could not be taken away: {error}",
            f"Take it away: {_unlock(environment, local=local)}",
        ) from error


def _left(ssm: Any, environment: str, hold: Hold, *, local: bool) -> str:
    """Release the lock after a failure; what to say where that did not work, else nothing."""
    unlock = f"Once nothing goes on there any more: {_unlock(environment, local=local)}"
    try:
        if read_hold(ssm, environment) != hold:
            return ""
    except Exception as error:
        return f"Whether {environment} is still locked could not be read ({code_of(error)}). {unlock}"
    try:
        let_go(ssm, environment, hold)
    except Exception as error:
        return f"{environment} is still locked: the lock could not be released ({code_of(error)}). {unlock}"
    return ""


def let_go(ssm: Any, environment: str, hold: Hold) -> None:
    """Take a hold away. One that was broken and taken by someone else in the meantime stays theirs."""
    from botocore.exceptions import ClientError

    if read_hold(ssm, environment) != hold:
        return
    try:
        ssm.delete_parameter(Name=parameter_name(environment))
    except ClientError as error:
        if not is_missing(error):
            raise


def _take(ssm: Any, environment: str, hold: Hold, *, local: bool) -> None:
    from botocore.exceptions import ClientError

    try:
        ssm.put_parameter(
            Name=parameter_name(environment),
            Value=json.dumps(hold.as_json(), separators=(",", ":")),
            Type="String",
            Overwrite=False,
            Description="Who is deploying at this moment; written by ./agora",
        )
    except ClientError as error:
        if code_of(error) not in ("ParameterAlreadyExists", "TooManyUpdates"):
            raise
        found = read_hold(ssm, environment)
        # boto3 asks again where an answer was lost, and then meets what it made itself.
        if found != hold:
            raise Held(environment, found or _someone("began or ended at this very moment"), local=local) from None


def _unlock(environment: str, *, local: bool) -> str:
    return tool("unlock", environment, local=local)


def _parse(value: str) -> Hold:
    """A hold that someone wrote by hand counts too."""
    try:
        fields = json.loads(value)
        texts = {name: str(fields[name]) for name in ("id", "who", "since", "doing")}
        return Hold(**texts, process=parse(fields.get("process")))
    except (ValueError, TypeError, KeyError):
        return _someone(shown(value))


def _someone(doing: str) -> Hold:
    return Hold("", "someone", _UNKNOWN, doing)
