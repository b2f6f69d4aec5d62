"""The errors that users see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class UserError(Exception):
    """An error that stops a command, with a hint.

    The command line prints `message` and `hint` without a traceback, and exits with `exit_code`: 1 for a failure or
    problems, 2 (`UsageError`) for a usage error.
    """

    exit_code = 1
    code = "failed"
    """The kind of error, for programs."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def as_error(self) -> dict[str, Any]:
        """The error in the output of `--json`, under "error"."""
        return {"message": self.message, "hint": self.hint, "code": self.code, "exit_code": self.exit_code}


class UsageError(UserError):
    """The request is not valid; nothing was done."""

    exit_code = 2
    code = "usage"


@dataclass(frozen=True)
class Problem:
    """One mistake in the configuration: its place, a description and a hint."""

    where: str
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n{self.hint}"

    @property
    def sentence(self) -> str:
        """The same in one line."""
        return f"{self.where}: {self.what}. {self.hint}"


class ConfigurationError(UsageError, ValueError):
    """All mistakes found in the configuration, or in a part of it."""

    code = "configuration"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def as_error(self) -> dict[str, Any]:
        """The same with each mistake."""
        return super().as_error() | {"problems": [dict(vars(each)) for each in self.problems]}
