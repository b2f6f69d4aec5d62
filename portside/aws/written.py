"""Values of the model as JSON, and read back."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def written(value: Any) -> Any:
    """A value of this module, or one made of them, as JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return written(asdict(value))
    if isinstance(value, dict):
        return {name: written(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [written(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value


def read_back(kind: type[T], value: Any) -> T:
    """The value of which `written` made this. Raises KeyError, TypeError or ValueError for anything else."""
    return typing.cast(T, _read(kind, value))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any) -> Any:
    if isinstance(kind, types.UnionType):
        if value is None:
            return None
        return _read(next(each for each in kind.__args__ if each is not types.NoneType), value)
    if typing.get_origin(kind) is Mapping:
        return {str(name): str(each) for name, each in value.items()}
    if typing.get_origin(kind) is tuple:
        return tuple(_read(typing.get_args(kind)[0], each) for each in value)
    if kind is datetime:
        return datetime.fromisoformat(value)
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{each.name: _read(_hints(kind)[each.name], value[each.name]) for each in fields(kind)})
    if not isinstance(value, kind):
        raise TypeError(f"not a {kind.__name__}, got {type(value).__name__}")
    return value
