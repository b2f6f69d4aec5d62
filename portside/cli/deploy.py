"""`deploy`: deploys an environment and waits until its services are healthy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from portside.cli.answers import answering, confirm, go_ahead, say_all
from portside.cli.deployment_view import (
    show_changes,
    show_deployment,
    show_idle_faults,
    show_open_ports,
    show_verification,
)
from portside.cli.options import (
    ChangeOptions,
    ProofOptions,
    changing_options,
    collect,
    environment_argument,
    proof_options,
    replace_option,
)
from portside.cli.proof import clear_deployment
from portside.cli.targets import ConfiguredTarget, locked_target, show_warnings
from portside.errors import UsageError, UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.images.resolution import Resolution
    from portside.plan.plan import StackChange
    from portside.records.deployment_record import DeploymentRecord
    from portside.synthesis.assembly import Stack


@dataclass(frozen=True, kw_only=True)
class DeployOptions:
    """The options that only `deploy` has."""

    faults: tuple[str, ...]
    seed_stage: bool
    undo_rollback: bool
    no_verify: bool
    prune: bool
    replace: tuple[str, ...]


@click.command()
@environment_argument
@changing_options
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SERVICE=FAULT[:VALUE]",
    help="Inject a fault, such as app=slow-start:20; see: local faults. Only with --local.",
)
@click.option("--seed-stage", is_flag=True, help="Record that stage ran this release. Only with --local.")
@click.option(
    "--bring-back", "undo_rollback", is_flag=True, help="Deploy the images again that the last rollback replaced."
)
@click.option("--no-verify", is_flag=True, help="Skip the pre-flight checks.")
@click.option("--prune", is_flag=True, help="Afterwards delete stacks of ENV that are no longer in app.py.")
@replace_option
@proof_options
@collect(DeployOptions, "options")
def deploy(environment: str, change: ChangeOptions, options: DeployOptions, proof: ProofOptions) -> None:
    """Deploy ENV and wait until its services are healthy.

    Resolves the images, or takes them from the release lock, shows the changes, runs the
    pre-flight checks and asks for confirmation. With --local it does not ask, and starts the embedded AWS if
    needed. prod accepts only a committed lock whose images ran healthy in stage. The events are
    saved in a folder with an HTML page.
    """
    for given, option in ((options.faults, "--fault"), (options.seed_stage, "--seed-stage")):
        if given and not change.local:
            raise UsageError(f"{option}: only with --local", "It would change AWS.")
    from portside.deploy.deploy import deploy as deploy_to
    from portside.deploy.planning import anything_to_do
    from portside.plan.images import choose_images
    from portside.records.deployment_record import Terms, read_records, usual_seconds
    from portside.records.maintenance_record import maintenance_of
    from portside.records.origin import read_origin
    from portside.records.proving_record import no_proof_to_come

    with locked_target(environment, local=change.local) as configured:
        target = configured.target
        if change.local:
            from portside.rehearsal.prepare import switch_faults

            switch_faults(target, configured.services, options.faults)
        else:
            console.say(f"This acts on {target.environment.name} {target.place}.")
        show_warnings(configured)
        images = choose_images(target.environment, configured.configuration, local=change.local)
        cleared = clear_deployment(
            configured,
            images,
            reason=proof.unproven,
            profile=proof.proof_profile,
            seed=options.seed_stage,
            write=not change.dry_run,
        )
        say_all([maintenance_of(target)], "yellow")
        origin = read_origin(target)
        without_proof = no_proof_to_come(configured.configuration, target, origin)
        records = read_records(target.clients("ssm"), target.environment)
        if not options.undo_rollback:
            _check_rollback(configured, records, images, refuse=change.skips_question and not change.dry_run)
        result: dict[str, Any] = {"images": images.as_json()}

        def confirm_plan(changes: Sequence[StackChange], stacks: Sequence[Stack]) -> bool:
            result["plan"] = [each.as_json() for each in changes]
            show_changes(changes, with_difference=None if change.skips_question or change.dry_run else target)
            show_idle_faults(target, changes, options.faults, configured.services)
            say_all([without_proof], "yellow")
            if change.local:
                from portside.preflight.templates import expect_accepted, expect_rehearsable

                expect_rehearsable(stacks)
            if not options.no_verify:
                result["verification"] = _verify(configured, images, stacks, options.replace, proof)
            elif change.local:
                # In AWS it would fail there.
                expect_accepted(target.environment, stacks)
            if change.dry_run:
                return False
            cleared.confirm(confirm)
            go_ahead(
                f"Deploy this to {target.environment.name} {target.place}?",
                assumed=change.skips_question or not anything_to_do(changes),
                expected=target.environment.confirmation,
            )
            return True

        terms = cleared.terms(Terms(prune=options.prune, expected_seconds=usual_seconds(records)))
        with answering(result, as_json=change.as_json):
            done = deploy_to(target, configured.configuration, images, origin, terms=terms, confirm=confirm_plan)
            result |= {"deployment": done.as_json()} if done else {}
        if done and not change.as_json:
            show_deployment(done, target.environment.short_name)


def _verify(
    configured: ConfiguredTarget,
    images: Resolution,
    stacks: Sequence[Stack],
    replaceable: tuple[str, ...],
    proof: ProofOptions,
) -> dict[str, Any]:
    from portside.deploy.planning import expect_nothing_in_the_way
    from portside.preflight.run import before_deployment

    target = configured.target
    with console.step("Pre-flight checks"):
        found = before_deployment(
            target,
            configured.configuration,
            images,
            stacks,
            replace=replaceable,
            proof_profile=proof.proof_profile,
        )
    show_verification(found)
    show_open_ports(target, found)
    expect_nothing_in_the_way(target, found)
    return found.as_json()


def _check_rollback(
    configured: ConfiguredTarget, records: Sequence[DeploymentRecord], images: Resolution, *, refuse: bool
) -> None:
    """Warn if this deploys images that the last rollback replaced, or `refuse` it."""
    from portside.plan.rollback import restored_images

    returning = restored_images(records, images)
    if not returning:
        return
    environment = configured.target.environment
    message = f"{environment.name} was rolled back, and this would deploy {', '.join(returning)} again"
    if refuse:
        into = f"Merge the rollback's commit into {environment.branch}"
        raise UserError(message, f"{into}, or pin what should run; or deploy it with --bring-back.")
    console.say(message, "yellow")
