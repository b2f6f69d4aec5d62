"""`diagnose`: the problems of an environment, their causes and fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.completion import services
from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import configured_target
from portside.errors import UserError
from portside.terminal import console
from portside.terminal.summary import MOST_LISTED, named
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
    from portside.aws.errors import aws_errors, why_unanswered
    from portside.findings.diagnose import diagnose as diagnose_it
    from portside.records.maintenance_record import maintenance_of

    configured = configured_target(environment, local=local)
    found = diagnose_it(configured.target, configured.configuration, service=service)
    try:
        page = maintenance_of(configured.target)
    except aws_errors() as error:
        page = f"Whether the maintenance page is on could not be read: {why_unanswered(error)}"
    if as_json:
        console.print_json({**found.as_json(), "maintenance": page or None})
    else:
        if page:
            console.say(page, "yellow")
        show_verdicts(found.verdicts)
        for each in found.snapshot.unknown:
            console.say(f"unknown: {each.what}, because {each.why}", "yellow")
    wrong = [verdict for verdict in found.verdicts if verdict.is_wrong]
    if wrong:
        hint = f"To do: {wrong[0].fix}" if as_json else ""
        raise UserError(f"{environment}: {in_short(wrong)}", hint)


def in_short(wrong: Sequence[Finding]) -> str:
    """Each subject with the title of its verdict; of too many, each title with its subjects."""
    if len(wrong) <= MOST_LISTED:
        found = (f"{each.subject} ({each.title})" if each.subject else each.title for each in wrong)
        return ", ".join(dict.fromkeys(found))
    titles: dict[str, list[str]] = {}
    for each in wrong:
        titles.setdefault(each.title, []).append(each.subject)
    return "; ".join(f"{named(names)} ({title})" if any(names) else title for title, names in titles.items())


def show_verdicts(verdicts: Sequence[Finding]) -> None:
    """Print each verdict on stdout with its evidence, the place to look, and the fix; many that are the same as one."""
    from portside.findings.grouping import grouped

    for number, (verdict, *others) in enumerate(grouped(verdicts, lambda each: each.as_json())):
        if number:
            console.print_lines("")
        mark, style = ("✗", "bold red") if verdict.is_wrong else ("✓", "green")
        subject = f"{verdict.subject}: " if verdict.subject else ""
        console.print_beneath(f"{mark} ", style, subject + verdict.what)
        if others:
            console.print_beneath("  also  ", "dim", ", ".join(each.subject for each in others))
        if verdict.since:
            since = f"{verdict.since:%Y-%m-%d %H:%M:%S} UTC ({age(verdict.since)})"
            console.print_beneath("  since ", "dim", since)
        for line in verdict.evidence:
            console.print_beneath("  seen  ", "dim", line)
        console.print_beneath("  look  ", "cyan", verdict.look)
        console.print_beneath("  fix   ", "cyan", verdict.fix)
