"""Writes docs/commands.md from the command line itself: `python tools/command_reference.py`."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from agora_own.extension import AGORA
from portside.cli.main import program, use

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"

_WIDTH = 80

use(AGORA)
_TITLE = """\
# Commands

Written from the command line itself by `python tools/command_reference.py`; a
test fails when this page is out of date. Every command takes `--help`.
"""


def main() -> None:
    """Write the page again."""
    PAGE.write_text(reference(), encoding="utf-8")


def reference() -> str:
    """The page: every command, what it does, its options."""
    root = click.Context(program, info_name="./agora")
    return "\n".join([_TITLE, *(_section(context) for context in contexts(root))])


def contexts(context: click.Context) -> Iterator[click.Context]:
    """A command and all visible commands under it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and not command.hidden:
                yield from contexts(click.Context(command, info_name=name, parent=context))


def _section(context: click.Context) -> str:
    command = context.command
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    return "\n".join(
        [
            *(f"## `{context.command_path}`", ""),
            *("```text", usage, "```", ""),
            *_paragraphs(command.help or ""),
            *_options(context),
            *_links(context),
            *_paragraphs(command.epilog or ""),
        ]
    )


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph:
            yield from (_filled(" ".join(paragraph.split())), "")


def _options(context: click.Context) -> list[str]:
    records = [param.get_help_record(context) for param in context.command.params]
    entries = [f"- `{names}`: {' '.join(meaning.split())}" for names, meaning in filter(None, records) if meaning]
    return [*map(_filled, entries), ""] if entries else []


def _links(context: click.Context) -> list[str]:
    below = [each.command_path for each in contexts(context) if each.parent is context]
    entries = [f"- [`{path}`](#{path.removeprefix('./').replace(' ', '-')})" for path in below]
    return ["Commands:", "", *entries, ""] if entries else []


def _filled(text: str) -> str:
    indent = "  " if text.startswith("- ") else ""
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    main()
