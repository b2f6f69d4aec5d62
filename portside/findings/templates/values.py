"""The values of template properties, if the templates determine them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Handle:
    """A resource of the assembly, or one of its attributes; `Ref` is the attribute ""."""

    stack: str
    logical_id: str
    attribute: str = ""


@dataclass(frozen=True)
class Unknown:
    """A value that only CloudFormation knows, such as a parameter's. Two of the same words are the same value."""

    words: str


@dataclass(frozen=True)
class Text:
    """A text of which some parts are not known."""

    parts: tuple[str | Handle | Unknown, ...]


NO_VALUE = Unknown("AWS::NoValue")
Opaque = Handle | Unknown | Text


def is_open(value: Any) -> bool:
    """Whether a value itself is not known."""
    return isinstance(value, Handle | Unknown | Text)


def is_known(value: Any) -> bool:
    """Whether a value is known, including all nested ones."""
    if isinstance(value, dict):
        return all(map(is_known, value.values()))
    if isinstance(value, list):
        return all(map(is_known, value))
    return not is_open(value)


def joined(parts: Sequence[Any]) -> Any:
    """A text of parts, each a text, a number or not known."""
    flat: list[str | Handle | Unknown] = []
    for part in parts:
        for each in part.parts if isinstance(part, Text) else (part,):
            if isinstance(each, Handle | Unknown):
                flat.append(each)
            elif flat and isinstance(flat[-1], str):
                flat[-1] += written(each)
            else:
                flat.append(written(each))
    found = [each for each in flat if each != ""]
    if all(isinstance(each, str) for each in found):
        return "".join(str(each) for each in found)
    return found[0] if len(found) == 1 else Text(tuple(found))


def parts_of(value: Any) -> tuple[Any, ...]:
    """The parts of a text that is not wholly known; any other value is its only part."""
    return value.parts if isinstance(value, Text) else (value,)


def written(value: Any) -> str:
    """A known scalar as CloudFormation passes it on."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(value: Any) -> float | None:
    """The number that a value is, also written as text; None where it is none or not known."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def whole(value: Any) -> int | None:
    """The whole number that a value is; None where it is none or not known."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def flag(value: Any) -> bool | None:
    """Whether a flag is set; None where that is not known."""
    return {"true": True, "false": False}.get(written(value).lower()) if isinstance(value, bool | str) else None


def text(value: Any) -> str | None:
    """The text that a value is; None where it is none or not known."""
    return value if isinstance(value, str) else None


def many(value: Any) -> list[Any]:
    """The items of a list; a single value is one item, a missing one none."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def fields(value: Any) -> dict[str, Any]:
    """The fields of an object; none if it is missing or unknown."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list that are known."""
    return [each for each in many(value) if isinstance(each, dict)]


def is_whole_list(value: Any) -> bool:
    """Whether all items of a list are known to be there: none is chosen by a condition."""
    return value is None or (isinstance(value, list) and not any(isinstance(each, Unknown) for each in value))


def handles(value: Any) -> Iterator[Handle]:
    """The resources in a value, however nested."""
    if isinstance(value, Handle):
        yield value
    elif isinstance(value, Text):
        yield from (each for each in value.parts if isinstance(each, Handle))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from handles(each)
    elif isinstance(value, list):
        for each in value:
            yield from handles(each)
