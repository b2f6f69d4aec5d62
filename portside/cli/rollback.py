"""The command that goes back: the images of an earlier deployment, with today's templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from portside.cli.environment import answering
from portside.cli.environment_view import show_changes, show_deployment, show_rollback
from portside.cli.options import (
    Acting,
    acting_on,
    changing_options,
    environment_argument,
    go_ahead,
    read_configuration,
    say_all,
)
from portside.cli.proving import clear_images, confirm, proof_options
from portside.errors import UserError

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
def rollback(
    environment: str,
    to: str | None,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    unproven: str | None,
    proof_profile: str | None,
) -> None:
    """Deploy the images of the previous healthy deployment again.

    Templates stay as they are today. Checks first that the images are still in the registry. Services that the earlier
    deployment did not have are left out.

    If app.py names a version, a commit with the earlier version is prepared on a branch; deploy warns
    until it is merged.
    """
    from portside.deploy.deploy import deploy as deploy_to
    from portside.deploy.starting import Starting
    from portside.deploy.still_published import expect_published
    from portside.records.deployment_record import ROLLBACK, Terms, usual_seconds
    from portside.records.origin import read_origin
    from portside.records.proving_record import no_proof_to_come

    with acting_on(environment, local=local) as acting:
        acting, records, plan = _planned_rollback(acting, to, local=local)
        target, name = acting.target, acting.target.environment.name
        show_rollback(plan)
        cleared = clear_images(
            acting, lambda: Starting(plan.wanted), images=plan.images, reason=unproven, profile=proof_profile
        )
        say_all([expect_published(target, plan.returning)], "yellow")
        origin = read_origin(target)
        say_all([no_proof_to_come(acting.configuration, target, origin)], "yellow")
        commit, remark = _rollback_commit(target, plan)
        say_all([remark])

        def confirm_plan(changes: Sequence[StackChange], _: Sequence[Stack]) -> bool:
            show_changes(changes, with_difference=None)
            if dry_run:
                return False
            cleared.confirm(confirm)
            go_ahead(
                f"Roll {name} back {target.place}?", assumed=local or yes, expected=target.environment.confirmation
            )
            return True

        terms = Terms(
            kind=ROLLBACK,
            instead_of=plan.instead_of,
            left_out=frozenset(plan.left_out),
            expected_seconds=usual_seconds(records),
        )
        result: dict[str, Any] = {"plan": plan.as_json() | {"commit": commit and commit.as_json()}}
        with answering(result, as_json=as_json):
            done = deploy_to(
                target, acting.configuration, plan.images, origin, terms=cleared.terms(terms), confirm=confirm_plan
            )
            made = _commit_rollback(commit) if done and commit else None
            result |= {"deployment": done.as_json(), "commit": made and made.as_json()} if done else {}
        if done and not as_json:
            show_deployment(done)


def _planned_rollback(
    acting: Acting, to: str | None, *, local: bool
) -> tuple[Acting, Sequence[DeploymentRecord], RollbackPlan]:
    """The plan, the place with the configuration at the version that comes back, and what is on record."""
    from dataclasses import replace

    from portside.aws.deployed import deployed_images
    from portside.aws.reader import Reader
    from portside.plan.images import choose_images
    from portside.plan.rollback import choose_record, plan_rollback
    from portside.records.deployment_record import read_records

    target, name = acting.target, acting.target.environment.name
    stacks = Reader(target.clients, target.environment, acting.services).stacks()
    running = deployed_images(stacks, target.environment, acting.services)
    records = read_records(target.clients("ssm"), target.environment)
    record = choose_record(name, records, running, to)
    configuration = read_configuration(local=local, versions={name: record.images.version})
    plan = plan_rollback(
        configuration,
        name,
        record,
        running,
        lambda: choose_images(target.environment, acting.configuration, local=local),
    )
    return Acting(replace(target, environment=configuration.environment(name)), configuration), records, plan


def _rollback_commit(target: Target, plan: RollbackPlan) -> tuple[RollbackCommit | None, str]:
    """The commit to prepare, or why there is none; a rollback does not wait for git."""
    from portside.config.configuration import ROOT
    from portside.release.rollback_commit import plan_rollback_commit

    name, version = target.environment.name, plan.images.version
    if target.is_local:
        return None, "This is a rehearsal: app.py is left alone. In AWS a commit for it is prepared."
    try:
        commit = plan_rollback_commit(ROOT, target.environment, plan.images)
    except UserError as error:
        return None, f"No commit is prepared: {error.message}\nSet GHCR_PACKAGE_VERSION of {name} to {version} by hand."
    if commit is None and target.environment.is_released:
        return None, f"Branch {target.environment.branch} names {version} already, so no commit is needed."
    if commit is None:
        return None, f"app.py names {version}, which moves: the images that go are refused until there are newer ones."
    into = target.environment.branch
    return commit, f"Then a commit on branch {commit.branch} lets app.py say so, for a pull request to {into}."


def _commit_rollback(commit: RollbackCommit) -> Commit | None:
    """Make the commit. That it can't be made does not undo the rollback, which has happened."""
    from portside.config.configuration import ROOT
    from portside.release.rollback_commit import execute
    from portside.terminal.console import say

    try:
        made = execute(ROOT, commit)
    except UserError as error:
        say(f"It is rolled back, but the commit for it was not made: {error.message}\n{error.hint}".strip(), "yellow")
        return None
    say(f"Branch {made.branch} has the commit: push it, and merge it into {commit.base.branch} by a pull request.")
    return made
