"""Conditions of templates: ministack lacks their Fn::Join, which the template of the CDK's bootstrap uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.patches.patching import replaces


@replaces("services.cloudformation.stacks._evaluate_conditions")
@replaces("services.cloudformation.handlers._evaluate_conditions")
@replaces("services.cloudformation.changesets._evaluate_conditions")
def join_first(original: Any, template: Any, params: Any) -> Any:
    """The conditions, evaluated with each Fn::Join replaced by its text."""
    return original({**template, "Conditions": _joined(template.get("Conditions", {}), params)}, params)


def _joined(node: Any, params: Mapping[str, Any]) -> Any:
    if isinstance(node, list):
        return [_joined(each, params) for each in node]
    if not isinstance(node, Mapping):
        return node
    if "Fn::Join" not in node:
        return {key: _joined(value, params) for key, value in node.items()}
    separator, parts = node["Fn::Join"]
    # The value of a list parameter is one text, with commas.
    texts = _text(parts, params).split(",") if isinstance(parts, Mapping) else [_text(each, params) for each in parts]
    return separator.join(texts)


def _text(node: Any, params: Mapping[str, Any]) -> str:
    joined = _joined(node, params)
    if isinstance(joined, Mapping) and "Ref" in joined:
        joined = params.get(joined["Ref"], {}).get("Value", joined["Ref"])
    return str(joined)
