"""`./agora diagnose`: what is wrong with an environment, why, since when, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from portside.cli.completion import services
from portside.cli.options import environment_argument, json_option, local_option, looking_at
from portside.errors import UserError

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
    from portside.terminal import console

    acting = looking_at(environment, local=local)
    found = diagnose_it(acting.target, acting.configuration, service=service)
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
    """Print verdicts on stdout: what is wrong first, then what that rests on, where to look, and what to do."""
    from portside.terminal.console import data_console

    for number, verdict in enumerate(verdicts):
        if number:
            data_console().print()
        mark, style = ("✗", "bold red") if verdict.is_wrong else ("✓", "green")
        subject = f"{verdict.subject}: " if verdict.subject else ""
        _print_folded(mark, subject + verdict.what, style)
        if verdict.since:
            _print_folded("  since", f"{verdict.since:%Y-%m-%d %H:%M:%S} UTC", "dim")
        for line in verdict.evidence:
            _print_folded("  seen ", line, "dim")
        _print_folded("  look ", verdict.look, "cyan")
        _print_folded("  fix  ", verdict.fix, "cyan", whole=True)


def _print_folded(label: str, text: str, style: str, *, whole: bool = False) -> None:
    """Print a text beside its label: folded on a terminal, or `whole`, so that a command can be copied."""
    import textwrap

    from rich.text import Text

    from portside.terminal.console import data_console

    console = data_console()
    indent = len(label) + 1
    lines = [text]
    if console.is_terminal and not whole:
        lines = textwrap.wrap(text, max(console.width - indent, 10), break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        start = Text().append(f"{label} ", style) if number == 0 else Text(" " * indent)
        # What is longer than the terminal is folded by the terminal: nothing is cut off.
        console.print(start.append(line), soft_wrap=True)
