"""The causes that are told apart, and what a verdict on one says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from portside.aws.model import written


class Cause(StrEnum):
    """Why a deployment failed or a service does not run. The most decisive stand first."""

    CREDENTIALS = "credentials expired"
    STACK_STUCK = "stack stuck"
    EXPORT_IN_USE = "export in use"
    QUOTA = "quota reached"
    CERTIFICATE = "certificate"
    DEPLOY_DENIED = "deployment not allowed"
    ALREADY_EXISTS = "name taken"
    BY_HAND = "changed by hand"
    IMAGE_MISSING = "image missing"
    IMAGE_DENIED = "image not allowed"
    IMAGE_PLATFORM = "image for another platform"
    REGISTRY_LIMIT = "registry limits"
    REGISTRY_SLOW = "registry does not answer"
    SECRET_MISSING = "secret missing"  # nosec B105 # the name of a cause
    SECRET_DENIED = "secret denied"  # nosec B105 # the name of a cause
    SECRET_FIELD = "secret lacks a field"  # nosec B105 # the name of a cause
    SECRETS_UNREACHABLE = "secrets not reachable"
    LOG_GROUP_MISSING = "log group missing"
    ROLE_UNUSABLE = "role can't be assumed"
    EXEC_FORMAT = "program for another platform"
    BAD_COMMAND = "command can't be run"
    OUT_OF_MEMORY = "out of memory"
    DATABASE_REFUSED = "refused by the database"
    DATABASE_UNREACHABLE = "database not reachable"
    TASK_ROLE_DENIED = "task role denied"
    READ_ONLY = "root file system is read-only"
    ENDPOINT_MISSING = "Service Connect endpoint missing"
    NO_CAPACITY = "no capacity"
    NO_ADDRESS = "no free address"
    SPOT_RECLAIMED = "Spot reclaimed"
    KILLED = "killed"
    CRASH_AT_START = "crash at start"
    CRASH_LATER = "crash after start"
    STOPPED_BY_ITSELF = "program ended"
    SECURITY_GROUP = "security group"
    HEALTH_CHECK = "health check fails"
    TARGET_CODE = "target answers wrongly"
    TARGET_TIMEOUT = "target does not answer in time"
    TARGET_REFUSED = "target refuses"
    AWS_TROUBLE = "AWS itself failed"
    NO_TASK_WANTED = "no task wanted"
    EXEC_AGENT = "exec agent missing"
    REFUSED = "refused by AWS"
    CALLEE_OUT = "callee out"
    NOT_DEPLOYED = "not deployed"
    UNKNOWN = "unknown"
    GOING_ON = "going on"
    HEALED = "healed by itself"
    NOTHING = "nothing wrong"


ANY_CALLEE = "*"

NOT_WRONG = frozenset({Cause.GOING_ON, Cause.HEALED, Cause.NOTHING})
CONSEQUENCES = frozenset({Cause.CALLEE_OUT, Cause.NOT_DEPLOYED})


@dataclass(frozen=True)
class Verdict:
    """What is wrong, and what to do: `look` is the one place to look at, `fix` a command or the field to change.

    `service` and `stack` are empty where it is about neither; the sentence doesn't repeat them. `evidence` has the
    words of AWS and of the application.
    """

    service: str
    stack: str
    cause: Cause
    sentence: str
    since: datetime | None
    evidence: tuple[str, ...]
    look: str
    fix: str
    callee: str = ""
    """The service that is the reason, where it is another's."""

    @property
    def subject(self) -> str:
        """What it is about, in a word."""
        return self.service or self.stack

    @property
    def is_wrong(self) -> bool:
        """Whether it is about something that does not work."""
        return self.cause not in NOT_WRONG

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        found: dict[str, Any] = written(self)
        return found | {"cause": self.cause.name, "wrong": self.is_wrong}


@dataclass(frozen=True)
class Finding:
    """What a rule found: a verdict before it is known whose, since when and how often."""

    cause: Cause
    sentence: str
    evidence: tuple[str, ...]
    look: str
    fix: str
    callee: str = ""
    """The service that may be the reason, where it is another's; `ANY_CALLEE` where the words don't tell which."""
