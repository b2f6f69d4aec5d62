"""The limits of single properties that AWS documents and its schemas don't have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from portside.findings.templates.values import number, written

STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


@dataclass(frozen=True)
class Limit:
    type: str
    path: str
    url: str
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""
    longest: int | None = None
    most: int | None = None
    """How many items a list may have."""
    accepted: tuple[str, ...] = ()
    fargate: bool = False
    words: str = ""

    def refusal(self, value: Any) -> str:
        """Why a known value is refused; empty if it is accepted."""
        if isinstance(value, list):
            over = self.most is not None and len(value) > self.most
            return f"must have at most {self.most} items, has {len(value)}" if over else ""
        shown = written(value)
        got = f"got {shown if len(shown) <= 60 else shown[:57] + '...'}"
        found = number(value)
        if (self.minimum, self.maximum) != (None, None):
            is_under = found is not None and self.minimum is not None and found < self.minimum
            is_over = found is not None and self.maximum is not None and found > self.maximum
            return f"must be {self._range}, {got}" if is_under or is_over or found is None else ""
        if self.accepted and shown not in self.accepted:
            return f"must be {' or '.join(self.accepted)}, {got}"
        if self.longest is not None and len(shown) > self.longest:
            return f"must have at most {self.longest} characters, has {len(shown)}"
        return f"must match {self.pattern}, {got}" if self.pattern and not re.search(self.pattern, shown) else ""

    @property
    def _range(self) -> str:
        least, most = (f"{each:g}" if each is not None else "" for each in (self.minimum, self.maximum))
        if least and most:
            return f"from {least} to {most}"
        return f"at least {least}" if least else f"at most {most}"

    def values(self, properties: Any) -> Iterator[tuple[str, Any]]:
        """The paths of the property in a resource, with their values."""
        yield from _at(STEP.findall(self.path), properties, "")


@cache
def documented_limits() -> Mapping[str, tuple[Limit, ...]]:
    """All limits by resource type."""
    text = (files(__package__) / "documented_limits.toml").read_text(encoding="utf-8")
    found: dict[str, tuple[Limit, ...]] = {}
    for row in tomllib.loads(text)["limit"]:
        accepted = tuple(row.pop("accepted", ()))
        found[row["type"]] = (*found.get(row["type"], ()), Limit(accepted=accepted, **row))
    return found


def _at(steps: list[tuple[str, str]], node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield path, node
        return
    (name, key), rest = steps[0], steps[1:]
    if name:
        if isinstance(node, dict) and name in node:
            yield from _at(rest, node[name], f"{path}.{name}" if path else name)
    elif isinstance(node, list):
        for index, each in enumerate(node):
            if not key:
                yield from _at(rest, each, f"{path}[{index}]")
            elif isinstance(each, dict) and each.get("Key") == key and "Value" in each:
                yield from _at(rest, each["Value"], f"{path}[{key}]")
