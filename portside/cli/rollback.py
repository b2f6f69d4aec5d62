"""`rollback`: deploys the images of an earlier deployment with today's templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from portside.cli.answers import answering, confirm, confirm_change, say_all
from portside.cli.deployment_view import show_changes, show_deployment
from portside.cli.options import (
    ChangeOptions,
    ProofOptions,
    changing_options,
    environment_argument,
    proof_options,
)
from portside.cli.proof import clear_images
from portside.cli.targets import ConfiguredTarget, locked_target, read_configuration
from portside.errors import UserError
from portside.terminal.console import say
from portside.timestamps import age

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.plan.plan import StackChange
    from portside.plan.rollback import RollbackPlan
    from portside.records.deployment_record import DeploymentRecord
    from portside.release.branches import Commit
    from portside.release.rollback_commit import RollbackCommit
    from portside.synthesis.assembly import Stack


@click.command()
@environment_argument
@click.option("--to", "to", metavar="VERSION", help="A version, or the number of a deployment in the history.")
@changing_options
@proof_options
def rollback(environment: str, to: str | None, change: ChangeOptions, proof: ProofOptions) -> None:
    """Deploy the images of the previous healthy deployment again.

    Templates stay as they are today. Checks first that the images are still in the registry. Services that the earlier
    deployment did not have are omitted.

    If app.py names a version, a commit with the earlier version is prepared on a branch; deploy warns
    until it is merged.
    """
    from portside.deploy.deploy import deploy as deploy_to
    from portside.deploy.starting import Starting
    from portside.deploy.still_published import expect_published
    from portside.records.deployment_record import ROLLBACK, Terms, usual_seconds
    from portside.records.origin import read_origin
    from portside.records.proving_record import no_proof_to_come

    with locked_target(environment, local=change.local) as configured:
        configured, records, plan = _planned_rollback(configured, to, local=change.local)
        target, name = configured.target, configured.target.environment.name
        _show_plan(plan, target.environment.short_name)
        cleared = clear_images(
            configured,
            lambda: Starting(plan.requested),
            images=plan.images,
            reason=proof.unproven,
            profile=proof.proof_profile,
        )
        say_all([expect_published(target, configured.configuration, plan.returning)], "yellow")
        origin = read_origin(target)
        say_all([no_proof_to_come(configured.configuration, target, origin)], "yellow")
        commit, remark = _rollback_commit(target, plan)
        say_all([remark])

        def confirm_plan(changes: Sequence[StackChange], _: Sequence[Stack]) -> bool:
            show_changes(changes, with_difference=None)
            if change.dry_run:
                return False
            cleared.confirm(confirm)
            confirm_change(f"Roll {name} back {target.place}?", target.environment, change)
            return True

        terms = Terms(
            kind=ROLLBACK,
            instead_of=plan.instead_of,
            left_out=frozenset(plan.left_out),
            expected_seconds=usual_seconds(records),
        )
        result: dict[str, Any] = {"plan": plan.as_json() | {"commit": commit and commit.as_json()}}
        with answering(result, as_json=change.as_json):
            done = deploy_to(
                target, configured.configuration, plan.images, origin, terms=cleared.terms(terms), confirm=confirm_plan
            )
            made = _commit_rollback(commit) if done and commit else None
            result |= {"deployment": done.as_json(), "commit": made and made.as_json()} if done else {}
        if done and not change.as_json:
            show_deployment(done, target.environment.short_name)


def _planned_rollback(
    configured: ConfiguredTarget, to: str | None, *, local: bool
) -> tuple[ConfiguredTarget, Sequence[DeploymentRecord], RollbackPlan]:
    """The target with the configuration at the earlier version, the records, and the plan."""
    from dataclasses import replace

    from portside.aws.deployed import deployed_images
    from portside.aws.ownership import expect_ours
    from portside.aws.reader import Reader
    from portside.config.stacks import stacks_for
    from portside.plan.images import choose_images
    from portside.plan.rollback import choose_record, plan_rollback
    from portside.records.deployment_record import read_records

    target, name = configured.target, configured.target.environment.name
    stacks = Reader(target.clients, target.environment, configured.services).stacks()
    names = [stack.name for stack in stacks_for(target.environment, configured.services)]
    expect_ours((stacks[each] for each in names if each in stacks), target.environment)
    running = deployed_images(stacks, target.environment, configured.services)
    records = read_records(target.clients("ssm"), target.environment)
    record = choose_record(name, records, running, to)
    configuration = read_configuration(local=local, versions={name: record.images.version}, acting_on=[name])
    plan = plan_rollback(
        configuration,
        name,
        record,
        running,
        lambda: choose_images(target.environment, configured.configuration, local=local),
    )
    return ConfiguredTarget(replace(target, environment=configuration.environment(name)), configuration), records, plan


def _rollback_commit(target: Target, plan: RollbackPlan) -> tuple[RollbackCommit | None, str]:
    """The commit to prepare, or the reason why it is not possible, which does not stop the rollback."""
    from portside.config.configuration import ROOT
    from portside.release.rollback_commit import plan_rollback_commit

    name, version = target.environment.name, plan.images.version
    if target.is_local:
        return None, "A rehearsal does not change app.py. On AWS a commit for it is prepared."
    try:
        commit = plan_rollback_commit(ROOT, target.environment, plan.images)
    except UserError as error:
        return None, f"No commit is prepared: {error.message}\nSet GHCR_PACKAGE_VERSION of {name} to {version} by hand."
    if commit is None and target.environment.is_released:
        return None, f"Branch {target.environment.branch} names {version} already, so no commit is needed."
    if commit is None:
        return (
            None,
            f"app.py names {version}, which moves: deploy refuses the images rolled back until newer ones exist.",
        )
    into = target.environment.branch
    return (
        commit,
        f"Afterwards a commit with this version is made on branch {commit.branch}, for a pull request to {into}.",
    )


def _commit_rollback(commit: RollbackCommit) -> Commit | None:
    """Make the commit. The rollback has succeeded even if this fails."""
    from portside.config.configuration import ROOT
    from portside.release.rollback_commit import execute

    try:
        made = execute(ROOT, commit)
    except UserError as error:
        say(f"The rollback succeeded, but its commit was not made: {error.message}\n{error.hint}".strip(), "yellow")
        return None
    say(f"Branch {made.branch} has the commit: push it, and merge it into {commit.base.branch} by a pull request.")
    return made


def _show_plan(plan: RollbackPlan, short_name: Callable[[str], str]) -> None:
    record = plan.to
    say(f"Back to {record.images.version}, deployment {record.number}, {age(record.began)}:")
    for service, before, after in plan.changes:
        was = f"{before.tag} {before.digest[7:19]}" if before else "nothing"
        becomes = f"{after.tag} {after.digest[7:19]} (commit {after.short_commit or 'unknown'})"
        say(f"  {short_name(service)}: {was} -> {becomes}")
    if not plan.changes:
        say("  every service runs these images already")
    for service in plan.left_out:
        say(f"  {short_name(service)} was not part of that deployment: it keeps its present image.", "yellow")
