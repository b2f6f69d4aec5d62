"""Any error that stopped a command, as a message with a hint."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import click

from portside import redact
from portside.commands import tool
from portside.errors import UsageError, UserError
from portside.program import PROGRAM

# No space left, over quota, file too large, and the error of a broken disk.
_NOT_WRITTEN = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
INTERRUPTED = 130


class _Interrupted(UserError):
    exit_code = INTERRUPTED
    code = "interrupted"


class _Unexpected(UserError):
    code = "unexpected"


def user_error(error: BaseException, arguments: Sequence[str], commands: click.Group) -> UserError:
    """Any error that stopped a command line, as one with a message for users."""
    from portside.aws.errors import is_from_aws

    if isinstance(error, UserError):
        return error
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message(), _usage_hint(error))
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return _Interrupted("interrupted", _continuing_operations(arguments, commands))
    if isinstance(error, OSError) and (path := _state_file_of(error)):
        from portside.state_file import NotWritten

        return NotWritten(path, "the state between commands", error)
    if isinstance(error, OSError) and error.errno in _NOT_WRITTEN:
        hint = "Make room on the disk, or where stdout goes."
        return UserError(f"the output could not be written: {error.strerror}", hint)
    if is_from_aws(error):
        return AwsFailed(error, _environment_of(arguments, commands), arguments)
    return _unexpected(error, arguments)


def _state_file_of(error: OSError) -> Path | None:
    """The file in the state folder that could not be used, if it was one."""
    from portside.config.configuration import state_dir

    name = error.filename
    if isinstance(name, str) and state_dir().resolve() in Path(name).resolve().parents:
        return Path(name)
    return None


def _unexpected(error: BaseException, arguments: Sequence[str]) -> UserError:
    """A defect of this program: its details are written to a file, and the message has its place in the code."""
    from portside.cli.crash_report import sentence_of
    from portside.config.configuration import ROOT

    kept = keep_report(error, arguments)
    return _Unexpected(
        f"{sentence_of(error, ROOT)}: this is a defect of {PROGRAM}",
        f"Report it with the details in {kept}; --debug shows them too."
        if kept
        else f"The details could not be written to a file. See them with: {tool('--debug', *arguments, local=False)}",
    )


def keep_report(error: BaseException, arguments: Sequence[str]) -> Path | None:
    from portside.cli.crash_report import write_report
    from portside.config.configuration import state_dir

    try:
        return write_report(error, state_dir() / "errors", [PROGRAM, *arguments], redact=_redacted)
    except Exception:
        return None


def _redacted(text: str) -> str:
    return redact.current().text(text)


def _continuing_operations(arguments: Sequence[str], commands: click.Group) -> str:
    if not {"deploy", "destroy", "rollback"} & set(arguments):
        return ""
    status = tool("status", _environment_of(arguments, commands), local="--local" in arguments)
    again = tool(*arguments, local=False)
    return f"CloudFormation continues its operations. When they have finished ({status}), run it again: {again}"


def _environment_of(arguments: Sequence[str], commands: click.Group) -> str:
    """The environment in a command line, or ENV."""
    words = [word for word in arguments if word not in ("--debug",)]
    leaf: click.Command = commands
    while words and isinstance(leaf, click.Group):
        found = leaf.commands.get(words.pop(0))
        if found is None:
            return "ENV"
        leaf = found
    try:
        named = leaf.make_context("", words, resilient_parsing=True).params.get("environment")
    except click.ClickException:
        return "ENV"
    return str(named or "ENV")


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else f"See: {tool('--help', local=False)}"


class AwsFailed(UserError):
    """AWS refused, or did not answer; `code` is the kind of refusal."""

    def __init__(self, error: BaseException, environment: str, again: Sequence[str]) -> None:
        """`again` is the command line that failed, about the environment."""
        from portside.aws import errors as aws

        super().__init__(f"AWS: {error}", _hint(error, environment, again))
        self.code = _kind(error)
        self.aws_code = aws.code_of(error)

    def as_error(self) -> dict[str, object]:
        """The same with AWS's own code."""
        return super().as_error() | {"aws_code": self.aws_code}


def _kind(error: BaseException) -> str:
    from portside.aws.errors import is_denied, is_expired, is_missing, is_passing, is_throttled

    kinds = {
        "credentials": is_expired,
        "denied": is_denied,
        "throttled": is_throttled,
        "unavailable": is_passing,
        "missing": is_missing,
    }
    return next((kind for kind, applies in kinds.items() if applies(error)), "aws")


def _hint(error: BaseException, environment: str, again: Sequence[str]) -> str:
    from portside.aws.errors import LOG_IN, is_denied, is_expired, is_passing, is_throttled

    if is_expired(error):
        return LOG_IN
    if is_throttled(error):
        return f"AWS throttles the calls. Run it again in a minute: {tool(*again, local=False)}"
    if is_denied(error):
        right = getattr(error, "operation_name", "this")
        rights = tool("role", environment, local=False)
        return f"These credentials have no permission for {right}. Print the policies that grant it: {rights}"
    if is_passing(error):
        why = "AWS can't be reached, or reports an internal error"
        return f"{why}. Run it again in a minute: {tool(*again, local=False)}"
    return f"Show the traceback: {tool('--debug', *again, local=False)}"
