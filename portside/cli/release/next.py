"""`release next`: prints the next release candidate tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.answers import answer, say_all
from portside.cli.options import json_option, local_option
from portside.cli.release.options import expect_monorepo, part_options, repository_option
from portside.cli.targets import read_configuration
from portside.terminal import console

if TYPE_CHECKING:
    from portside.release.version_tags import Part


@click.command(name="next")
@part_options
@repository_option
@local_option
@json_option
def next_(part: Part | None, repository: str | None, local: bool, as_json: bool) -> None:
    """Print the next release candidate tag."""
    from portside.release.cut import next_tag

    found = next_tag(expect_monorepo(read_configuration(local=local, acting_on=()), repository, local=local), part)
    console.say(f"The last tag is {found.last_tag}." if found.last_tag else "There is no release tag yet.")
    say_all([found.ignored], "yellow")
    answer(found.as_json(), found.tag, as_json=as_json)
