"""The command that says what an environment costs."""

from __future__ import annotations

import click

from operations.commands.options import environment_argument, json_option, read_form


@click.command()
@environment_argument
@json_option
def costs(environment: str, as_json: bool) -> None:
    """Say what ENV costs a month, by list prices: what runs all the time, and what use may add. AWS is not asked."""
    from operations import console
    from operations.estimate import ASSUMED, PRICES, standing, total

    form = read_form(local=False)
    parts = {"standing": standing(form.environment(environment), form.services_of(environment)), "by use": ASSUMED}
    if as_json:
        told = {
            part: [{"what": line.name, "quantity": line.quantity, "dollars": round(line.dollars, 2)} for line in lines]
            for part, lines in parts.items()
        }
        console.print_json({**told, "total": round(sum(map(total, parts.values())), 2)})
        return
    rows = [
        [line.name, f"{line.quantity:g}", PRICES[line.name].unit, f"{line.dollars:.2f}", part]
        for part, lines in parts.items()
        for line in lines
    ]
    rows.append(["total", "", "", f"{sum(map(total, parts.values())):.2f}", ""])
    console.print_table(["What", "Quantity", "Priced by", "$ a month", ""], rows)
