"""CloudFormation's schemas of resource types: what a template's properties must be, and which changes replace.

A template is checked with the same data file before a deployment. The tool that writes it names its sources.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import portside

_FILE = Path(portside.__path__[0], "findings", "templates", "limits.json")
Schema = Mapping[str, Any]


def replacing(kind: str) -> tuple[str, ...]:
    """The properties of which a change replaces a resource; none if the type's schema is unknown."""
    return tuple(_line("replacing").get(kind, ()))


def name_property(kind: str) -> str | None:
    """The property that names a resource, so that no two of an account and region have the same value."""
    return _line("identifiers").get(kind)


def problems(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """The mistakes in resolved properties, in CloudFormation's words."""
    schema = _line(kind)
    return list(_problems(schema, properties, "#", schema.get("definitions", {})))


def _problems(schema: Schema, value: Any, path: str, definitions: Schema) -> Iterator[str]:
    schema = definitions.get(schema.get("$ref", "").rpartition("/")[2], schema)
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        for key, each in value.items():
            if key in known:
                yield from _problems(known[key], each, f"{path}/{key}", definitions)
            elif known and schema.get("additionalProperties") is False and not schema.get("patternProperties"):
                yield f"{path}: extraneous key [{key}] is not permitted"
        for key in schema.get("required", ()):
            if key not in value:
                yield f"{path}: required key [{key}] not found"
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _problems(schema.get("items", {}), each, f"{path}/{index}", definitions)
    elif "enum" in schema and _text(value) not in map(_text, schema["enum"]):
        # Patterns are not checked: cfn-lint adds its own, which AWS does not have.
        yield f"{path}: failed validation constraint for keyword [enum]"


def _text(value: Any) -> str:
    """CloudFormation takes "true" for true, and "1" for 1."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _line(name: str) -> Schema:
    """The value of a key, from its own line: the file is large, and a stack needs a few types of it."""
    start = f'"{name}": '
    with _FILE.open(encoding="utf-8") as lines:
        for line in lines:
            if (stripped := line.lstrip()).startswith(start):
                return json.loads(stripped.removeprefix(start).rstrip().removesuffix(","))
    return {}
