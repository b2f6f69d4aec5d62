"""The commands that messages print: complete for the place that they are about, and safe to paste.

Nothing here runs anything. Every value is quoted for a shell, because names come from logs and from AWS.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portside.program import PROGRAM

Option = str | int | bool | Sequence[str]

FROM_FILE = "file://FILE"
"""In place of a secret's value, which stands in a file of the person's own and not on a command line."""

_PARTITIONS = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))
# What makes a terminal or a shell begin another line, or show something else than what is pasted.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class AsWritten(str):
    """Part of a command that a shell must read itself, such as `file://<(…)`."""

    __slots__ = ()


def tool(*words: object, local: bool | None = None) -> str:
    """A command of this tool, in a rehearsal with `--local`; by default as the command line that runs has it."""
    return _joined([PROGRAM, *words, *(["--local"] if (rehearses() if local is None else local) else [])])


def local_tool(*words: str) -> str:
    """A command on the embedded AWS as a whole."""
    return _joined([PROGRAM, "local", *words])


def remark(text: str) -> str:
    """A shell's comment. It stays on its line, whatever the text holds."""
    return f"  # {_one_line(text)}" if text else ""


def file_of(command: str) -> AsWritten:
    """A command's output as a file, so that a secret never stands on a command line, where others can read it."""
    return AsWritten(f"file://<({command})")


@dataclass(frozen=True)
class Commands:
    """How to address one environment: on AWS, or on the embedded AWS of this machine."""

    environment: str
    account: str
    region: str
    is_local: bool = False

    def tool(self, verb: str, *arguments: str) -> str:
        """`./agora VERB ENVIRONMENT ARGUMENT…`, with `--local` in a rehearsal."""
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
        """One line that can be pasted: the commands one after another, and what comes after them as a comment."""
        where = "" if self.is_local else f"in account {self.account}"
        return " && ".join(commands) + remark("; ".join(filter(None, (where, then))))

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """The ARN of a resource of this account."""
        partition = next((name for start, name in _PARTITIONS if self.region.startswith(start)), "aws")
        return f"arn:{partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def secret_arn(self, name: str) -> str:
        """The ARN of a secret of this name, whose last six characters Secrets Manager makes up.

        https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples.html
        """
        return self.arn("secretsmanager", f"secret:{name}-??????")


def rehearses() -> bool:
    """Whether the command that runs on this thread was given `--local`."""
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
            # A value that looks like an option is taken for one, unless it stands in the same word.
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
