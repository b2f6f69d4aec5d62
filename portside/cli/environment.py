"""The commands that act on one environment: deploy it, compare it, go back, take it down, and see what was done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from portside.cli.environment_view import (
    history_row,
    show_changes,
    show_deployment,
    show_destruction,
    show_idle_faults,
    show_open_ports,
    show_verification,
)
from portside.cli.options import (
    Acting,
    acting_on,
    answer,
    changing_options,
    dry_run_option,
    environment_argument,
    go_ahead,
    json_option,
    local_option,
    looking_at,
    read_configuration,
    say_all,
    yes_option,
)
from portside.cli.proving import (
    clear_deployment,
    confirm,
    proof_options,
)
from portside.errors import UsageError, UserError

if TYPE_CHECKING:
    from portside.images.resolution import Resolution
    from portside.plan.plan import StackChange
    from portside.records.deployment_record import DeploymentRecord
    from portside.synthesis.assembly import Stack


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
@click.option("--bring-back", is_flag=True, help="Deploy the images again that the last rollback replaced.")
@click.option("--no-verify", is_flag=True, help="Skip the pre-flight checks.")
@click.option("--prune", is_flag=True, help="Afterwards delete stacks of ENV that are no longer in app.py.")
@click.option(
    "--replace",
    "replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Allow the replacement or deletion of this stateful resource.",
)
@proof_options
def deploy(
    environment: str,
    local: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    faults: tuple[str, ...],
    seed_stage: bool,
    bring_back: bool,
    no_verify: bool,
    prune: bool,
    replace: tuple[str, ...],
    unproven: str | None,
    proof_profile: str | None,
) -> None:
    """Deploy ENV and wait until its services are healthy.

    Resolves the images, or takes them from the release lock, shows the changes, runs the
    pre-flight checks and asks for confirmation. With --local it does not ask, and starts the embedded AWS if
    needed. prod accepts only a committed lock whose images ran healthy in stage. The events are
    saved in a folder with an HTML page.
    """
    for given, option in ((faults, "--fault"), (seed_stage, "--seed-stage")):
        if given and not local:
            raise UsageError(f"{option}: only with --local", "That is rehearsed on this machine, never in AWS.")
    from portside.deploy.deploy import deploy as deploy_to
    from portside.deploy.planning import anything_to_do, expect_nothing_in_the_way
    from portside.plan.images import choose_images
    from portside.records.deployment_record import Terms, read_records, usual_seconds
    from portside.records.origin import read_origin
    from portside.records.proving_record import no_proof_to_come
    from portside.terminal import console
    from portside.terminal.console import step

    with acting_on(environment, local=local) as acting:
        target = acting.target
        if local:
            from portside.rehearsal.prepare import switch_faults

            switch_faults(target, acting.services, faults)
        else:
            console.say(f"This acts on {target.environment.name} {target.place}.")
        images = choose_images(target.environment, acting.configuration, local=local)
        cleared = clear_deployment(
            acting, images, reason=unproven, profile=proof_profile, seed=seed_stage, write=not dry_run
        )
        origin = read_origin(target)
        without_proof = no_proof_to_come(acting.configuration, target, origin)
        records = read_records(target.clients("ssm"), target.environment)
        _look_back(acting, records, images, unasked=(local or yes) and not dry_run, allowed=bring_back)
        result: dict[str, Any] = {"images": images.as_json()}

        def show(changes: Sequence[StackChange]) -> None:
            result["plan"] = [change.as_json() for change in changes]
            show_changes(changes, with_difference=None if local or dry_run or yes else target)
            show_idle_faults(target, changes, faults)
            say_all([without_proof], "yellow")

        def may_go_on(changes: Sequence[StackChange]) -> bool:
            if dry_run:
                return False
            cleared.confirm(confirm)
            question = f"Deploy this to {target.environment.name} {target.place}?"
            go_ahead(
                question, assumed=local or yes or not anything_to_do(changes), expected=target.environment.confirmation
            )
            return True

        def check(stacks: Sequence[Stack]) -> None:
            if no_verify:
                if local:
                    from portside.preflight.templates import expect_accepted

                    # In AWS it would fail there.
                    expect_accepted(target.environment, stacks)
                return
            from portside.preflight.run import before_deployment

            with step("Pre-flight checks"):
                found = before_deployment(
                    target, acting.configuration, images, stacks, replace=replace, proof_profile=proof_profile
                )
            result["verification"] = found.as_json()
            show_verification(found)
            show_open_ports(target, found)
            expect_nothing_in_the_way(target, found)

        def confirm_plan(changes: Sequence[StackChange], stacks: Sequence[Stack]) -> bool:
            show(changes)
            check(stacks)
            return may_go_on(changes)

        terms = cleared.terms(Terms(prune=prune, expected_seconds=usual_seconds(records)))
        with answering(result, as_json=as_json):
            done = deploy_to(target, acting.configuration, images, origin, terms=terms, confirm=confirm_plan)
            result |= {"deployment": done.as_json()} if done else {}
        if done and not as_json:
            show_deployment(done)


@click.command()
@environment_argument
@local_option
@json_option
def diff(environment: str, local: bool, as_json: bool) -> None:
    """Compare the deployed templates with app.py."""
    from portside.deploy.planning import plan
    from portside.plan.images import choose_images
    from portside.synthesis import cdk_cli
    from portside.terminal import console

    with acting_on(environment, local=local) as acting:
        images = choose_images(acting.target.environment, acting.configuration, local=local)
        planned = plan(acting.target, acting.services, images)
        if as_json:
            console.print_json([change.as_json() for change in planned.changes])
        else:
            cdk_cli.diff(acting.target)


@click.command()
@environment_argument
@local_option
@click.option("--with-data", is_flag=True, help="Also delete the database and its network; refused in prod on AWS.")
@click.option("--stack", metavar="NAME", help="Delete only this stack, which is no longer in app.py.")
@yes_option
@dry_run_option
@json_option
def destroy(
    environment: str, local: bool, with_data: bool, stack: str | None, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Delete the stacks of ENV; keeps the database and network.

    --with-data deletes those too.
    """
    if stack is not None:
        _destroy_stack(environment, stack, local=local, with_data=with_data, yes=yes, dry_run=dry_run, as_json=as_json)
        return
    from portside.deploy import destroy as destruction
    from portside.records.origin import read_origin
    from portside.terminal import console

    with acting_on(environment, local=local, only_if_running=True) as acting:
        target = acting.target
        stacks, planned = destruction.plan(target, with_data=with_data)
        show_destruction(target, planned, destruction.unknown_stacks(target, stacks))
        if (planned.going or planned.buckets) and not dry_run:
            name = target.environment.name
            question = f"Destroy {name} {target.place}{', data included' if with_data else ''}?"
            go_ahead(question, assumed=local or yes, expected=name)
            destruction.execute(target, planned, read_origin(target), with_data=with_data)
        if as_json:
            console.print_json(planned.as_json())


def _destroy_stack(
    environment: str, name: str, *, local: bool, with_data: bool, yes: bool, dry_run: bool, as_json: bool
) -> None:
    from portside.deploy.destroy_stack import destroy_stack, planned_removal
    from portside.records.origin import read_origin
    from portside.terminal import console

    with acting_on(environment, local=local, only_if_running=True) as acting:
        target = acting.target
        found = planned_removal(target, acting.services, name, with_data=with_data)
        console.say(f"  delete  {found.name}  {found.sentence}")
        if not dry_run:
            question = f"Delete {found.name} {target.place}{', data included' if found.state else ''}?"
            go_ahead(question, assumed=local or yes, expected=found.name)
            destroy_stack(target, found, read_origin(target))
        if as_json:
            console.print_json(found.as_json())


@click.command()
@environment_argument
@local_option
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="The number of deployments.")
@json_option
def history(environment: str, local: bool, limit: int, as_json: bool) -> None:
    """List the recorded deployments of ENV, newest first."""
    from portside.records.deployment_record import read_records
    from portside.terminal import console

    target = looking_at(environment, local=local).target
    records = read_records(target.clients("ssm"), target.environment)[:limit]
    if as_json:
        console.print_json([{"number": record.number, **record.as_json()} for record in records])
    elif not records:
        console.say(f"No deployment of {target.environment.name} is on record.")
    else:
        console.print_table(
            ["No", "Began (UTC)", "What", "Version", "Ended", "Seconds", "From", "Who"],
            [history_row(record) for record in records],
            states=[4],
        )


@click.command()
@environment_argument
@local_option
@json_option
def images(environment: str, local: bool, as_json: bool) -> None:
    """Resolve the images of ENV: tag, commit and digest.

    `cdk synth` uses them afterwards.
    """
    from portside.plan.images import choose_images
    from portside.terminal import console

    configuration = read_configuration(local=local)
    found = choose_images(configuration.environment(environment), configuration, local=local)
    if as_json:
        console.print_json(found.as_json())
        return
    rows = [
        [image.name.rpartition("/")[2], image.tag, image.short_commit or "unknown", image.digest, image.created]
        for image in found.images.values()
    ]
    console.print_table(["Image", "Version", "Commit", "Digest", "Created"], rows)


@click.command()
@environment_argument
@local_option
@yes_option
@json_option
def unlock(environment: str, local: bool, yes: bool, as_json: bool) -> None:
    """Release a lock on ENV that a deployment left behind.

    First make sure that the deployment is no longer running: two at once undo each other's changes.
    """
    from portside.records.environment_lock import read_lock, release_lock
    from portside.terminal import console

    target = looking_at(environment, local=local).target
    name = target.environment.name
    lock = read_lock(target.clients("ssm"), target.environment)
    if lock is None:
        answer({"broken": None}, f"{name} is not locked.", as_json=as_json)
        return
    console.say(lock.sentence(name))
    go_ahead(f"Release this lock on {name} {target.place}?", assumed=yes, expected=target.environment.confirmation)
    release_lock(target.clients("ssm"), target.environment, lock)
    answer({"broken": asdict(lock)}, f"{name} is unlocked.", as_json=as_json)


@contextmanager
def answering(result: Mapping[str, Any], *, as_json: bool) -> Iterator[None]:
    """Answer in JSON with the result at the end of the block, also where a deployment failed or was refused."""
    from portside.terminal import console

    try:
        yield
    except BaseException as error:
        # The command line prints it together with the error.
        as_failure = getattr(error, "as_json", None)
        error.answered = {**result} | ({"failure": as_failure()} if as_failure else {})  # type: ignore[attr-defined]
        raise
    if as_json:
        console.print_json(result)


def _look_back(
    acting: Acting, records: Sequence[DeploymentRecord], images: Resolution, *, unasked: bool, allowed: bool
) -> None:
    """Warn where the last rollback would be undone; where nobody is asked, refuse."""
    from portside.plan.rollback import brings_back
    from portside.terminal.console import say

    returning = brings_back(records, images)
    if not returning or allowed:
        return
    environment = acting.target.environment
    message = f"{environment.name} was rolled back, and this would deploy {', '.join(returning)} again"
    if unasked:
        into = f"Merge the rollback's commit into {environment.branch}"
        raise UserError(message, f"{into}, or pin what should run; or deploy it with --bring-back.")
    say(message, "yellow")
