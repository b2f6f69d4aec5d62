"""CloudFormation's intrinsic functions, resolved where the templates of an assembly determine them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from portside.findings.templates.values import NO_VALUE, Handle, Unknown, joined

_IN_BRACES = re.compile(r"\$\{([^}]*)\}")
_DEEPEST = 40


@dataclass(frozen=True)
class Scope:
    """The scope of the intrinsic functions of one template."""

    stack: str
    resources: Container[str]
    mappings: Mapping[str, Any]
    pseudo: Mapping[str, str]
    output_of: Callable[[str, str, int], Any]
    """The value of another stack's output: by stack and name, and how deep the question is."""
    exported: Callable[[str, int], Any]
    """The value of an export by its name."""


def resolve(node: Any, scope: Scope, depth: int = 0) -> Any:
    """A part of a template with its functions resolved; what they leave open is `Handle`, `Text` or `Unknown`."""
    if isinstance(node, list):
        found = [resolve(each, scope, depth) for each in node]
        return [each for each in found if each != NO_VALUE]
    if isinstance(node, str) and "{{resolve:" in node:
        # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
        return Unknown(node)
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        [(name, argument)] = node.items()
        if name == "Ref" or name.startswith("Fn::") or name == "Condition":
            return _called(str(name), argument, scope, depth + 1)
    made = {str(key): resolve(value, scope, depth) for key, value in node.items()}
    return {key: value for key, value in made.items() if value != NO_VALUE}


def _called(name: str, argument: Any, scope: Scope, depth: int) -> Any:
    unknown = Unknown(f"{scope.stack} {json.dumps({name: argument}, sort_keys=True, default=str)}")
    function = _FUNCTIONS.get(name)
    if function is None or depth > _DEEPEST:
        return unknown
    found = function(argument, scope, depth)
    return unknown if found is None else found


def _reference(argument: Any, scope: Scope, depth: int) -> Any:
    if not isinstance(argument, str):
        return None
    if argument == "AWS::NoValue":
        return NO_VALUE
    if argument in scope.pseudo:
        return scope.pseudo[argument]
    return Handle(scope.stack, argument) if argument in scope.resources else None


def _attribute(argument: Any, scope: Scope, depth: int) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    match parts:
        case [str(logical_id), str(attribute)] if logical_id in scope.resources:
            return Handle(scope.stack, logical_id, attribute)
    return None


def _join(argument: Any, scope: Scope, depth: int) -> Any:
    match argument:
        case [str(glue), list(parts)]:
            found = resolve(parts, scope, depth)
            if any(isinstance(each, dict | list) for each in found):
                return None
            between = [piece for each in found for piece in (glue, each)]
            return joined(between[1:])
    return None


def _substitute(argument: Any, scope: Scope, depth: int) -> Any:
    match argument:
        case [str(pattern), Mapping() as names]:
            given = {key: resolve(value, scope, depth) for key, value in names.items()}
        case str(pattern):
            given = {}
        case _:
            return None
    parts: list[Any] = []
    end = 0
    for found in _IN_BRACES.finditer(pattern):
        name = found[1].strip()
        parts.append(pattern[end : found.start()])
        end = found.end()
        if name.startswith("!"):
            parts.append(f"${{{name[1:]}}}")
        elif name in given:
            parts.append(given[name])
        else:
            parts.append(resolve({"Fn::GetAtt": name} if "." in name else {"Ref": name}, scope, depth))
    parts.append(pattern[end:])
    return None if any(isinstance(each, dict | list) for each in parts) else joined(parts)


def _select(argument: Any, scope: Scope, depth: int) -> Any:
    match resolve(argument, scope, depth):
        case [index, list(items)] if str(index).isdecimal() and int(index) < len(items):
            return items[int(index)]
    return None


def _split(argument: Any, scope: Scope, depth: int) -> Any:
    match resolve(argument, scope, depth):
        case [str(glue), str(whole)]:
            return whole.split(glue)
    return None


def _in_map(argument: Any, scope: Scope, depth: int) -> Any:
    match resolve(argument, scope, depth):
        case [str(name), str(first), str(second), *_]:
            found: Any = scope.mappings
            for key in (name, first, second):
                found = found.get(key) if isinstance(found, Mapping) else None
            return found
    return None


def _encoded(argument: Any, scope: Scope, depth: int) -> Any:
    return resolve(argument, scope, depth)


def _output(argument: Any, scope: Scope, depth: int) -> Any:
    match argument:
        case {"StackName": str(stack), "OutputName": str(name)}:
            return scope.output_of(stack, name, depth)
    return None


def _import(argument: Any, scope: Scope, depth: int) -> Any:
    name = resolve(argument, scope, depth)
    return scope.exported(name, depth) if isinstance(name, str) else None


_FUNCTIONS: Mapping[str, Callable[[Any, Scope, int], Any]] = {
    "Ref": _reference,
    "Fn::GetAtt": _attribute,
    "Fn::Join": _join,
    "Fn::Sub": _substitute,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::FindInMap": _in_map,
    "Fn::Base64": _encoded,
    "Fn::GetStackOutput": _output,
    "Fn::ImportValue": _import,
}
