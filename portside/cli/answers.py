"""The questions and the answers of commands: confirmation, JSON or a sentence, remarks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portside.errors import UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.cli.options import ChangeOptions
    from portside.config.environment import Environment


def go_ahead(question: str, *, assumed: bool, expected: str = "yes") -> None:
    """Ask for confirmation, unless it is `assumed`. Raises `UserError` if it is not given."""
    if not assumed and not console.confirm(question, expected=expected):
        raise UserError("nothing was changed: not confirmed", "Answer the question, or pass --yes.")


def confirm_change(question: str, environment: Environment, change: ChangeOptions) -> None:
    """Ask for confirmation of a change of an environment, in production by its name."""
    go_ahead(question, assumed=change.skips_question, expected=environment.confirmation)


def confirm(question: str, expected: str) -> bool:
    """Ask at the terminal."""
    return console.confirm(question, expected=expected)


def answer(value: Any, sentence: str, *, as_json: bool) -> None:
    """Print the value as JSON, or the sentence if there is one."""
    if as_json:
        console.print_json(value)
    elif sentence:
        console.print_lines(sentence)


def write_page(file: Path, content: str) -> None:
    """Write a page or a picture to a file of the user. Raises `UserError`."""
    try:
        file.write_text(f"{content}\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file}: can't be written: {error.strerror}", "Choose another file.") from error


@contextlib.contextmanager
def answering(result: Mapping[str, Any], *, as_json: bool) -> Iterator[None]:
    """Print the result as JSON at the end of the block, also if it fails."""
    try:
        yield
    except BaseException as error:
        # The command line prints it together with the error.
        as_failure = getattr(error, "as_json", None)
        error.answered = {**result} | ({"failure": as_failure()} if as_failure else {})  # type: ignore[attr-defined]
        raise
    if as_json:
        console.print_json(result)


def say_all(sentences: Sequence[str], style: str | None = None) -> None:
    """Print each sentence that is not empty on stderr."""
    for sentence in filter(None, sentences):
        console.say(sentence, style)
