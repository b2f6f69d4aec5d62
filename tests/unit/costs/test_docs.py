"""The page that says what an environment costs."""

from __future__ import annotations

import re
from typing import Any

import pytest

from portside.config.cost_assumptions import ASSUMPTIONS
from portside.config.database_kinds import Bounds
from portside.costs.estimate import Costs, environment_costs
from portside.costs.prices import PRICES, READ_ON
from tests.unit.documents import ROOT
from tests.unit.stacks_support import configuration_with, read_templates, shared_synthesis, templates

PAGE = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")


def of(name: str) -> Costs:
    return environment_costs(templates(name).values(), {})


def test_the_page_has_the_estimate_s_figures() -> None:
    dev, prod = of("dev"), of("prod")
    assert of("stage") == prod
    rows = [
        [here.name, here.quantity, money(here.dollars), there.quantity, money(there.dollars)]
        for here, there in zip(dev.lines, prod.lines, strict=True)
    ]
    assert table("What Agora costs") == [
        *rows,
        ["**at least**", "", f"**{money(dev.least)}**", "", f"**{money(prod.least)}**"],
        ["**expected**", "", f"**{money(dev.dollars)}**", "", f"**{money(prod.dollars)}**"],
    ]
    assert f"${money(dev.dollars)} a month for dev, and ${money(prod.dollars)} each for stage and prod" in PAGE


def test_the_page_has_every_assumption() -> None:
    assert table("Assumptions") == [
        [f"`{key}`", f"{each.default:g}", each.description] for key, each in ASSUMPTIONS.items()
    ]


def test_every_price_is_above_nothing_and_has_a_source_and_the_page_their_date() -> None:
    assert all(price.dollars > 0 and price.source for price in PRICES.values())
    assert READ_ON in PAGE


# Each figure of the two tables, from the prices: hours are 730.
@pytest.mark.parametrize(
    ("cell", "dollars"),
    [
        ("second NAT gateway, with its address", (0.045 + 0.005) * 730),
        ("second task of each service", sum(each.least_dollars for each in of("dev").lines if "Fargate" in each.name)),
        ("second database instance", 0.277 * 730),
        ("firewall with its four rules", 9),
        ("interface endpoint, in a zone", 0.01 * 730),
    ],
)
def test_the_page_has_the_price_of_a_switch(cell: str, dollars: float) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {cell} ")]
    assert f"{dollars:,.2f}" in row


@pytest.mark.parametrize(
    ("name", "change", "changes"),
    [
        ("prod", '`"DATABASE_CAPACITY": {"min": 0.5, "max": 4}`', {"database_capacity": Bounds(min=0.5, max=4)}),
        ("dev", '`"DATABASE_CAPACITY": {"min": 0.5, "max": 1}`', {"database_capacity": Bounds(min=0.5, max=1)}),
        ("dev", '… and `"NAT_GATEWAYS": 1`', {"database_capacity": Bounds(min=0.5, max=1), "nat_gateways": 1}),
    ],
)
def test_the_proposal_has_the_costs_of_its_settings(name: str, change: str, changes: dict[str, Any]) -> None:
    made = read_templates(shared_synthesis(configuration_with(name, **changes), name))
    [row] = [row for row in table("Proposal for Agora") if row[:2] == [name, change]]
    assert row[3] == money(environment_costs(made.values(), {}).dollars)


def money(dollars: float) -> str:
    return f"{dollars:,.2f}"


def table(section: str) -> list[list[str]]:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]
