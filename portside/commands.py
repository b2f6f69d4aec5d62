"""Commands in messages, complete for their environment and safe to paste.

Nothing here runs a command. Every value is quoted for a shell, because names come from logs and from AWS.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portside.program import PROGRAM

Option = str | int | bool | Sequence[str]

FROM_FILE = "file://FILE"
"""Instead of a secret's value, which must be in a file of the user, not on a command line."""

_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))
# Characters that begin another line in a terminal, or that change how pasted text is shown.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class AsWritten(str):
    """Part of a command that a shell must read itself, such as `file://<(…)`."""

    __slots__ = ()


def tool(*words: object, local: bool | None = None) -> str:
    """A command of this tool, with `--local` in a rehearsal; the default is that of the running command."""
    return _joined([PROGRAM, *words, *(["--local"] if (rehearses() if local is None else local) else [])])


def local_tool(*words: str) -> str:
    """A command for the whole embedded AWS."""
    return _joined([PROGRAM, "local", *words])


def remark(text: str) -> str:
    """A shell comment in one line."""
    return f"  # {_one_line(text)}" if text else ""


def file_of(command: str) -> AsWritten:
    """The output of a command as a file, so that a secret is not on a command line, where others can read it."""
    return AsWritten(f"file://<({command})")


@dataclass(frozen=True)
class Commands:
    """Commands for one environment, on AWS or on the embedded AWS of this machine."""

    environment: str
    account: str
    region: str
    is_local: bool = False

    def tool(self, verb: str, *arguments: str) -> str:
        """`PROGRAM VERB ENVIRONMENT ARGUMENT…`, with `--local` in a rehearsal."""
        return tool(*verb.split(), self.environment, *arguments, local=self.is_local)

    def aws(self, service: str, operation: str, /, *arguments: str, **options: Option) -> str:
        """A command of the AWS CLI. `secret_id=…` is `--secret-id …`, and True a flag.

        In a rehearsal it runs by `local env`, so that it reaches no real account.
        """
        words = ["aws", service, *operation.split(), *arguments, *_options(options)]
        if self.is_local:
            return _joined([PROGRAM, "local", "env", self.environment, "--", *words])
        return _joined([*words, "--region", self.region])

    def fix(self, *commands: str, then: str = "") -> str:
        """One line that can be pasted: the commands one after another, and a comment with the next step."""
        where = "" if self.is_local else f"in account {self.account}"
        return " && ".join(commands) + remark("; ".join(filter(None, (where, then))))

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """The ARN of a resource of this account."""
        partition = next((name for start, name in _PARTITIONS if self.region.startswith(start)), "aws")
        return f"arn:{partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def secret_arn(self, name: str) -> str:
        """The ARN of a secret of this name, which ends with six random characters.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
        """
        return self.arn("secretsmanager", f"secret:{name}-??????")


def rehearses() -> bool:
    """Whether the command on this thread has `--local`."""
    import click

    context = click.get_current_context(silent=True)
    return context is not None and context.params.get("local") is True


def _options(options: dict[str, Option]) -> Iterable[str]:
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            yield option
        elif value is not False:
            values = [value] if isinstance(value, str | int) else list(value)
            # A value that looks like an option must be in the same word.
            if len(values) == 1 and str(values[0]).startswith("-"):
                yield f"{option}={values[0]}"
            else:
                yield option
                yield from (each if isinstance(each, str) else str(each) for each in values)


def _joined(words: Iterable[object]) -> str:
    return " ".join(word if isinstance(word, AsWritten) else shlex.quote(_printable(str(word))) for word in words)


def _printable(word: str) -> str:
    return _CONTROL.sub("?", word)


def _one_line(text: str) -> str:
    return _CONTROL.sub(" ", text)
