"""`maintenance`: the page that visitors see while the site is worked on."""

from __future__ import annotations

from pathlib import Path

import click

from portside.cli.answers import answer, confirm_change
from portside.cli.options import ChangeOptions, changing_options, environment_argument
from portside.cli.targets import locked_target


@click.command()
@environment_argument
@click.argument("switch", metavar="[on|off]", required=False, type=click.Choice(["on", "off"]))
@click.option("--message", metavar="TEXT", help="What the page says.")
@click.option(
    "--page",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="An HTML page of at most 1024 characters, instead of a message.",
)
@changing_options
def maintenance(
    environment: str, switch: str | None, message: str | None, page: Path | None, change: ChangeOptions
) -> None:
    """Show visitors a maintenance page.

    The load balancer answers every request with it and status 503, and alarms notify no one, until it is
    switched off. Services go on running. Without on or off, says whether it is on.
    """
    from portside.deploy import maintenance as pages
    from portside.errors import UsageError
    from portside.records.maintenance_record import maintenance_of, read_page

    if switch != "on" and (message is not None or page):
        raise UsageError("--message and --page are only for on", "Leave them out.")
    content = _content(message, page) if switch == "on" else ""
    with locked_target(environment, local=change.local, only_if_running=True) as configured:
        target = configured.target
        name = target.environment.name
        if switch is None or change.dry_run:
            found = read_page(target.clients("ssm"), target.environment)
            sentence = maintenance_of(target) or f"{name} has no maintenance page on."
            answer({"maintenance": found and found.as_json()}, sentence, as_json=change.as_json)
            return
        if switch == "on":
            confirm_change(f"Show the maintenance page of {name} {target.place}?", target.environment, change)
            done = pages.switch_on(target, configured.services, content)
            sentence = f"{done.sentence(name)}. Switch it off: {target.commands.tool('maintenance', 'off')}"
            answer({"maintenance": done.as_json()}, sentence, as_json=change.as_json)
            return
        confirm_change(f"Let {name} answer again {target.place}?", target.environment, change)
        was_on = pages.switch_off(target, configured.services)
        sentence = f"{name} answers again, and its alarms notify." if was_on else f"{name} has no maintenance page on."
        answer({"maintenance": None}, sentence, as_json=change.as_json)


def _content(message: str | None, page: Path | None) -> str:
    from portside.config.source_file import read_text
    from portside.deploy.maintenance import DEFAULT_MESSAGE, expect_short, page_with
    from portside.errors import UsageError

    if page is None:
        return page_with(DEFAULT_MESSAGE if message is None else message)
    if message is not None:
        raise UsageError("--message and --page are both given", "Give one of them.")
    content = read_text(page, hint_missing="Use --page with an HTML file.")
    expect_short(content, "--page")
    return content
