"""Output on a terminal or in a pipe: progress and remarks on stderr, answers on stdout.

Every command prints through here, and so through the redactor.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from portside import redact
from portside.terminal.folding import fold
from portside.timestamps import parse_timestamp, timestamp

if TYPE_CHECKING:
    from rich.console import Console

NO_TERMINAL_WIDTH = 160
"""The columns of a table outside a terminal, where nothing wraps."""


@functools.cache
def talk_console() -> Console:
    """The console for progress and remarks. rich honors NO_COLOR and TERM=dumb."""
    from portside.terminal.redacting_console import RedactingConsole

    width = None if sys.stderr.isatty() else NO_TERMINAL_WIDTH
    return RedactingConsole(stderr=True, highlight=False, emoji=False, soft_wrap=not sys.stderr.isatty(), width=width)


@functools.cache
def data_console() -> Console:
    from portside.terminal.redacting_console import RedactingConsole

    width = None if sys.stdout.isatty() else NO_TERMINAL_WIDTH
    return RedactingConsole(highlight=False, emoji=False, width=width)


def is_watched() -> bool:
    """Whether stderr is a terminal, where progress can be redrawn."""
    return talk_console().is_terminal


def say(message: str, style: str | None = None) -> None:
    """Print a remark on stderr. A command continues if that fails."""
    with contextlib.suppress(OSError, ValueError):
        _print_folded(talk_console(), message, style or "")


def print_message(message: str, style: str = "") -> None:
    """Print an answer for users on stdout, folded to the terminal."""
    _print_folded(data_console(), message, style)


def print_failure(message: str, hint: str) -> None:
    """Print on stderr the error that stopped a command, and how to fix it."""
    import click

    with contextlib.suppress(OSError, ValueError):
        columns = shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize
        # click does not honor NO_COLOR.
        is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        click.secho("✗ ", fg="red", nl=False, err=True, color=False if is_plain else None)
        for number, text in enumerate(filter(None, [message, hint])):
            lines = fold(redact.current().text(text), columns - 2 if number == 0 else columns)
            sys.stderr.write("\n".join(lines) + "\n")


def _print_folded(console: Console, message: str, style: str) -> None:
    from rich.text import Text

    message = redact.current().text(message)
    lines = fold(message, console.width) if console.is_terminal else [message]
    # The terminal wraps words and commands that are too long, so that they are copied in one piece.
    console.print(Text("\n".join(lines), style), soft_wrap=True)


class _Answered:
    """Whether this command has printed JSON, and when it began."""

    document = False
    lines = False
    began = time.monotonic()


def begin() -> None:
    """Note that a command begins."""
    _Answered.document = _Answered.lines = False
    _Answered.began = time.monotonic()


def elapsed_seconds() -> float:
    """The seconds since the command began."""
    return time.monotonic() - _Answered.began


def print_json(value: Any) -> None:
    """Print a document of JSON on stdout; every time in it is as of `timestamp`."""
    _Answered.document = True
    sys.stdout.write(_dumped(_with_timestamps(value), indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Print one of many values as a line of JSON on stdout."""
    _Answered.lines = True
    sys.stdout.write(_dumped(value, indent=None) + "\n")


def print_error(value: Any) -> None:
    """Print an error as JSON: in the line after other lines, or as the document if none is printed."""
    if _Answered.lines:
        print_json_line(value)
    elif not _Answered.document:
        print_json(value)


def _dumped(value: Any, indent: int | None) -> str:
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return json.dumps(redact.current().json(value), indent=indent, ensure_ascii=not is_unicode, default=_as_json)


def _as_json(value: object) -> str:
    return timestamp(value) if isinstance(value, datetime) else redact.current().text(str(value))


def _with_timestamps(value: Any) -> Any:
    """A value whose times, also those in records of earlier versions, have the format of `timestamp`."""
    if isinstance(value, Mapping):
        return {key: _with_timestamps(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_timestamps(each) for each in value]
    if isinstance(value, str) and (moment := parse_timestamp(value)):
        return timestamp(moment, milliseconds="." in value)
    return value


def print_lines(text: str) -> None:
    """Print an answer on stdout as it is, neither folded nor colored."""
    sys.stdout.write(redact.current().text(text) + "\n")


def print_labelled(label: str, line: str) -> None:
    """Print a line of another program on stdout, after a label that can be colored."""
    sys.stdout.write(f"{label} {redact.current().line(line)}\n")


def print_from_program(lines: redact.Lines, line: str, to: IO[str]) -> None:
    """Pass on a line of another program, with its colors if it has no secret."""
    to.write(lines.coloured(line.rstrip("\n")) + "\n")
    to.flush()


def hand_over(line: str) -> None:
    """Print on stdout, including secrets, the lines that set up the user's shell."""
    sys.stdout.write(line + "\n")


def print_diagnostics(text: str) -> None:
    """Print details for debugging on stderr, neither folded nor colored."""
    sys.stderr.write(redact.current().text(text) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, states: Collection[int] = ()) -> None:
    """Print a table on stdout, or a block for each row where it is wider than the terminal.

    Columns of `states` are colored by the last line of each cell.
    """
    console, rows = data_console(), [[redact.current().text(cell) for cell in row] for row in rows]
    widest = [max(len(line) for row in [columns, *rows] for line in row[i].split("\n")) for i in range(len(columns))]
    if sum(widest) + 2 * len(columns) > console.width:
        _print_blocks(columns, rows, states)
        return
    from rich.table import Table
    from rich.text import Text

    has_tall_rows = any("\n" in cell for row in rows for cell in row)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, int(has_tall_rows), 1))
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*(Text(cell, style=style_of(cell) if i in states else "") for i, cell in enumerate(row)))
    console.print(table)


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], states: Collection[int]) -> None:
    label_width = max(map(len, columns[1:]))
    for row in rows:
        print_message(row[0], "bold")
        for index, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if index and cell not in ("", "-"):
                style = style_of(cell) if index in states else ""
                print_beneath(f"  {column.ljust(label_width)}  ", "", cell.replace("\n", " "), style)


def print_beneath(label: str, label_style: str, text: str, style: str = "") -> None:
    """Print a text after its label, and further lines below its beginning.

    A command that is too long for the terminal stays in one piece.
    """
    from rich.text import Text

    console = data_console()
    text = redact.current().text(text)
    lines = fold(text, max(console.width - len(label), 10)) if console.is_terminal else text.split("\n")
    for number, line in enumerate(lines):
        start = Text().append(label if number == 0 else " " * len(label), label_style)
        console.print(start.append(line, style), soft_wrap=True)


def print_checks(checks: Sequence[tuple[str, str, str]]) -> None:
    """Print the state and subject of each check on stdout, and its result below it."""
    for state, subject, found in checks:
        print_beneath(f"{state:<5}", CHECK_STYLES[state], subject)
        print_beneath("└── ", "dim", found)


CHECK_STYLES = {"OK": "green", "FAIL": "red", "SKIP": "yellow"}

_GOOD = (
    *(
        "stable",
        "healthy",
        "rolled out",
        "created",
        "updated",
        "no changes",
        "deleted",
        "running",
        "HEALTHY",
        "imported",
    ),
    "as the configuration says",
)
_BAD = ("failed", "unhealthy", "rolled back", "UNHEALTHY", "stopped")


def style_of(word: str) -> str:
    """The color of a state, which is the last line of a text."""
    word = word.rpartition("\n")[2]
    if word.startswith(_BAD):
        return "red"
    return "green" if word.startswith(_GOOD) else "yellow"


def confirm(question: str, *, expected: str = "yes") -> bool:
    """Ask on stderr and read the answer from stdin; everything except `expected` is a no, and so is a closed stdin."""
    talk_console().print(f'{question} Type "{expected}" to go on: ', end="", markup=False)
    return sys.stdin.readline().strip() == expected


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Show the title while the block runs, and afterwards how long it took."""
    began = time.monotonic()
    if is_watched():
        with talk_console().status(f"{title} …"):
            yield
    else:
        say(f"{title} …")
        yield
    say(f"{title}: {time.monotonic() - began:.1f} s")
