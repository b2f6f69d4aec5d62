"""The command that says what an environment costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from portside.cli.options import environment_argument, json_option, local_option, looking_at, read_configuration
from portside.errors import UserError

if TYPE_CHECKING:
    from portside.plan.unconfigured import UnconfiguredStack


@click.command()
@environment_argument
@local_option
@json_option
def costs(environment: str, local: bool, as_json: bool) -> None:
    """Estimate the monthly cost of ENV at list prices.

    Stacks that are deployed but not in app.py are read from AWS and included.
    If they cannot be read, a line says so.
    """
    from portside.costs.estimate import ASSUMED, PRICES, standing, total
    from portside.terminal import console

    configuration = read_configuration(local=local)
    configuration.environment(environment)
    beside = _unconfigured(environment, local=local)
    parts = {
        "standing": standing(configuration.environment(environment), configuration.services_of(environment)),
        "by use": ASSUMED,
    }
    if as_json:
        shown: dict[str, Any] = {
            part: [{"what": line.name, "quantity": line.quantity, "dollars": round(line.dollars, 2)} for line in lines]
            for part, lines in parts.items()
        }
        shown["not configured"] = None if beside is None else [each.as_json() for each in beside]
        console.print_json({**shown, "total": round(sum(map(total, parts.values())), 2)})
        return
    rows = [
        [line.name, f"{line.quantity:g}", PRICES[line.name].unit, f"{line.dollars:.2f}", part]
        for part, lines in parts.items()
        for line in lines
    ]
    rows.append(["total", "", "", f"{sum(map(total, parts.values())):.2f}", ""])
    rows += [
        [stack.name, "", "", f"{stack.costs.dollars:.2f}" if stack.costs else "unknown", "not in app.py"]
        for stack in beside or ()
    ]
    console.print_table(["What", "Quantity", "Priced by", "$ a month", ""], rows)
    for stack in beside or ():
        console.say(f"{stack.name}: {stack.report}", "yellow")


def _unconfigured(environment: str, *, local: bool) -> Sequence[UnconfiguredStack] | None:
    """What is deployed and not configured; None where that can't be read, which is said."""
    from botocore.exceptions import BotoCoreError, ClientError

    from portside.plan.unconfigured import read_unconfigured
    from portside.terminal import console

    if local:
        acting = looking_at(environment, local=True)
        return read_unconfigured(acting.target, acting.services)
    try:
        acting = looking_at(environment, local=False)
        return read_unconfigured(acting.target, acting.services)
    except (UserError, BotoCoreError, ClientError) as error:
        why = error.message if isinstance(error, UserError) else str(error)
        console.say(f"What is deployed beside app.py could not be read: {why}", "yellow")
        return None
