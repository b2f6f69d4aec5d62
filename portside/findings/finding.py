"""Findings about an environment, from checks and diagnoses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from portside.aws.written import written
from portside.findings.codes import Severity, code_named, outer

ANY_CALLEE = "*"


class State(StrEnum):
    """The outcome of a check or rule."""

    WRONG = "wrong"
    PASSED = "passed"
    UNREAD = "could not be read"


@dataclass(frozen=True)
class Finding:
    """The outcome of a check or rule, and how to fix a problem.

    `code` is a row of `codes.toml`, or a finer `OUTER.DETAIL`; a code of severity `none` counts as passed. `what` is a
    sentence that does not repeat the subject, `evidence` quotes AWS and the application, `look` is the one
    place to look at, and `fix` a command or the field to change. Raises KeyError for a code without a row.
    """

    code: str
    what: str
    evidence: tuple[str, ...] = ()
    look: str = ""
    fix: str = ""
    callee: str = ""
    """The service that causes it, if it is another one; `ANY_CALLEE` if that is unknown."""
    service: str = ""
    stack: str = ""
    setting: str = ""
    """The subject if it is neither a service nor a stack."""
    since: datetime | None = None
    state: State = State.WRONG

    def __post_init__(self) -> None:
        if self.severity is Severity.NONE:
            object.__setattr__(self, "state", State.PASSED)

    @property
    def subject(self) -> str:
        """The service, stack or setting; empty for the whole environment."""
        return self.service or self.stack or self.setting

    @property
    def outer(self) -> str:
        return outer(self.code)

    @property
    def title(self) -> str:
        return code_named(self.code).title

    @property
    def severity(self) -> Severity:
        return code_named(self.code).severity

    @property
    def is_passing(self) -> bool:
        """Whether it is transient, so that a retry may succeed."""
        return code_named(self.code).passing

    @property
    def order(self) -> int:
        """The place of its code: the most decisive codes come first."""
        return code_named(self.code).order

    @property
    def is_wrong(self) -> bool:
        """Whether something does not work or could not be read."""
        return self.state is not State.PASSED

    def as_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "stack": self.stack,
            "cause": self.code,
            "sentence": self.what,
            "since": written(self.since),
            "evidence": list(self.evidence),
            "look": self.look,
            "fix": self.fix,
            "callee": self.callee,
            "state": self.state.value,
            "severity": self.severity.value,
            "wrong": self.is_wrong,
        }
