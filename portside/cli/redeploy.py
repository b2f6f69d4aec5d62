"""`redeploy`: starts new tasks of services."""

from __future__ import annotations

import click

from portside.cli.answers import answer, confirm, confirm_change
from portside.cli.completion import services
from portside.cli.options import (
    ChangeOptions,
    ProofOptions,
    changing_options,
    environment_argument,
    proof_options,
)
from portside.cli.proof import clear_images, starting_services
from portside.cli.targets import locked_target
from portside.terminal import console


@click.command()
@environment_argument
@click.argument("services", metavar="SERVICE…", nargs=-1, shell_complete=services)
@click.option("--all", "all_of_them", is_flag=True, help="All services of the environment.")
@changing_options
@proof_options
def redeploy(
    environment: str, services: tuple[str, ...], all_of_them: bool, change: ChangeOptions, proof: ProofOptions
) -> None:
    """Start new tasks of services without other changes.

    Images and settings stay the same. In production only proven images start: those that the record says
    ran healthy, or, for a service without a record, exactly what is running. Exit code 1 if ECS
    rolls back.
    """
    from portside.config.service_names import choose_services
    from portside.deploy import redeploy as redeployment
    from portside.records.origin import read_origin

    with locked_target(environment, local=change.local, only_if_running=True) as configured:
        target = configured.target
        short_name = target.environment.short_name
        chosen = choose_services(target.environment, configured.services, services, all_of_them=all_of_them)
        planned = redeployment.plan(target, chosen)
        for each in planned:
            console.say(f"  new tasks of {short_name(each.name)}: {each.desired}")
        names = [each.name for each in planned]
        cleared = clear_images(
            configured, starting_services(configured, names), reason=proof.unproven, profile=proof.proof_profile
        )
        if change.dry_run:
            answer({"environment": target.environment.name, "services": names}, "", as_json=change.as_json)
            return
        cleared.confirm(confirm)
        question = (
            f"Start new tasks of {', '.join(map(short_name, names))} in {target.environment.name} {target.place}?"
        )
        confirm_change(question, target.environment, change)
        done = redeployment.redeploy(target, configured.configuration, planned, read_origin(target), cleared.recheck)
        if change.as_json:
            console.print_json(done.as_json())
            return
        for name, state in done.services.items():
            console.print_lines(f"{short_name(name)}: {state} (after {done.seconds:.0f} s).")
        if redeployment.NO_TASKS in done.services.values():
            console.say(f"A desired count of 0 was set outside app.py: {target.commands.tool('diagnose')}", "yellow")
