"""`diagnose`: the problems of an environment, their causes and fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.completion import services
from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import configured_target
from portside.errors import UserError
from portside.terminal import console
from portside.timestamps import age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portside.findings.finding import Finding


@click.command()
@environment_argument
@click.argument("service", metavar="[SERVICE]", required=False, shell_complete=services)
@local_option
@json_option
def diagnose(environment: str, service: str | None, local: bool, as_json: bool) -> None:
    """Find out what is wrong with ENV, why, and how to fix it.

    Also works after a failure, from what AWS still knows: about an hour for stopped tasks. Exit code 1 if
    something is wrong.
    """
    from portside.findings.diagnose import diagnose as diagnose_it

    configured = configured_target(environment, local=local)
    found = diagnose_it(configured.target, configured.configuration, service=service)
    if as_json:
        console.print_json(found.as_json())
    else:
        show_verdicts(found.verdicts)
        for each in found.snapshot.unknown:
            console.say(f"unknown: {each.what}, because {each.why}", "yellow")
    wrong = [verdict for verdict in found.verdicts if verdict.is_wrong]
    if wrong:
        subjects = (f"{each.subject} ({each.title})" if each.subject else each.title for each in wrong)
        hint = f"To do: {wrong[0].fix}" if as_json else ""
        raise UserError(f"{environment}: {', '.join(dict.fromkeys(subjects))}", hint)


def show_verdicts(verdicts: Sequence[Finding]) -> None:
    """Print each verdict on stdout with its evidence, the place to look, and the fix."""
    for number, verdict in enumerate(verdicts):
        if number:
            console.print_lines("")
        mark, style = ("✗", "bold red") if verdict.is_wrong else ("✓", "green")
        subject = f"{verdict.subject}: " if verdict.subject else ""
        console.print_beneath(f"{mark} ", style, subject + verdict.what)
        if verdict.since:
            since = f"{verdict.since:%Y-%m-%d %H:%M:%S} UTC ({age(verdict.since)})"
            console.print_beneath("  since ", "dim", since)
        for line in verdict.evidence:
            console.print_beneath("  seen  ", "dim", line)
        console.print_beneath("  look  ", "cyan", verdict.look)
        console.print_beneath("  fix   ", "cyan", verdict.fix)
