"""Values against a JSON schema, where some values are not known.

Only what is certain is a problem: what a value that is not known could make right is let pass.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from portside.findings.templates.values import Unknown, is_known, is_open, number, written

Json = Mapping[str, Any]
Schema = Json | bool


@dataclass(frozen=True)
class Problem:
    """A value that its schema refuses: its path, and why."""

    path: str
    what: str


@dataclass(frozen=True)
class _Place:
    path: str
    definitions: Json

    def under(self, key: str | int) -> _Place:
        added = f"[{key}]" if isinstance(key, int) else f".{key}" if self.path else key
        return _Place(self.path + added, self.definitions)


def problems(schema: Schema, value: Any, definitions: Json | None = None) -> list[Problem]:
    """The values that a schema certainly refuses."""
    own = schema.get("definitions", {}) if isinstance(schema, Mapping) else {}
    return list(_problems(schema, value, _Place("", definitions or own)))


def _problems(schema: Schema, value: Any, place: _Place) -> Iterator[Problem]:
    if isinstance(schema, bool):
        if not schema:
            yield Problem(place.path, "is not accepted here")
        return
    schema = _followed(schema, place)
    if is_open(value):
        return
    for keyword, judge in _LEAVES.items():
        if keyword in schema and (sentence := judge(schema[keyword], value, schema)):
            yield Problem(place.path, sentence)
            if keyword == "type":
                return
    yield from _in_objects(schema, value, place)
    yield from _in_lists(schema, value, place)
    yield from _combined(schema, value, place)


def _followed(schema: Json, place: _Place) -> Json:
    while "$ref" in schema:
        schema = place.definitions.get(schema["$ref"].rpartition("/")[2], {})
    return schema


def _in_objects(schema: Json, value: Any, place: _Place) -> Iterator[Problem]:
    if not isinstance(value, dict):
        return
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, each in value.items():
        if key in properties:
            yield from _problems(properties[key], each, place.under(key))
            continue
        fitting = [of for pattern, of in patterns.items() if (found := _pattern(pattern)) is None or found.search(key)]
        for of in fitting:
            yield from _problems(of, each, place.under(key))
        if not fitting and schema.get("additionalProperties") is False and (properties or patterns):
            yield Problem(place.under(key).path, "is no property that AWS knows")


def _in_lists(schema: Json, value: Any, place: _Place) -> Iterator[Problem]:
    if isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for index, each in enumerate(value):
            yield from _problems(schema["items"], each, place.under(index))


def _combined(schema: Json, value: Any, place: _Place) -> Iterator[Problem]:
    for each in schema.get("allOf", ()):
        yield from _problems(each, value, place)
    for keyword in ("anyOf", "oneOf"):
        variants = schema.get(keyword, ())
        if variants and all(_is_valid(each, value, place) is False for each in variants):
            found = [list(_problems(each, value, place)) for each in variants]
            closest = min(found, key=len)
            yield from closest or [Problem(place.path, "matches no variant that AWS accepts")]
    if "not" in schema and _is_valid(schema["not"], value, place):
        yield Problem(place.path, "is a variant that AWS refuses")
    if "if" in schema:
        applies = _is_valid(schema["if"], value, place)
        if applies is not None:
            yield from _problems(schema.get("then" if applies else "else", True), value, place)


def _is_valid(schema: Schema, value: Any, place: _Place) -> bool | None:
    """Whether a value fits a schema; None where that depends on what is not known."""
    if any(True for _ in _problems(schema, value, place)):
        return False
    return True if _is_decided(schema, value, place) else None


def _is_decided(schema: Schema, value: Any, place: _Place) -> bool:
    """Whether all values that a schema constrains are known."""
    if isinstance(schema, bool):
        return True
    schema = _followed(schema, place)
    if is_open(value):
        # An empty schema only requires that the value exists.
        return not schema
    if isinstance(value, dict):
        if any(isinstance(value.get(key), Unknown) for key in schema.get("required", ())):
            return False
        looked_at = schema.get("properties", {})
        if not all(_is_decided(each, value[key], place) for key, each in looked_at.items() if key in value):
            return False
    if isinstance(value, list) and not is_known(value):
        return False
    inner = [*schema.get("allOf", ()), *schema.get("anyOf", ()), *schema.get("oneOf", ())]
    inner += [schema[key] for key in ("not", "if", "then", "else") if key in schema]
    return all(_is_decided(each, value, place) for each in inner)


def _type(expected: Any, value: Any, schema: Json) -> str:
    kinds = expected if isinstance(expected, list) else [expected]
    if any(_FITS[kind](value) for kind in kinds):
        return ""
    return f"must be {' or '.join(_WORDS[kind] for kind in kinds)}, got {_shown(value)}"


# CloudFormation turns numbers and flags into text and back as a property wants them.
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: not isinstance(value, dict | list),
    "integer": lambda value: (found := number(value)) is not None and found == int(found),
    "number": lambda value: number(value) is not None,
    "boolean": lambda value: isinstance(value, bool) or str(value).lower() in ("true", "false"),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing",
}


def _enum(accepted: list[Any], value: Any, schema: Json) -> str:
    if isinstance(value, dict | list) or written(value) in map(written, accepted):
        return ""
    return f"must be {_one_of(accepted)}, got {_shown(value)}"


def _enum_in_any_case(accepted: list[Any], value: Any, schema: Json) -> str:
    lower = [written(each).lower() for each in accepted]
    return "" if isinstance(value, dict | list) or written(value).lower() in lower else _enum(accepted, value, schema)


def _constant(expected: Any, value: Any, schema: Json) -> str:
    return _enum([expected], value, schema)


def _minimum(least: float, value: Any, schema: Json) -> str:
    found = number(value)
    return f"must be {_range(schema)}, got {_shown(value)}" if found is not None and found < least else ""


def _maximum(most: float, value: Any, schema: Json) -> str:
    found = number(value)
    return f"must be {_range(schema)}, got {_shown(value)}" if found is not None and found > most else ""


def _range(schema: Json) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None or most is None:
        return f"at least {least}" if most is None else f"at most {most}"
    return f"from {least} to {most}"


def _multiple(step: float, value: Any, schema: Json) -> str:
    found = number(value)
    return f"must be a multiple of {step}, got {_shown(value)}" if found is not None and found % step else ""


def _shortest(least: int, value: Any, schema: Json) -> str:
    return f"must have at least {least} characters" if isinstance(value, str) and len(value) < least else ""


def _longest(most: int, value: Any, schema: Json) -> str:
    is_over = isinstance(value, str) and len(value) > most
    return f"must have at most {most} characters, has {len(value)}" if is_over else ""


def _matches(pattern: str, value: Any, schema: Json) -> str:
    found = _pattern(pattern)
    is_wrong = found is not None and isinstance(value, str | int | float) and not found.search(written(value))
    return f"must match {pattern}, got {_shown(value)}" if is_wrong else ""


@cache
def _pattern(pattern: str) -> re.Pattern[str] | None:
    """A pattern of a schema, in JavaScript's dialect; None where Python's can't read it."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _fewest(least: int, value: Any, schema: Json) -> str:
    is_under = isinstance(value, list) and len(value) < least and not any(map(_may_be_many, value))
    return f"must have at least {least} items, has {len(value)}" if is_under else ""


def _most(most: int, value: Any, schema: Json) -> str:
    certain = [each for each in value if not isinstance(each, Unknown)] if isinstance(value, list) else []
    return f"must have at most {most} items, has {len(certain)}" if len(certain) > most else ""


def _may_be_many(item: Any) -> bool:
    return isinstance(item, Unknown)


def _unique(expected: bool, value: Any, schema: Json) -> str:
    if not expected or not isinstance(value, list):
        return ""
    seen = [json.dumps(each, sort_keys=True, default=repr) for each in value]
    twice = next((each for index, each in enumerate(seen) if each in seen[:index]), None)
    return f"has {twice} twice" if twice is not None else ""


def _contains(expected: Schema, value: Any, schema: Json) -> str:
    if not isinstance(value, list) or not is_known(value):
        return ""
    return "" if any(not problems(expected, each) for each in value) else "lacks an item that AWS requires"


def _required(names: list[str], value: Any, schema: Json) -> str:
    lacking = [name for name in names if name not in value] if isinstance(value, dict) else []
    return f"lacks {', '.join(lacking)}" if lacking else ""


def _exactly_one(names: list[str], value: Any, schema: Json) -> str:
    return _count(names, value, at_most=1)


def _at_least_one(names: list[str], value: Any, schema: Json) -> str:
    return _count(names, value, at_most=len(names))


def _count(names: list[str], value: Any, *, at_most: int) -> str:
    if not isinstance(value, dict):
        return ""
    certain = [name for name in names if _is_given(value, name)]
    if len(certain) > at_most:
        return f"may have one of {', '.join(names)}, has {', '.join(certain)}"
    return "" if any(name in value for name in names) else f"lacks one of {', '.join(names)}"


def _is_given(value: Json, name: str) -> bool:
    """Whether a property certainly exists; an empty list counts as missing."""
    return name in value and not isinstance(value[name], Unknown) and value[name] != []


def _wants_others(table: Mapping[str, list[str]], value: Any, schema: Json) -> str:
    for name, others in table.items() if isinstance(value, dict) else ():
        lacking = [each for each in others if each not in value]
        if _is_given(value, name) and lacking:
            return f"has {name} without {', '.join(lacking)}"
    return ""


def _excludes_others(table: Mapping[str, list[str]], value: Any, schema: Json) -> str:
    for name, others in table.items() if isinstance(value, dict) else ():
        found = [each for each in others if _is_given(value, each)]
        if _is_given(value, name) and found:
            return f"has both {name} and {', '.join(found)}"
    return ""


_LEAVES: Mapping[str, Callable[[Any, Any, Json], str]] = {
    "type": _type,
    "enum": _enum,
    "enumCaseInsensitive": _enum_in_any_case,
    "const": _constant,
    "minimum": _minimum,
    "maximum": _maximum,
    "multipleOf": _multiple,
    "minLength": _shortest,
    "maxLength": _longest,
    "pattern": _matches,
    "minItems": _fewest,
    "maxItems": _most,
    "uniqueItems": _unique,
    "contains": _contains,
    "required": _required,
    "requiredXor": _exactly_one,
    "requiredOr": _at_least_one,
    "dependentRequired": _wants_others,
    "dependentExcluded": _excludes_others,
}


def _shown(value: Any) -> str:
    shown = json.dumps(value, default=repr)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _one_of(accepted: list[Any]) -> str:
    names = [written(each) for each in accepted]
    more = f" or one of {len(names) - 8} others" if len(names) > 8 else ""
    return ("" if len(names) == 1 else "one of ") + ", ".join(names[:8]) + more
