"""An error of AWS that stopped a command, in a sentence with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from portside.aws.errors import (
    LOG_IN,
    code_of,
    is_denied,
    is_expired,
    is_missing,
    is_passing,
    is_throttled,
)
from portside.commands import tool
from portside.errors import UserError


class AwsFailed(UserError):
    """AWS refused, or did not answer; `code` is the kind of refusal."""

    def __init__(self, error: BaseException, environment: str, again: Sequence[str]) -> None:
        """`again` is the command line that failed, about the environment."""
        super().__init__(f"AWS: {error}", _hint(error, environment, again))
        self.code = _kind(error)
        self.aws_code = code_of(error)

    def as_error(self) -> dict[str, object]:
        """The same with AWS's own code."""
        return super().as_error() | {"aws_code": self.aws_code}


def _kind(error: BaseException) -> str:
    kinds = {
        "credentials": is_expired,
        "denied": is_denied,
        "throttled": is_throttled,
        "unavailable": is_passing,
        "missing": is_missing,
    }
    return next((kind for kind, applies in kinds.items() if applies(error)), "aws")


def _hint(error: BaseException, environment: str, again: Sequence[str]) -> str:
    if is_expired(error):
        return LOG_IN
    if is_throttled(error):
        return f"AWS throttles the calls. Run it again in a minute: {tool(*again, local=False)}"
    if is_denied(error):
        right = getattr(error, "operation_name", "this")
        rights = tool("role", environment, local=False)
        return f"These credentials lack the right for {right}. All the rights there are to give: {rights}"
    if is_passing(error):
        why = "AWS can't be reached, or has trouble of its own, at the moment"
        return f"{why}. Run it again in a minute: {tool(*again, local=False)}"
    return f"See where this came from: {tool('--debug', *again, local=False)}"
