"""`costs`: estimates the monthly cost of environments from their templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from portside.cli.options import json_option, local_option, optional_environment_argument
from portside.cli.targets import configured_target, read_configuration
from portside.errors import UsageError, UserError
from portside.terminal import console

if TYPE_CHECKING:
    from portside.config.environment import Environment
    from portside.costs.estimate import Costs
    from portside.plan.unconfigured import UnconfiguredStack
    from portside.synthesis.variants import Source


@click.command()
@optional_environment_argument
@click.option("--all", "of_all", is_flag=True, help="All environments in one table.")
@click.option("--diff", "ref", metavar="REF", help="What app.py adds or saves since a commit, branch or tag.")
@click.option("--savings", is_flag=True, help="Settings that would save something, and what each risks.")
@local_option
@json_option
def costs(environment: str | None, of_all: bool, ref: str | None, savings: bool, local: bool, as_json: bool) -> None:
    """Estimate monthly costs from the templates, at list prices.

    Stacks that are deployed but not in app.py are read from AWS and included.
    If they cannot be read, a line reports it. --diff and --savings are about
    all environments without ENV, and read nothing from AWS.
    """
    from portside.synthesis.variants import working_tree

    if sum(map(bool, (of_all, ref is not None, savings))) > 1:
        raise UsageError("--all, --diff and --savings exclude each other", "Use one of them.")
    if of_all and environment:
        raise UsageError(f"--all is about all environments, got {environment}", "Omit one of them.")
    if environment is None and not (of_all or ref is not None or savings):
        raise UsageError("no environment", "Name one, or use --all.")
    configuration = read_configuration(local=local, acting_on=())
    names = [configuration.environment(environment).name] if environment else list(configuration.environments)
    _warn_about_regions([configuration.environment(name) for name in names])
    if ref is not None:
        _show_differences(ref, environment, names, as_json=as_json)
    elif savings:
        _show_savings(names, local=local, as_json=as_json)
    elif of_all:
        _show_all(_costs_of(working_tree(), names), as_json=as_json)
    else:
        [found] = _costs_of(working_tree(), names).values()
        _show(found, names[0], local=local, as_json=as_json)


def _costs_of(source: Source, names: Sequence[str]) -> dict[str, Costs]:
    from portside.costs.estimate import environment_costs
    from portside.synthesis.variants import Variant, synthesize_variants

    found = {}
    with console.step(f"Making the templates of {', '.join(names)}"):
        made = synthesize_variants(source, [Variant(name) for name in names])
    for name, each in zip(names, made, strict=True):
        found[name] = environment_costs(each.expect_valid().templates.values(), each.assumptions)
    return found


def _warn_about_regions(environments: Sequence[Environment]) -> None:
    from portside.costs.prices import REGION

    for each in environments:
        if each.region != REGION:
            console.say(f"{each.name} is in {each.region}, and these are the prices of {REGION}.", "yellow")


def _show(found: Costs, name: str, *, local: bool, as_json: bool) -> None:
    from portside.config.cost_assumptions import ASSUMPTIONS, with_defaults
    from portside.costs.prices import UNPRICED

    others = _unconfigured(name, local=local)
    environment = read_configuration(local=local, acting_on=()).environment(name)
    assumed = with_defaults(environment.cost_assumptions)
    if as_json:
        not_configured = None if others is None else [each.as_json() for each in others]
        console.print_json({**found.as_json(), "assumptions": assumed, "not configured": not_configured})
        return
    rows = [[line.name, line.quantity, f"{line.least_dollars:.2f}", f"{line.dollars:.2f}"] for line in found.lines]
    rows.append(["total", "", f"{found.least:.2f}", f"{found.dollars:.2f}"])
    rows += [[each, "", "unknown", UNPRICED.get(each) or "unknown"] for each in found.unpriced]
    rows += [
        [stack.name, "not in app.py", f"{stack.costs.least:.2f}" if stack.costs else "unknown", ""]
        for stack in others or ()
    ]
    console.print_table(["What", "Quantity", "At least $", "Expected $"], rows)
    _say_prices()
    console.say("Assumed a month; COST_ASSUMPTIONS in app.py changes it:")
    for key, quantity in assumed.items():
        console.say(f"  {key} {quantity:g}: {ASSUMPTIONS[key].description}")
    for stack in others or ():
        console.say(f"{stack.name}: {stack.report}", "yellow")


def _say_prices() -> None:
    from portside.costs.prices import READ_ON, REGION

    console.say(f"List prices of {REGION}, read on {READ_ON}, without taxes, discounts and free tiers.")


def _show_all(found: Mapping[str, Costs], *, as_json: bool) -> None:
    from portside.costs.prices import PRICES, UNPRICED

    if as_json:
        console.print_json({name: each.as_json() for name, each in found.items()})
        return
    names = [name for name in PRICES if any(each.line(name).expected for each in found.values())]
    rows = [[name, *(f"{each.line(name).dollars:.2f}" for each in found.values())] for name in names]
    rows.append(["at least", *(f"{each.least:.2f}" for each in found.values())])
    rows.append(["expected", *(f"{each.dollars:.2f}" for each in found.values())])
    for kind in sorted({each for costs in found.values() for each in costs.unpriced}):
        words = UNPRICED.get(kind) or "unknown"
        rows.append([kind, *(words if kind in each.unpriced else "" for each in found.values())])
    console.print_table(["What", *(f"{name} $" for name in found)], rows)
    _say_prices()


def _show_differences(ref: str, environment: str | None, names: Sequence[str], *, as_json: bool) -> None:
    from portside.costs.estimate import Costs, Difference
    from portside.synthesis.variants import commit, environments_of, working_tree

    with commit(ref) as source:
        former = [each for each in environments_of(source) if each == (environment or each)]
        before = _costs_of(source, former)
    after = _costs_of(working_tree(), names)
    found = {
        name: Difference(before.get(name, Costs()), after.get(name, Costs()))
        for name in dict.fromkeys([*former, *names])
    }
    if as_json:
        console.print_json({name: each.as_json() for name, each in found.items()})
        return
    rows = []
    for name, each in found.items():
        for old, new in each.lines:
            rows.append([f"{name}: {new.name}", *_changed(old.dollars, new.dollars)])
        for words, types in each.unpriced.items():
            rows += [[f"{name}: {kind}", "", words, "unknown"] for kind in types]
        rows.append([f"{name}, expected", *_changed(each.before.dollars, each.after.dollars)])
    console.print_table(["What", f"{ref} $", "app.py $", "Change $"], rows)
    _say_prices()


def _changed(before: float, after: float) -> list[str]:
    return [f"{before:.2f}", f"{after:.2f}", f"{after - before:+.2f}"]


def _show_savings(names: Sequence[str], *, local: bool, as_json: bool) -> None:
    from portside.plan.savings import find_savings
    from portside.synthesis.variants import working_tree

    configuration = read_configuration(local=local, acting_on=())
    with console.step(f"Making the templates of {', '.join(names)} with other settings"):
        found = find_savings(working_tree(), [configuration.environment(name) for name in names])
    if as_json:
        console.print_json([each.as_json() for each in found])
        return
    rows = [
        [f"{each.environment}: {each.setting} = {each.value}", f"{each.dollars:.2f}", each.effect, each.risk]
        for each in found
    ]
    console.print_table(["Setting", "Saves $", "Acts", "Risks"], rows)
    _say_prices()
    console.say("Each is calculated alone: two changes of the same resource don't add up.")


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
