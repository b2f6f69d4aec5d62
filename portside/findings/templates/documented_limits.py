"""The limits of single properties that AWS documents and its schemas don't have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from portside.findings.templates.schema import problems

STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")


@dataclass(frozen=True)
class Limit:
    """A JSON schema of a property, which may be one of Fargate only."""

    type: str
    path: str
    url: str
    schema: Mapping[str, Any]
    fargate: bool = False
    words: str = ""

    def refusal(self, value: Any) -> str:
        """Why a known value is refused; empty if it is accepted."""
        return next((each.what for each in problems(self.schema, value)), "")

    def values(self, properties: Any) -> Iterator[tuple[str, Any]]:
        """The paths of the property in a resource, with their values."""
        yield from _at(STEP.findall(self.path), properties, "")


@cache
def documented_limits() -> Mapping[str, tuple[Limit, ...]]:
    """All limits by resource type."""
    found = tomllib.loads((files(__package__) / "documented_limits.toml").read_text(encoding="utf-8"))
    del found["checked"]
    return {
        kind: tuple(_limit(kind, page, row) for page in pages for row in page["limits"])
        for kind, pages in found.items()
    }


def _limit(kind: str, page: Mapping[str, Any], row: dict[str, Any]) -> Limit:
    path = ".".join(filter(None, (page.get("in"), row.pop("path"))))
    fargate, words = row.pop("fargate", False), row.pop("words", "")
    is_number = "minimum" in row or "maximum" in row
    return Limit(kind, path, page["url"], ({"type": "number"} if is_number else {}) | row, fargate, words)


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
