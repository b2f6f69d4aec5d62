"""What is said of something that was looked at: it is well, it is not, or that can't be known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

OK, FAIL, SKIP = "OK", "FAIL", "SKIP"


@dataclass(frozen=True)
class Check:
    """Something that was compared: OK, FAIL, or SKIP where it could not be; `hint` says what to do about a failure."""

    subject: str
    state: str
    found: str
    hint: str = ""

    def as_json(self) -> dict[str, Any]:
        """The fields by name; the hint where there is one."""
        return {name: value for name, value in asdict(self).items() if value or name != "hint"}


def ok(subject: str, found: str) -> Check:
    """It is as it should be."""
    return Check(subject, OK, found)


def fail(subject: str, found: str, hint: str) -> Check:
    """It is not as it should be."""
    return Check(subject, FAIL, found, hint)


def skip(subject: str, why: str) -> Check:
    """Nobody knows, and why."""
    return Check(subject, SKIP, why)
