"""Changes of settings that would save something, and whether they act in place."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.config.environment import Environment
from portside.costs.estimate import Difference, environment_costs
from portside.plan.replacement import DELETED, Values, losses
from portside.synthesis.variants import Made, Source, Variant, synthesize_variants

_ROWS: Sequence[Mapping[str, Any]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))[
    "saving"
]


@dataclass(frozen=True)
class Saving:
    """A change of a setting, what it saves in dollars a month, and what it risks."""

    environment: str
    setting: str
    value: str
    dollars: float
    risk: str
    replaced: tuple[str, ...] = ()
    """The resources that would be replaced."""
    confirmed: tuple[str, ...] = ()
    """The options without which `deploy` does not replace or delete resources."""
    kept: tuple[str, ...] = ()
    """The resources that stay in the account, and are billed until someone deletes them."""

    @property
    def effect(self) -> str:
        """How it acts: in place, or what is replaced; and what has to be deleted by hand."""
        acts = f"replaces {', '.join(self.replaced)}" if self.replaced else "in place"
        if self.confirmed:
            acts += f"; deploy needs {' '.join(self.confirmed)}"
        return f"{acts}; stays until deleted by hand: {', '.join(self.kept)}" if self.kept else acts

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {**vars(self), "in_place": not self.replaced}


def find_savings(source: Source, environments: Sequence[Environment]) -> list[Saving]:
    """The settings that would save something in these environments, the largest saving first.

    A setting that an environment can't have is omitted. Raises `ConfigurationError` if the present one is not valid.
    """
    rows = [(each, row) for each in environments for row in _ROWS if each.kind in row.get("kinds", (each.kind,))]
    present = [Variant(each.name) for each in environments]
    changed = [_variant(each.name, row) for each, row in rows]
    made = synthesize_variants(source, [*present, *changed])
    before = {each.name: found.expect_valid() for each, found in zip(environments, made, strict=False)}
    found = (
        _saving(each.name, row, before[each.name], after)
        for (each, row), after in zip(rows, made[len(environments) :], strict=True)
        if not after.problems
    )
    return sorted((each for each in found if each and each.dollars > 0), key=lambda each: -each.dollars)


def _variant(environment: str, row: Mapping[str, Any]) -> Variant:
    removed = {row["remove"]: None} if "remove" in row else {}
    return Variant(environment, {**row.get("settings", {}), **removed}, row.get("service_settings", {}))


def _saving(environment: str, row: Mapping[str, Any], before: Made, after: Made) -> Saving | None:
    """The saving; None where the changed setting needs something without a price, which would count as saved."""
    costs = [environment_costs(each.templates.values(), each.assumptions) for each in (before, after)]
    if Difference(*costs).unpriced["added"]:
        return None
    values = [*row.get("settings", {}).values(), *row.get("service_settings", {}).values()]
    lost = [
        loss
        for name, template in before.templates.items()
        if name in after.templates
        for loss in losses(template.get("Resources", {}), after.templates[name].get("Resources", {}), Values())
    ]
    noticed = [loss for loss in lost if loss.is_stateful or loss.interruption]
    return Saving(
        environment,
        row["setting"],
        _written(values[0]) if values else "None",
        -Difference(*costs).dollars,
        row["risk"],
        replaced=tuple(dict.fromkeys(loss.kind for loss in noticed if loss.what != DELETED)),
        confirmed=tuple(f"--replace {loss.logical_id}" for loss in noticed if loss.is_certain)
        + (() if before.templates.keys() <= after.templates.keys() else ("--prune",)),
        kept=tuple(dict.fromkeys(loss.kind for loss in lost if loss.is_kept)),
    )


def _written(value: object) -> str:
    """A value as in app.py."""
    return json.dumps(value) if isinstance(value, dict) else str(value)
