"""`release finish`: tags the commit of the candidate in stage as released."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.answers import answer, go_ahead, say_all
from portside.cli.options import ChangeOptions, changing_options, proof_profile_option
from portside.cli.release.options import expect_monorepo, repository_option
from portside.cli.targets import read_configuration
from portside.commands import tool
from portside.errors import UsageError
from portside.terminal.console import say

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.release.staged import Staged


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
    change: ChangeOptions,
) -> None:
    """Tag the commit of the candidate in stage as released.

    The candidate is read from stage's record and tasks or, without credentials, from the footer of its site. VERSION
    selects another version that ran healthy in stage.
    """
    from portside.release import finish as finishing

    configuration = read_configuration(local=change.local)
    monorepo = expect_monorepo(configuration, repository, local=change.local)
    staged = _read_staged(configuration, stage, version, profile=proof_profile, local=change.local)
    say(f"{staged.version}: {staged.source}.", "yellow" if staged.is_footer else None)
    plan = finishing.plan_finish(monorepo, version, staged)
    say(f"{plan.tag} on {plan.commit[:12]} {plan.subject or ''}".rstrip() + f", where {plan.candidate_tag} is")
    say_all([plan.remark, plan.ignored], "yellow")
    if change.dry_run:
        answer({"plan": plan.as_json()}, plan.tag, as_json=change.as_json)
        return
    go_ahead(f"Push {plan.tag} to {monorepo.name}?", assumed=change.skips_question)
    finishing.execute(plan, monorepo)
    production = next(
        (each.name for each in configuration.environments.values() if each.proved_by == staged.environment), "ENV"
    )
    next_step = tool("release", "promote", production)
    say(f"Both tags are on {plan.commit}. Next: {next_step}")
    answer({"plan": plan.as_json(), "pushed": True}, plan.tag, as_json=change.as_json)


def _read_staged(
    configuration: Configuration, name: str | None, version: str | None, *, profile: str | None, local: bool
) -> Staged:
    """The version in the staging environment, from AWS or, if that is not possible, from its site."""
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
        return read_footer(environment, f"The version of {environment.name} could not be read from AWS ({error})")
