"""`dns`: the DNS records of an environment."""

from __future__ import annotations

import click

from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import configured_target
from portside.terminal import console


@click.command()
@environment_argument
@local_option
@json_option
def dns(environment: str, local: bool, as_json: bool) -> None:
    """Show the DNS records that ENV needs, and where its name points."""
    from portside.aws.dns import look_up, read_dns

    found = read_dns(configured_target(environment, local=local).target, look_up)
    if as_json:
        console.print_json(found.as_json())
        return
    console.print_lines(
        f"Name           {found.fqdn or '-'}\nExport         {found.export}\nLoad balancer  {found.load_balancer}\n"
    )
    console.print_lines(found.snippet)
    style = console.style_of("healthy" if found.state == "resolves" else found.state)
    console.say(f"{found.state}: {found.found}", style)
