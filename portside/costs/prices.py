"""The prices and the types of resources in `prices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

REGION: str = _TABLES["region"]
READ_ON: str = _TABLES["read_on"].isoformat()

HOURS = 730
"""Hours of a month, as in AWS's calculator."""


@dataclass(frozen=True)
class Price:
    """A list price in US dollars, per unit, and where it was read."""

    dollars: float
    unit: str
    source: str


PRICES: Mapping[str, Price] = {name: Price(**each) for name, each in _TABLES["prices"].items()}

EACH: Mapping[str, Mapping[str, float]] = _TABLES["each"]
"""By type, the prices of a resource and how often it costs them."""

BY_USE: Mapping[str, Mapping[str, str]] = _TABLES["by_use"]
"""By price, the type whose presence causes it, and the assumption that is its quantity."""

UNPRICED: Mapping[str, str] = _TABLES["unpriced"]
"""The types that are billed in another way, and how."""

_FREE = frozenset(_TABLES["free"]["types"])


def is_free(resource_type: str) -> bool:
    """Whether resources of a type cost nothing."""
    return resource_type in _FREE or f"{resource_type.rpartition('::')[0]}::" in _FREE
