"""`./agora release cut` and `finish`: the tags on the monorepo that begin and end a release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from portside.cli.options import (
    answer,
    changing_options,
    go_ahead,
    read_configuration,
    say_all,
)
from portside.cli.proving import proof_profile_option
from portside.cli.release_options import expect_monorepo, part_options, repository_option
from portside.commands import tool
from portside.errors import UsageError, UserError

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.release.cut import CutPlan
    from portside.release.monorepo import Monorepo
    from portside.release.staged import Staged
    from portside.release.version_tags import Part


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
def cut(
    part: Part | None,
    version: str | None,
    start: str | None,
    again: bool,
    wait_minutes: int,
    repository: str | None,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tag the next release candidate and wait for its images.

    --from tags an earlier commit, as the next patch of the release it belongs to. The images must be built from the
    commit of the tag.
    """
    from portside.release import cut as cutting
    from portside.terminal.console import say

    configuration = read_configuration(local=local)
    monorepo = expect_monorepo(configuration, repository, local=local)
    plan = cutting.plan_cut(monorepo, part, version, start=start, again=again)
    say(f"Read {plan.source} of {monorepo.name}: {plan.commit[:12]} {plan.subject or ''}".rstrip())
    say(f"{plan.tag} on {plan.commit[:12]}, after {plan.last_tag or 'no tag'}")
    say_all([plan.ignored], "yellow")
    if dry_run:
        answer({"plan": plan.as_json()}, plan.tag, as_json=as_json)
        return
    go_ahead(f"Push {plan.tag} to {monorepo.name}?", assumed=yes or local)
    cutting.execute(plan, monorepo)
    say(f"{plan.tag} is pushed.")
    if local:
        _publish_locally(configuration, str(plan.version), plan.commit)
    if wait_minutes:
        _wait_for_images(plan, configuration, monorepo, local=local, within_seconds=wait_minutes * 60)
    go_on = tool("release", "pin", plan.version, *(["--only", "ENV"] if plan.is_hot_fix else []))
    if plan.is_hot_fix:
        say("A hot-fix is pinned for one environment after the other, the staging one first.")
    say(f"Go on with: {go_on}")
    answer({"plan": plan.as_json(), "pushed": True}, plan.tag, as_json=as_json)


@click.command()
@click.argument("version", metavar="[VERSION]", required=False)
@click.option("--stage", metavar="ENV", help="The staging environment, if there are several.")
@proof_profile_option
@repository_option
@changing_options
def finish(
    version: str | None,
    stage: str | None,
    proof_profile: str | None,
    repository: str | None,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Tag the commit of the candidate in stage as released.

    The candidate is read from stage's record and tasks or, without credentials, from the footer of its site. VERSION
    selects another one that ran healthy in stage.
    """
    from portside.release import finish as finishing
    from portside.terminal.console import say

    configuration = read_configuration(local=local)
    monorepo = expect_monorepo(configuration, repository, local=local)
    staged = _read_staged(configuration, stage, version, profile=proof_profile, local=local)
    say(f"{staged.version}: {staged.source}.", "yellow" if staged.is_footer else None)
    plan = finishing.plan_finish(monorepo, version, staged)
    say(f"{plan.tag} on {plan.commit[:12]} {plan.subject or ''}".rstrip() + f", where {plan.candidate_tag} is")
    say_all([plan.remark, plan.ignored], "yellow")
    if dry_run:
        answer({"plan": plan.as_json()}, plan.tag, as_json=as_json)
        return
    go_ahead(f"Push {plan.tag} to {monorepo.name}?", assumed=yes or local)
    finishing.execute(plan, monorepo)
    production = next(
        (each.name for each in configuration.environments.values() if each.proved_by == staged.environment), "ENV"
    )
    go_on = tool("release", "promote", production)
    say(f"Both tags are on {plan.commit}. Go on with: {go_on}")
    answer({"plan": plan.as_json(), "pushed": True}, plan.tag, as_json=as_json)


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
    from portside.terminal.console import say

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
            lambda: missing_images(references, version, local=local),
            report,
            every_seconds=0.2 if local else 20,
            within_seconds=within_seconds,
        )
        lock = look_up(references, version, local=local)
    except ResolutionFailed as failed:
        hint = f"{plan.tag} is pushed. When that is fixed, go on with: {tool('release', 'pin', version)}"
        raise UserError(failed.message, f"{failed.hint}\n{hint}".strip()) from None
    check_built_from(lock, monorepo.refs())


def _read_staged(
    configuration: Configuration, name: str | None, version: str | None, *, profile: str | None, local: bool
) -> Staged:
    """What the staging environment runs, by AWS or, where that cannot be asked, by its site."""
    from botocore.exceptions import BotoCoreError, ClientError

    from portside.aws.target import aws_target, local_target
    from portside.records.deployment_record import read_records
    from portside.release.staged import read_footer, read_staged, staging_environment

    environment = staging_environment(configuration, name)
    try:
        target = local_target(environment) if local else aws_target(environment, profile=profile)
    except UsageError as error:
        return read_footer(environment, error.message)
    try:
        records = read_records(target.clients("ssm"), environment)
        return read_staged(target, configuration.services_of(environment.name), records, version)
    except (BotoCoreError, ClientError) as error:
        if local:
            raise
        return read_footer(environment, f"AWS did not say what {environment.name} runs ({error})")
