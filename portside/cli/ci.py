"""`ci`: what the workflows of GitHub Actions take from the configuration."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from portside.cli.options import optional_environment_argument
from portside.cli.targets import read_configuration
from portside.terminal import console

if TYPE_CHECKING:
    from portside.config.environment import Environment


@click.command()
@optional_environment_argument
@click.option("--branch", metavar="NAME", help="List only the environments that are deployed from this branch.")
def ci(environment: str | None, branch: str | None) -> None:
    """Print what GitHub Actions needs from app.py.

    These are the environments whose templates can be made, those of a branch, or the account, region, role and
    session policy of ENV, as a step of a job appends them to $GITHUB_OUTPUT. No AWS calls are made.
    """
    from portside.errors import UsageError

    if environment and branch is not None:
        raise UsageError("ENV and --branch together", "Use one of them.")
    configuration = read_configuration(local=False, acting_on=[environment] if environment else ())
    if environment:
        for line in _outputs_of(configuration.environment(environment)):
            # Not redacted: the Sid of a statement looks like the id of a session.
            console.hand_over(line)
        return
    if branch is None:
        names = [name for name in configuration.environments if _can_be_synthesized(name)]
    else:
        names = [each.name for each in configuration.environments.values() if each.branch == branch]
    console.hand_over(f"environments={json.dumps(names)}")


def _can_be_synthesized(name: str) -> bool:
    """Whether the environment has its release, or needs none; if not, warn with the reason."""
    from portside.errors import UserError
    from portside.plan.images import locked_images

    try:
        configuration = read_configuration(local=False, acting_on=[name])
        locked_images(configuration.environment(name), configuration, local=False)
    except UserError as error:
        console.say(f"{name} is omitted, because it has no release yet:\n{error}", "yellow")
        return False
    return True


def _outputs_of(environment: Environment) -> list[str]:
    from portside.deploy.deploy_role import session_policy

    return [
        f"account={environment.account}",
        f"region={environment.region}",
        f"role={environment.deploy_role_arn}",
        f"session-policy={json.dumps(session_policy(environment), separators=(',', ':'))}",
    ]
