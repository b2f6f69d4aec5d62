"""`release cut`: tags the next release candidate on the monorepo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from portside.cli.answers import answer, go_ahead, say_all
from portside.cli.options import ChangeOptions, changing_options, collect
from portside.cli.release.options import expect_monorepo, part_options, repository_option
from portside.cli.targets import read_configuration
from portside.commands import tool
from portside.errors import UserError
from portside.terminal.console import say

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.release.cut import CutPlan
    from portside.release.monorepo import Monorepo
    from portside.release.version_tags import Part


@dataclass(frozen=True, kw_only=True)
class CutOptions:
    """The options that choose the commit and its tag."""

    part: Part | None
    version: str | None
    start: str | None
    again: bool


@click.command()
@part_options
@click.option("--version", "version", metavar="VERSION", help="The candidate to tag.")
@click.option(
    "--from",
    "start",
    metavar="REF",
    help="The release, branch or commit to tag, for a hot-fix; main by default.",
)
@click.option("--again", is_flag=True, help="Tag a commit that already has a candidate.")
@click.option(
    "--wait-minutes",
    type=click.IntRange(0, 240),
    default=60,
    show_default=True,
    help="How long to wait for the images.",
)
@repository_option
@changing_options
@collect(CutOptions, "options")
def cut(options: CutOptions, wait_minutes: int, repository: str | None, change: ChangeOptions) -> None:
    """Tag the next release candidate and wait for its images.

    --from tags an earlier commit, as the next patch of the release it belongs to. The images must be built from the
    commit of the tag.
    """
    from portside.release import cut as cutting

    configuration = read_configuration(local=change.local, acting_on=())
    monorepo = expect_monorepo(configuration, repository, local=change.local)
    plan = cutting.plan_cut(monorepo, options.part, options.version, start=options.start, again=options.again)
    say(f"Read {plan.source} of {monorepo.name}: {plan.commit[:12]} {plan.subject or ''}".rstrip())
    say(f"{plan.tag} on {plan.commit[:12]}, after {plan.last_tag or 'no tag'}")
    say_all([plan.ignored], "yellow")
    if change.dry_run:
        answer({"plan": plan.as_json()}, plan.tag, as_json=change.as_json)
        return
    go_ahead(f"Push {plan.tag} to {monorepo.name}?", assumed=change.skips_question)
    cutting.execute(plan, monorepo)
    say(f"{plan.tag} is pushed.")
    if change.local:
        _publish_locally(configuration, str(plan.version), plan.commit)
    if wait_minutes:
        _wait_for_images(plan, configuration, monorepo, local=change.local, within_seconds=wait_minutes * 60)
    next_step = tool("release", "pin", plan.version, *(["--only", "ENV"] if plan.is_hot_fix else []))
    if plan.is_hot_fix:
        say("Pin a hot-fix for one environment at a time, the staging environment first.")
    say(f"Next: {next_step}")
    answer({"plan": plan.as_json(), "pushed": True}, plan.tag, as_json=change.as_json)


def _publish_locally(configuration: Configuration, version: str, commit: str) -> None:
    """Do what the monorepo's release job does."""
    from portside.aws.target import local_state_dir
    from portside.emulator.client import process
    from portside.extension import installed
    from portside.images.synthesis_images import references_of
    from portside.rehearsal import practice_monorepo

    running = process.expect_running(local_state_dir())
    references = references_of([props for name in configuration.released for props in configuration.services_of(name)])
    practice_monorepo.publish(
        running, [*references, *installed().released_images(configuration, configuration.released)], [version], commit
    )


def _wait_for_images(
    plan: CutPlan, configuration: Configuration, monorepo: Monorepo, *, local: bool, within_seconds: float
) -> None:
    """Wait until all images are published, and check that they were built from the tag's commit."""
    from portside.images.failures import ResolutionFailed
    from portside.images.synthesis_images import references_of
    from portside.plan.images import look_up, missing_images
    from portside.release.built_from import check_built_from
    from portside.release.cut import wait_for_images
    from portside.release.followed import Pace

    version = str(plan.version)
    at_version = read_configuration(local=local, versions=dict.fromkeys(configuration.released, version))
    references = references_of([props for name in at_version.released for props in at_version.services_of(name)])

    def report(missing: Sequence[str]) -> None:
        there = len(references) - len(missing)
        names = ", ".join(name.rpartition("/")[2] for name in missing)
        say(f"{there} of {len(references)} images are published" + (f", waiting for {names}" if names else "."))

    try:
        wait_for_images(
            plan,
            lambda: missing_images(references, version, at_version, local=local),
            report,
            Pace(0.2 if local else 20, within_seconds),
        )
        lock = look_up(references, version, at_version, local=local)
    except ResolutionFailed as failed:
        hint = f"{plan.tag} is pushed. When that is fixed, run: {tool('release', 'pin', version)}"
        raise UserError(failed.message, f"{failed.hint}\n{hint}".strip()) from None
    check_built_from(lock, monorepo.refs())
