"""`destroy`: deletes the stacks of an environment, or one stack that is no longer configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from portside.cli.answers import go_ahead
from portside.cli.options import ChangeOptions, changing_options, environment_argument
from portside.cli.targets import ConfiguredTarget, locked_target
from portside.config.stacks import service_stack
from portside.terminal import console
from portside.terminal.summary import MOST_LISTED, named

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.service_props import ServiceProps
    from portside.deploy.destroy import DestructionPlan


@click.command()
@environment_argument
@click.option("--with-data", is_flag=True, help="Also delete the database and its network; refused in prod on AWS.")
@click.option("--stack", metavar="NAME", help="Delete only this stack, which is no longer in app.py.")
@changing_options
def destroy(environment: str, with_data: bool, stack: str | None, change: ChangeOptions) -> None:
    """Delete the stacks of ENV; keeps the database and network.

    --with-data deletes those too.
    """
    with locked_target(environment, local=change.local, only_if_running=True) as configured:
        if stack is None:
            _destroy_environment(configured, change, with_data=with_data)
        else:
            _destroy_stack(configured, stack, change, with_data=with_data)


def _destroy_environment(configured: ConfiguredTarget, change: ChangeOptions, *, with_data: bool) -> None:
    from portside.deploy import destroy as destruction
    from portside.records.origin import read_origin

    target = configured.target
    stacks, planned = destruction.plan(target, configured.services, with_data=with_data)
    show_plan(target, planned, destruction.unknown_stacks(target, stacks), configured.services)
    if (planned.going or planned.buckets) and not change.dry_run:
        name = target.environment.name
        question = f"Destroy {name} {target.place}{', including its data' if with_data else ''}?"
        go_ahead(question, assumed=change.skips_question, expected=name)
        destruction.execute(target, planned, read_origin(target), with_data=with_data)
    if change.as_json:
        console.print_json(planned.as_json())


def _destroy_stack(configured: ConfiguredTarget, name: str, change: ChangeOptions, *, with_data: bool) -> None:
    from portside.deploy.stack_removal import destroy_stack, planned_removal
    from portside.records.origin import read_origin

    target = configured.target
    found = planned_removal(target, configured.services, name, with_data=with_data)
    console.say(f"  delete  {found.name}  {found.sentence}")
    if not change.dry_run:
        question = f"Delete {found.name} {target.place}{', including its data' if found.state else ''}?"
        go_ahead(question, assumed=change.skips_question, expected=found.name)
        destroy_stack(target, found, read_origin(target))
    if change.as_json:
        console.print_json(found.as_json())


def show_plan(
    target: Target, planned: DestructionPlan, unknown: Sequence[str], services: Sequence[ServiceProps]
) -> None:
    """Print what goes and what stays; of too many stacks of services only their number and the first."""
    if not planned.going and not planned.buckets:
        console.say(f"{target.environment.name} has no deployed stack to delete.")
    of_services = {service_stack(target.environment, props.container_name).name for props in services}
    counted = [stack for stack in planned.going if stack in of_services]
    if len(counted) > MOST_LISTED:
        console.say(f"  delete  {len(counted)} stacks of services: {named(counted)}")
    for stack in planned.going:
        if len(counted) <= MOST_LISTED or stack not in of_services:
            console.say(f"  delete  {stack}")
    for bucket in planned.buckets:
        console.say(f"  delete  {bucket}, with the access logs in it")
    for stack, resources in planned.staying.items():
        console.say(f"    keep  {f'from {stack}' if stack in planned.going else stack}")
        for resource in resources:
            console.say(f"          {resource}")
    for stack in unknown:
        console.say(f"    keep  {stack} (not in app.py)")
    if unknown:
        removal = target.commands.tool("destroy", "--stack", unknown[0])
        console.say(f"          The network stays until these are deleted, such as with: {removal}")
