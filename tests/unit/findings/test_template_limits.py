"""The table of what AWS accepts in templates is that of the installed cfn-lint and botocore."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

from portside.findings.templates import attribute_names
from portside.findings.templates.documented_limits import STEP, Limit, documented_limits
from tests import cfn_lint_data
from tools.template_limits import LIMITS, limits, written

_ROWS = [limit for rows in documented_limits().values() for limit in rows]


@pytest.mark.slow
def test_the_table_is_what_the_tool_writes_from_what_is_installed() -> None:
    assert LIMITS.read_text(encoding="utf-8") == written(limits())


@pytest.mark.parametrize("limit", _ROWS, ids=lambda limit: f"{limit.type.removeprefix('AWS::')} {limit.path}")
def test_a_documented_limit_is_of_a_property_and_still_in_the_words_of_its_documentation(limit: Limit) -> None:
    documented = _documentation_of(limit)
    assert limit.words in documented
    assert limit.url.startswith("https://docs.aws.amazon.com/")


def _documentation_of(limit: Limit) -> str:
    schema = cfn_lint_data.schema(limit.type)
    node: dict[str, Any] = schema
    words = ""
    for name, _ in STEP.findall(limit.path):
        if name and "properties" in node:
            assert name in node["properties"], (limit.type, limit.path, name)
            node = node["properties"][name]
        elif not name:
            node = node.get("items", node)
        words += str(node.get("description", ""))
        while "$ref" in node:
            node = schema["definitions"][node["$ref"].rpartition("/")[2]]
            words += str(node.get("description", ""))
    # The keys of attributes are described with the property that holds them.
    return words + str(node.get("properties", {}).get("Key", {}).get("description", ""))


@pytest.mark.parametrize("limit", _ROWS, ids=lambda limit: f"{limit.type.removeprefix('AWS::')} {limit.path}")
def test_a_documented_limit_accepts_its_edges_and_refuses_what_is_beyond(limit: Limit) -> None:
    schema = limit.schema
    for key, beyond in (("minimum", -1), ("maximum", 1)):
        if key in schema:
            assert not limit.refusal(schema[key])
            assert not limit.refusal(str(schema[key]))
            assert limit.refusal(schema[key] + beyond)
            assert limit.refusal("a few")
    for key, item in (("maxItems", ["a"]), ("maxLength", "a")):
        if key in schema:
            assert not limit.refusal(item * schema[key])
            assert limit.refusal(item * (schema[key] + 1))
    for each in schema.get("enum", ()):
        assert not limit.refusal(each)
        assert limit.refusal(f"{each}x")
    if "pattern" in schema:
        assert limit.refusal('\x00/"@ ü')
    assert {"minimum", "maximum", "maxLength", "maxItems", "enum", "pattern"} & set(schema)


@pytest.mark.parametrize("limit", _ROWS, ids=lambda limit: f"{limit.type.removeprefix('AWS::')} {limit.path}")
def test_a_documented_limit_is_not_in_the_schema(limit: Limit) -> None:
    whole: dict[str, Any] = json.loads(LIMITS.read_text(encoding="utf-8"))["types"].get(limit.type, {})
    node = whole
    for name, _ in STEP.findall(limit.path):
        node = node.get("properties", {}).get(name, {}) if name else node.get("items", {})
        while "$ref" in node:
            node = whole["definitions"][node["$ref"].rpartition("/")[2]]
    keywords = {key: written_as_text(value) for key, value in limit.schema.items() if key != "type"}
    assert any(written_as_text(node.get(key)) != value for key, value in keywords.items())


def written_as_text(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list) else value


def test_the_file_of_documented_limits_is_where_it_is_read() -> None:
    assert Path(str(files("portside.findings.templates") / "documented_limits.toml")).is_file()
    assert len(_ROWS) > 60


@pytest.mark.parametrize(("kind", "key", "shape"), attribute_names.NAMES)
def test_attributes_are_those_that_botocore_documents(kind: str, key: str, shape: str) -> None:
    model = Loader().load_service_model("elbv2", "service-2")["shapes"][shape]
    documented = " ".join(member.get("documentation", "") for member in model["members"].values())
    named = set(re.findall(r"<code>([a-z][a-z_0-9]*(?:\.[a-z0-9_]+)+)</code>", documented))
    assert set(attribute_names.NAMES[kind, key, shape]) == named
