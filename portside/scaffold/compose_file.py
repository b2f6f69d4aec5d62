"""Reads a compose file: YAML with variables and merge keys, and the line of each value."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from portside.config.mistakes import kind_of
from portside.errors import UsageError

# https://docs.docker.com/reference/compose-file/interpolation/
_VARIABLE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?+])((?:[^{}]|\{[^}]*\})*))?\})")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmg]?)b?", re.IGNORECASE)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|h|m|s)")

MISSING = "\0"
"""Around the name of a variable without a value."""


@dataclass
class Variables:
    """The variables of the shell and of `.env`, and those that have no value, with a line."""

    values: Mapping[str, str | None]
    missing: dict[str, int] = field(default_factory=dict)

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
            self.missing[name] = line
            return f"{MISSING}{name}{MISSING}"

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
        for each in node.value:
            # A variable in a list, which others look for by its name.
            lines.setdefault((*path, str(each.value).partition("=")[0]), each.start_mark.line + 1)
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


_NUMBER = "a whole number"
_KINDS: Mapping[type, str] = {str: "a text", int: _NUMBER, list: "a list", Mapping: "a mapping"}
# https://docs.docker.com/reference/compose-file/services/ and deploy/, of what is read here
_TYPES: Mapping[tuple[str, ...], tuple[type, ...]] = {
    ("build",): (str, Mapping),
    ("command",): (str, list),
    ("depends_on",): (list, Mapping),
    ("deploy",): (Mapping,),
    ("deploy", "replicas"): (int,),
    ("deploy", "resources"): (Mapping,),
    ("deploy", "resources", "limits"): (Mapping,),
    ("deploy", "resources", "reservations"): (Mapping,),
    ("env_file",): (str, list),
    ("environment",): (list, Mapping),
    ("expose",): (list,),
    ("healthcheck",): (Mapping,),
    ("healthcheck", "retries"): (int,),
    ("healthcheck", "test"): (str, list),
    ("image",): (str,),
    ("ports",): (list,),
    ("secrets",): (list,),
    ("tmpfs",): (str, list),
    ("user",): (str, int),
    ("volumes",): (list,),
}


def expect_types(name: str, services: Mapping[str, Mapping[str, Any]], place: Place) -> None:
    """Raise `UsageError` where a value of a service has another type than Compose accepts."""
    for service, values in services.items():
        for path, kinds in _TYPES.items():
            value: Any = values
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            # A number may come from a variable.
            if value is None or isinstance(value, kinds) or (int in kinds and str(value).isdecimal()):
                continue
            expected = " or ".join(_KINDS[each] for each in kinds)
            raise _wrong(name, place, (service, *path), f"not {expected}, got {kind_of(value)}")
        for number, each in enumerate(listed(values.get("env_file"))):
            if isinstance(each, Mapping) and "path" not in each:
                raise _wrong(name, place, (service, "env_file", number), "has no path")
        try:
            shlex.split(values["command"]) if isinstance(values.get("command"), str) else None
        except ValueError as error:
            raise _wrong(name, place, (service, "command"), str(error).lower()) from error


def _wrong(name: str, place: Place, path: tuple[str | int, ...], mistake: str) -> UsageError:
    where = f"{name}, line {place.line('services', *path)}: {'.'.join(map(str, path))}"
    return UsageError(f"--from: {where}: {mistake}", "Correct it: docker compose config")


def listed(value: Any) -> list[Any]:
    """A value that may be one or a list of them."""
    return [] if value is None else list(value) if isinstance(value, list) else [value]


def pair_of(written: str) -> tuple[str, str | None]:
    """The name and the value of a variable in a list; None if it is the value in the shell."""
    key, equals, value = written.partition("=")
    return key, value if equals else None


def text_of(value: object) -> str:
    """A value as it gets into a variable."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def seconds_of(written: str) -> float:
    """The seconds of a duration such as 1m30s."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(written))


def mebibytes_of(written: str) -> int:
    """The MiB of a size such as 1.5G; 0 if it is not one."""
    found = _SIZE.fullmatch(written.strip())
    if not found:
        return 0
    return int(float(found[1]) * {"": 1 / 2**20, "b": 1 / 2**20, "k": 1 / 2**10, "m": 1, "g": 2**10}[found[2].lower()])


def host_in(service: str) -> re.Pattern[str]:
    """Finds the name of a service as a host in a value, after its first group."""
    return re.compile(rf"(^|[/@,=]){re.escape(service)}(?=[:/,]|$)")


def container_of(name: str) -> str:
    """The name of the container of a service: with lowercase letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
