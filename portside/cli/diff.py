"""`diff`: compares the deployed templates with those of app.py."""

from __future__ import annotations

import click

from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import locked_target
from portside.terminal import console


@click.command()
@environment_argument
@local_option
@json_option
def diff(environment: str, local: bool, as_json: bool) -> None:
    """Compare the deployed templates with app.py."""
    from portside.deploy.planning import plan
    from portside.plan.images import choose_images
    from portside.synthesis import cdk_cli

    with locked_target(environment, local=local) as configured:
        target = configured.target
        images = choose_images(target.environment, configured.configuration, local=local)
        planned = plan(target, configured.services, images)
        if as_json:
            console.print_json([change.as_json() for change in planned.changes])
        else:
            cdk_cli.diff(target)
