"""The monthly cost of an environment or a stack, from its templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from portside.config.cost_assumptions import with_defaults
from portside.costs import quantities
from portside.costs.prices import HOURS, PRICES, READ_ON, REGION, UNPRICED, Price
from portside.costs.quantity import Quantity

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """A quantity of an item of `PRICES`, at least and as expected; items priced by the hour run the whole month."""

    name: str
    least: float
    expected: float

    @property
    def price(self) -> Price:
        """The price of one."""
        return PRICES[self.name]

    @property
    def least_dollars(self) -> float:
        """The monthly cost with the fewest tasks, idle, in dollars to the cent."""
        return self._dollars(self.least)

    @property
    def dollars(self) -> float:
        """The expected monthly cost in dollars, to the cent."""
        return self._dollars(self.expected)

    @property
    def quantity(self) -> str:
        """The expected quantity, with its unit unless it is a number of things."""
        return (
            f"{self.expected:.3g}" if self.price.unit in ("hour", "month") else f"{self.expected:.3g} {self.price.unit}"
        )

    def _dollars(self, quantity: float) -> float:
        return round(quantity * self.price.dollars * (HOURS if self.price.unit == "hour" else 1), 2)

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "what": self.name,
            "unit": self.price.unit,
            "least": {"quantity": round(self.least, 4), "dollars": self.least_dollars},
            "expected": {"quantity": round(self.expected, 4), "dollars": self.dollars},
        }


@dataclass(frozen=True)
class Costs:
    """The lines of an environment or a stack, and its resources whose price is unknown."""

    lines: tuple[Line, ...] = ()
    unpriced: tuple[str, ...] = ()

    @property
    def least(self) -> float:
        """The monthly cost with the fewest tasks, idle, in dollars."""
        return round(sum(line.least_dollars for line in self.lines), 2)

    @property
    def dollars(self) -> float:
        """The expected monthly cost in dollars."""
        return round(sum(line.dollars for line in self.lines), 2)

    @property
    def sentence(self) -> str:
        """The minimum, and the items without a price."""
        unpriced = f", and {', '.join(self.unpriced)}, whose price is unknown" if self.unpriced else ""
        return f"${self.least:.2f} a month{unpriced}"

    def line(self, name: str) -> Line:
        """The line of a price, of nothing without one."""
        return next((line for line in self.lines if line.name == name), Line(name, 0, 0))

    def as_json(self) -> dict[str, Any]:
        """The fields by name, with the date and region of the prices."""
        return {
            "prices": {"region": REGION, "read": READ_ON},
            "lines": [line.as_json() for line in self.lines],
            "unpriced": {each: UNPRICED.get(each, "unknown") for each in self.unpriced},
            "least": self.least,
            "total": self.dollars,
        }


def template_costs(template: Template) -> Costs:
    """The costs of a single stack, without what depends on the whole environment's usage."""
    return _costs(quantities.of_template(template.get("Resources", {}), with_defaults({})))


def environment_costs(templates: Iterable[Template], given: Mapping[str, float]) -> Costs:
    """The costs of an environment by all its templates, with the given assumptions and the defaults of the others."""
    templates, assumed = list(templates), with_defaults(given)
    found = [each for template in templates for each in quantities.of_template(template.get("Resources", {}), assumed)]
    return _costs([*found, *quantities.of_environment(templates, assumed)])


def _costs(found: Iterable[Quantity]) -> Costs:
    sums: dict[str, Quantity] = {}
    for name, least, expected in found:
        before = sums.get(name, Quantity(name, 0, 0))
        sums[name] = Quantity(name, before.least + least, before.expected + expected)
    lines = [Line(*sums[name]) for name in PRICES if name in sums and sums[name].expected]
    return Costs(tuple(lines), tuple(sorted(name for name in sums if name not in PRICES)))


@dataclass(frozen=True)
class Difference:
    """The costs of an environment before and after a change; of nothing where it does not exist."""

    before: Costs
    after: Costs

    @property
    def dollars(self) -> float:
        """The dollars that the change adds to the expected monthly cost; negative if it saves."""
        return round(self.after.dollars - self.before.dollars, 2)

    @property
    def lines(self) -> list[tuple[Line, Line]]:
        """The lines that differ, before and after."""
        pairs = [(self.before.line(name), self.after.line(name)) for name in PRICES]
        return [(before, after) for before, after in pairs if before != after]

    @property
    def unpriced(self) -> dict[str, list[str]]:
        """The items without a price that the change adds and removes."""
        before, after = set(self.before.unpriced), set(self.after.unpriced)
        return {"added": sorted(after - before), "removed": sorted(before - after)}

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "before": self.before.dollars,
            "after": self.after.dollars,
            "difference": self.dollars,
            "lines": [{"before": before.as_json(), "after": after.as_json()} for before, after in self.lines],
            "unpriced": self.unpriced,
        }
