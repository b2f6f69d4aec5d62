"""`release status`: compares the running versions with app.py and the tags."""

from __future__ import annotations

from pathlib import Path

import click

from portside.cli.answers import say_all, write_page
from portside.cli.options import html_option, json_option, local_option
from portside.cli.release.options import chosen_monorepo, repository_option
from portside.cli.release.view import show_matrix
from portside.cli.targets import ReachableTargets, read_configuration
from portside.errors import UserError
from portside.terminal import console


@click.command()
@repository_option
@local_option
@html_option
@json_option
def status(repository: str | None, local: bool, html: Path | None, as_json: bool) -> None:
    """Compare the running versions with app.py and the tags.

    The page of --html also has the next command for each environment. Exit code 1 if nothing could be read.
    """
    from portside.release.board import release_board
    from portside.release.status import expect_one_read, read_status, read_tags, released_versions

    configuration = read_configuration(local=local, acting_on=())
    targets = ReachableTargets(configuration, local=local)
    found = read_status(configuration, targets)
    try:
        tags, remark = read_tags(chosen_monorepo(configuration, repository, local=local))
    except UserError as error:
        tags, remark = None, error.message
    versions = released_versions(tags) if tags else []
    if html:
        write_page(html, release_board(configuration, found, tags, local=local))
    if as_json:
        value = {"environments": [each.as_json() for each in found], "tags": versions, "remark": remark}
        console.print_json(value | targets.error_json())
        targets.expect_one()
        expect_one_read(found)
        return
    show_matrix(found, configuration.environment(configuration.first).short_name)
    if tags:
        console.print_lines(f"\nTags  {', '.join(versions) or 'none yet'}")
    say_all([remark, tags.ignored if tags else ""], "yellow")
    targets.expect_one()
    expect_one_read(found)
