"""Dataclasses as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast


class JsonFields:
    """A dataclass that `--json` prints with its fields by name: `is_new` as `new`, tuples as lists."""

    def as_json(self) -> dict[str, Any]:
        return _fields_of(self)


def _fields_of(value: object) -> dict[str, Any]:
    own = fields(cast(Any, value))
    return {field.name.removeprefix("is_"): _as_json(getattr(value, field.name)) for field in own}


def _as_json(value: Any) -> Any:
    if hasattr(value, "as_json"):
        return value.as_json()
    if is_dataclass(value):
        return _fields_of(value)
    if isinstance(value, Mapping):
        return {key: _as_json(each) for key, each in value.items()}
    return [_as_json(each) for each in value] if isinstance(value, tuple | list) else value
