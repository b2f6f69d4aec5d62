"""`tunnel`: forwards a local port to an environment's database."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from portside.cli.options import dry_run_option, environment_argument, json_option, local_option
from portside.cli.targets import configured_target
from portside.errors import UsageError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.commands import Commands
    from portside.deploy.tunnel import Tunnel


@click.command()
@environment_argument
@click.option("--port", type=click.IntRange(1, 65535), help="The local port; by default the usual one of the database.")
@local_option
@dry_run_option
@json_option
def tunnel(environment: str, port: int | None, local: bool, dry_run: bool, as_json: bool) -> None:
    """Forward a local port to ENV's database until Ctrl-C.

    Uses the bastion if there is one, otherwise a container that can call the database.
    """
    from portside.deploy import session_manager
    from portside.deploy import tunnel as tunnelling

    if as_json and not dry_run:
        raise UsageError("--json: only with --dry-run", "A tunnel uses the terminal.")
    configured = configured_target(environment, local=local)
    target = configured.target
    plugin = None if dry_run else session_manager.find_plugin(target.process_environment)
    planned = tunnelling.plan(target, configured.services, port)
    if as_json:
        console.print_json(planned.as_json())
        return
    session = tunnelling.open_session(target, planned) if plugin is not None else None
    _show(planned, target.commands)
    if plugin is not None and session is not None:
        sys.exit(session_manager.carry(plugin, session, target))


def _show(planned: Tunnel, commands: Commands) -> None:
    console.say(f"127.0.0.1:{planned.local_port} leads to {planned.host}:{planned.port} through {planned.through}.")
    console.print_lines(planned.client)
    console.say(f"The password is in Secrets Manager:\n{planned.password_command(commands)}")
