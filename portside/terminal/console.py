"""What a person sees: talk on stderr, data on stdout, colour only where it is wanted.

All that a command prints goes through here, and so through the redactor.
"""

from __future__ import annotations

import contextlib
import functools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import IO, TYPE_CHECKING, Any

from portside import redact

if TYPE_CHECKING:
    from rich.console import Console

NO_TERMINAL_WIDTH = 160
"""How wide a table is drawn, in columns, where the output is no terminal and does not wrap."""


@functools.cache
def talk_console() -> Console:
    """Where progress and remarks go. NO_COLOR and TERM=dumb are honoured by rich."""
    from portside.terminal.shown_console import ShownConsole

    width = None if sys.stderr.isatty() else NO_TERMINAL_WIDTH
    return ShownConsole(stderr=True, highlight=False, emoji=False, soft_wrap=not sys.stderr.isatty(), width=width)


@functools.cache
def data_console() -> Console:
    """Where answers go."""
    from portside.terminal.shown_console import ShownConsole

    width = None if sys.stdout.isatty() else NO_TERMINAL_WIDTH
    return ShownConsole(highlight=False, emoji=False, width=width)


def is_watched() -> bool:
    """Whether a person looks at the talk as it comes."""
    return talk_console().is_terminal


def say(message: str, style: str | None = None) -> None:
    """Tell a person something, on stderr. Where that can't be written, what is being done goes on all the same."""
    with contextlib.suppress(OSError, ValueError):
        talk_console().print(message, style=style, markup=False)


class _Answered:
    """What this command has printed for a machine so far."""

    document = False
    lines = False
    began = time.monotonic()


def begin() -> None:
    """Note that a command begins, which has answered nothing yet."""
    _Answered.document = _Answered.lines = False
    _Answered.began = time.monotonic()


def elapsed_seconds() -> float:
    """The seconds since the command began."""
    return time.monotonic() - _Answered.began


def print_json(value: Any) -> None:
    """Answer a machine, on stdout."""
    _Answered.document = True
    sys.stdout.write(_dumped(value, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Answer a machine with one of many values, on stdout: a line each."""
    _Answered.lines = True
    sys.stdout.write(_dumped(value, indent=None) + "\n")


def print_error(value: Any) -> None:
    """Tell a machine what stopped the command, unless it has its document already; after lines as one more line."""
    if _Answered.lines:
        print_json_line(value)
    elif not _Answered.document:
        print_json(value)


def _dumped(value: Any, indent: int | None) -> str:
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    return json.dumps(redact.current().json(value), indent=indent, ensure_ascii=not is_unicode, default=_as_text)


def _as_text(value: object) -> str:
    return redact.current().text(str(value))


def print_lines(text: str) -> None:
    """Answer a person, on stdout, as it is written: neither folded nor coloured."""
    sys.stdout.write(redact.current().text(text) + "\n")


def print_beside(label: str, line: str) -> None:
    """Answer with a line of a program's beside a label of ours, which may be coloured."""
    sys.stdout.write(f"{label} {redact.current().line(line)}\n")


def print_from_program(lines: redact.Lines, line: str, to: IO[str]) -> None:
    """Pass on a line of another program's, in its colours where it has no secret."""
    to.write(lines.coloured(line.rstrip("\n")) + "\n")
    to.flush()


def hand_over(line: str) -> None:
    """Print on stdout, secrets too, what a person asked for to set up a shell with."""
    sys.stdout.write(line + "\n")


def print_diagnostics(text: str) -> None:
    """Print on stderr what is for who looks for a mistake: neither folded nor coloured."""
    sys.stderr.write(redact.current().text(text) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, states: Sequence[int] = ()) -> None:
    """Print a table on stdout that folds to the width of the terminal.

    Columns of `states` are coloured by the word in the last line of each cell. On a narrow terminal each row becomes a
    block of `column: value` lines.
    """
    console, rows = data_console(), [[redact.current().text(cell) for cell in row] for row in rows]
    lines = [[line for row in [columns, *rows] for line in row[index].split("\n")] for index in range(len(columns))]
    widest = [max(map(len, column)) for column in lines]
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


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], states: Sequence[int]) -> None:
    from rich.text import Text

    console = data_console()
    label_width = max(map(len, columns[1:]))
    for row in rows:
        console.print(Text(row[0], style="bold"))
        for index, (column, cell) in enumerate(zip(columns[1:], row[1:], strict=True), start=1):
            line = Text(f"  {column.ljust(label_width)}  ").append(
                cell.replace("\n", " "), style_of(cell) if index in states else ""
            )
            console.print(line, overflow="fold")


def print_checks(checks: Sequence[tuple[str, str, str]]) -> None:
    """Print on stdout what was checked, as a tree: state, subject, and what was found, folded under its subject."""
    from rich.text import Text
    from rich.tree import Tree

    console = data_console()
    tree = Tree(Text(""), hide_root=True, guide_style="dim")
    for state, subject, found in checks:
        branch = tree.add(Text(f"{state:<5}", CHECK_STYLES[state]).append(redact.current().text(subject), "default"))
        branch.add(Text(redact.current().text(found), overflow="fold"))
    console.print(tree)


CHECK_STYLES = {"OK": "green", "FAIL": "red", "SKIP": "yellow"}

_GOOD = (
    *("stable", "healthy", "created", "updated", "no changes", "deleted", "running", "HEALTHY", "imported"),
    "as the configuration says",
)
_BAD = ("failed", "unhealthy", "rolled back", "UNHEALTHY", "stopped")


def style_of(word: str) -> str:
    """The colour of a state, which is the last line of a text."""
    word = word.rpartition("\n")[2]
    if word.startswith(_BAD):
        return "red"
    return "green" if word.startswith(_GOOD) else "yellow"


def confirm(question: str, *, expected: str = "yes") -> bool:
    """Ask on stderr, read an answer from stdin; anything but `expected` is a no, and so is a closed stdin."""
    talk_console().print(f'{question} Type "{expected}" to go on: ', end="", markup=False)
    return sys.stdin.readline().strip() == expected


@contextlib.contextmanager
def step(title: str) -> Iterator[None]:
    """Tell what is being done while the block runs, and how long it took."""
    began = time.monotonic()
    if is_watched():
        with talk_console().status(f"{title} …"):
            yield
    else:
        say(f"{title} …")
        yield
    say(f"{title}: {time.monotonic() - began:.1f} s")
