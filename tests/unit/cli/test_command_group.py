"""The help of the command line: sections, one line a command, no error without arguments."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from portside import __version__
from portside.cli.command_group import CommandGroup, first_sentence
from portside.cli.main import program


def groups(group: click.Group = program) -> Iterator[click.Group]:
    yield group
    for command in group.commands.values():
        if isinstance(command, click.Group):
            yield from groups(command)


@pytest.mark.parametrize("words", [[], ["release"], ["local"]])
def test_a_call_without_arguments_prints_the_help(words: list[str]) -> None:
    run = CliRunner().invoke(program, words)
    assert (run.exit_code, run.stdout.split()[0]) == (0, "Usage:")


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(program, ["--version"]).stdout == f"./agora {__version__}\n"


def test_every_command_is_in_one_section() -> None:
    assert isinstance(program, CommandGroup)
    listed = [name for section in program.sections.values() for name in section]
    assert sorted(listed) == sorted(program.commands)


@pytest.mark.parametrize("group", list(groups()), ids=lambda group: str(group.name))
def test_a_description_fits_one_line_of_80_columns(group: click.Group) -> None:
    indent, gap, width = 2, 2, max(map(len, group.commands))
    room = 78 - indent - gap - width
    assert [name for name, each in group.commands.items() if not 0 < len(first_sentence(each)) <= room] == []
