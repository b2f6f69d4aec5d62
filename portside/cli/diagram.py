"""`diagram`: draws the architecture of an environment."""

from __future__ import annotations

from pathlib import Path

import click

from portside.cli.answers import write_page
from portside.cli.options import environment_argument, json_option
from portside.cli.targets import read_configuration
from portside.terminal import console


@click.command()
@environment_argument
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The SVG file to write, instead of stdout."
)
@json_option
def diagram(environment: str, output: Path | None, as_json: bool) -> None:
    """Draw the architecture of ENV as an SVG, from its templates.

    It has the subnets, the load balancer with its firewall, listeners and routes, services, jobs and their schedules,
    databases, and resources of own stacks. A line is a connection that security groups accept, or a right that a role
    has. Alarms, logs and roles are not drawn. It needs no AWS account and no registry.
    """
    from portside.findings.templates.assembly import assembly_of
    from portside.report.architecture import architecture_of
    from portside.report.architecture_picture import drawn
    from portside.synthesis.variants import Variant, synthesize_variants, working_tree

    configuration = read_configuration(local=False, acting_on=())
    chosen = configuration.environment(environment)
    with console.step(f"Making the templates of {chosen.name}"):
        [made] = synthesize_variants(working_tree(), [Variant(chosen.name)])
    architecture = architecture_of(assembly_of(made.expect_valid().templates, chosen.account, chosen.region))
    if as_json:
        console.print_json(architecture.as_json())
        return
    picture = drawn(architecture, f"{chosen.identity.title} {chosen.name}")
    if output is None:
        console.print_lines(picture)
        return
    write_page(output, picture)
    console.say(f"{output}: {len(architecture.nodes)} nodes, {len(architecture.edges)} connections")
