"""`./agora release …`: from a tag on the monorepo to prod, step by step, each checked before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.command_group import CommandGroup
from portside.cli.options import (
    Reaching,
    answer,
    environment_argument,
    json_option,
    local_option,
    looking_at,
    read_configuration,
    say_all,
)
from portside.cli.release_branch import pin, promote
from portside.cli.release_options import chosen_monorepo, expect_monorepo, part_options, repository_option
from portside.cli.release_tag import cut, finish
from portside.cli.release_view import show_matrix
from portside.commands import tool
from portside.errors import UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.release.version_tags import Part


@click.group(cls=CommandGroup)
def release() -> None:
    """Tag, pin, promote and verify a release."""


@release.command()
@repository_option
@local_option
@json_option
def status(repository: str | None, local: bool, as_json: bool) -> None:
    """Compare the running versions with app.py and the tags.

    Exit code 1 if nothing could be read.
    """
    from portside.release.status import expect_one_read, read_status, read_tags, released_versions

    configuration = read_configuration(local=local)

    reaching = Reaching(configuration, local=local)
    found = read_status(configuration, reaching)
    try:
        tags, remark = read_tags(chosen_monorepo(configuration, repository, local=local))
    except UserError as error:
        tags, remark = None, error.message
    versions = released_versions(tags) if tags else []
    if as_json:
        value = {"environments": [each.as_json() for each in found], "tags": versions, "remark": remark}
        console.print_json(value | reaching.as_json())
        reaching.expect_one()
        expect_one_read(found)
        return
    show_matrix(found)
    if tags:
        console.print_lines(f"\nTags  {', '.join(versions) or 'none yet'}")
    say_all([remark, tags.ignored if tags else ""], "yellow")
    reaching.expect_one()
    expect_one_read(found)


@release.command(name="next")
@part_options
@repository_option
@local_option
@json_option
def next_(part: Part | None, repository: str | None, local: bool, as_json: bool) -> None:
    """Print the next release candidate tag."""
    from portside.release.next_tag import next_tag
    from portside.terminal.console import say

    found = next_tag(expect_monorepo(read_configuration(local=local), repository, local=local), part)
    say(f"The last tag is {found.last_tag}." if found.last_tag else "There is no release tag yet.")
    say_all([found.ignored], "yellow")
    answer(found.as_json(), found.tag, as_json=as_json)


@release.command()
@environment_argument
@local_option
@json_option
def verify(environment: str, local: bool, as_json: bool) -> None:
    """Check that ENV runs the release that was chosen.

    Compares running tasks, the site's footer and the lock. Exit code 1 if they differ.
    """
    from portside.findings.check import check_as_json, printed
    from portside.plan.rollback import brings_back
    from portside.records.deployment_record import read_records
    from portside.release.verify import FAIL, check_records, expected_images, site_of
    from portside.release.verify import verify as verify_images

    acting = looking_at(environment, local=local)
    target = acting.target
    records = read_records(target.clients("ssm"), target.environment)
    expected, source = expected_images(target, acting.configuration, records)
    checks = verify_images(target, acting.services, expected, site_of(target))
    checks += check_records(target, acting.services, records)
    failed = [check for check in checks if check.state == FAIL]
    if as_json:
        console.print_json(
            {"against": source, "checks": [check_as_json(check) for check in checks], "agree": not failed}
        )
    else:
        console.print_lines(f"{target.environment.name} against {source}")
        console.print_checks([(printed(check), check.subject, check.what) for check in checks])
    if failed:
        name = target.environment.name
        hint = f"Deploy it, or see what was done: {tool('history', name)}"
        if brings_back(records, expected):
            hint = f"{name} was rolled back: merge the rollback's commit into {name}, then they agree."
        raise UserError(f"{name} does not run what it should: {', '.join(each.subject for each in failed)}", hint)


for _command in (cut, finish, pin, promote):
    release.add_command(_command)
