"""The one family of errors that a person may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


class UserError(Exception):
    """Something that stops a command: what is wrong, and what to do about it.

    The command line prints `message` and `hint` without a traceback and leaves with `exit_code`:
    1 when something failed or was found wanting, 2 (`UsageError`) when it was asked for wrongly.
    """

    exit_code = 1
    code = "failed"
    """What kind of error it is, for a machine."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def as_error(self) -> dict[str, Any]:
        """What stopped the command, as `--json` has it under "error"."""
        return {"message": self.message, "hint": self.hint, "code": self.code, "exit_code": self.exit_code}


class UsageError(UserError):
    """What a person asked for cannot be done as asked; nothing has happened."""

    exit_code = 2
    code = "usage"


@dataclass(frozen=True)
class Problem:
    """One mistake in the configuration: where it stands, what is wrong with it, what to write instead."""

    where: str
    what: str
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n{self.hint}"


class ConfigurationError(UsageError, ValueError):
    """Every mistake found in (a part of) the configuration, so that they can be fixed in one go."""

    code = "configuration"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    def as_error(self) -> dict[str, Any]:
        """The same with each mistake on its own."""
        return super().as_error() | {"problems": [dict(vars(each)) for each in self.problems]}
