"""Reads a compose file: YAML with variables and merge keys, and the line of each value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from portside.errors import UsageError

# https://docs.docker.com/reference/compose-file/interpolation/
_VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])((?:[^{}]|\{[^}]*\})*))?\})")


@dataclass
class Variables:
    """The variables of the shell and of `.env`, and those that have no value, by line."""

    values: Mapping[str, str | None]
    missing: list[tuple[int, str]] = field(default_factory=list)

    def fill(self, text: str, line: int) -> str:
        """A text with the values of its variables."""

        def value(found: re.Match[str]) -> str:
            if found[1]:
                return "$$"
            name, operator, alternative = found[2] or found[3], found[4] or "", found[5] or ""
            known = self.values.get(name)
            if operator.endswith("+"):
                return self.fill(alternative, line) if known else ""
            if known is not None and (known or not operator.startswith(":")):
                return known
            if operator.endswith("-"):
                return self.fill(alternative, line)
            self.missing.append((line, f"the variable {name} has no value here"))
            return ""

        return _VARIABLE.sub(value, text)


@dataclass(frozen=True)
class Place:
    """The lines of the values of a document, by their paths."""

    lines: Mapping[tuple[str | int, ...], int]

    def line(self, *path: str | int) -> int:
        """The line of a value, or else of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_compose(text: str, name: str, variables: Variables) -> tuple[Mapping[str, Any], Place]:
    """The document with filled variables, and its lines. Raises `UsageError` if it isn't YAML."""
    loader = yaml.SafeLoader(text)
    lines: dict[tuple[str | int, ...], int] = {}
    try:
        node = loader.get_single_node()
        document = _value(loader, node, (), lines, variables) if node else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise UsageError(f"--from: {name}{where} is not YAML", "Correct it: docker compose config") from error
    finally:
        loader.dispose()
    return document if isinstance(document, Mapping) else {}, Place(lines)


def _value(loader: Any, node: Any, path: tuple[str | int, ...], lines: dict[Any, int], variables: Variables) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        return dict(_entries(loader, node, path, lines, variables))
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, each, (*path, place), lines, variables) for place, each in enumerate(node.value)]
    value = loader.construct_object(node)
    # Times and dates are not values of compose files.
    value = node.value if not isinstance(value, str | int | float | bool | None) else value
    return variables.fill(value, node.start_mark.line + 1) if isinstance(value, str) else value


def _entries(
    loader: Any, node: Any, path: tuple[str | int, ...], lines: Any, variables: Any
) -> Iterator[tuple[str, Any]]:
    for key, each in node.value:
        inside = (*path, str(key.value))
        lines[inside] = key.start_mark.line + 1
        yield str(key.value), _value(loader, each, inside, lines, variables)
