"""A quantity of something that AWS bills, and the template it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Resource = Mapping[str, Any]


class Quantity(NamedTuple):
    """The name of a price, and how much of it: at least, and as expected. Without a price it is only named."""

    name: str
    least: float
    expected: float


def fixed(name: str, quantity: float) -> Quantity:
    """A quantity that is always the same."""
    return Quantity(name, quantity, quantity)


def by_use(name: str, quantity: float) -> Quantity:
    """A quantity that is nothing without usage."""
    return Quantity(name, 0, quantity)


@dataclass(frozen=True)
class Priced:
    """The resources of a template by logical ID, and all assumptions of the environment's usage."""

    resources: Mapping[str, Resource]
    assumed: Mapping[str, float]

    def of_type(self, resource_type: str) -> dict[str, Mapping[str, Any]]:
        """The properties of the resources of a type, by logical ID."""
        return {
            key: each.get("Properties", {}) for key, each in self.resources.items() if each.get("Type") == resource_type
        }

    def between(self, least: float, most: float) -> tuple[float, float]:
        """The least and the expected of what scales automatically."""
        return least, least + self.assumed["scaled_up"] * max(most - least, 0)


def number(value: object) -> float:
    """A number, which can be a string in a template; 0 for an expression."""
    try:
        return float(str(value))
    except ValueError:
        return 0
