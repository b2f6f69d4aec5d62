"""`costs`: estimates the monthly cost of an environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from portside.cli.options import environment_argument, json_option, local_option
from portside.cli.targets import configured_target, read_configuration
from portside.errors import UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.plan.unconfigured import UnconfiguredStack


@click.command()
@environment_argument
@local_option
@json_option
def costs(environment: str, local: bool, as_json: bool) -> None:
    """Estimate the monthly cost of ENV at list prices.

    Stacks that are deployed but not in app.py are read from AWS and included.
    If they cannot be read, a line reports it.
    """
    from portside.costs.estimate import PRICES, assumed, standing, total

    configuration = read_configuration(local=local, acting_on=())
    configuration.environment(environment)
    others = _unconfigured(environment, local=local)
    own = configuration.environment(environment).own_stacks or ()
    unpriced = {stack.part: list(stack.charged) for stack in own if stack.charged}
    parts = {
        "standing": standing(configuration.environment(environment), configuration.services_of(environment)),
        "by use": assumed(configuration.environment(environment)),
    }
    if as_json:
        shown: dict[str, Any] = {
            part: [{"what": line.name, "quantity": line.quantity, "dollars": round(line.dollars, 2)} for line in lines]
            for part, lines in parts.items()
        }
        if unpriced:
            shown["own stacks, not priced"] = unpriced
        shown["not configured"] = None if others is None else [each.as_json() for each in others]
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
        for stack in others or ()
    ]
    console.print_table(["What", "Quantity", "Priced by", "$ a month", ""], rows)
    for part, types in unpriced.items():
        console.say(f"{part}: an own stack, whose {', '.join(types)} the total does not include", "yellow")
    for stack in others or ():
        console.say(f"{stack.name}: {stack.report}", "yellow")


def _unconfigured(environment: str, *, local: bool) -> Sequence[UnconfiguredStack] | None:
    """The deployed stacks that are not configured; None, after a warning, if they could not be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    from portside.plan.unconfigured import read_unconfigured

    try:
        configured = configured_target(environment, local=local)
        return read_unconfigured(configured.target, configured.services)
    except (UserError, BotoCoreError, ClientError) as error:
        if local:
            raise
        why = error.message if isinstance(error, UserError) else str(error)
        console.say(f"The deployed stacks that are not in app.py could not be read: {why}", "yellow")
        return None
