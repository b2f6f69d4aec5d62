"""ARCHITECTURE.md: its flows name modules that exist, few of them, and each is connected with one before it."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.unit.documents import ROOT

MOST_MODULES = 8
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
FLOWS = {
    match["title"]: re.findall(r"^\d+\. `([\w/.]+)`", match["steps"], re.MULTILINE)
    for match in re.finditer(r"^\*\*(?P<title>[^*]+)\*\*(?P<steps>.*?)(?=^\*\*|^## )", TEXT, re.MULTILINE | re.DOTALL)
}


@cache
def imports(path: str) -> set[str]:
    """Our modules that a module imports, as paths."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return {f"{name.replace('.', '/')}.py" for name in names if name.startswith("portside.")}


def test_there_are_four_flows() -> None:
    assert len(FLOWS) == 4


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_a_flow_passes_few_modules_and_none_twice(flow: list[str]) -> None:
    assert 2 < len(flow) <= MOST_MODULES
    assert len(set(flow)) == len(flow)


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_each_module_of_a_flow_is_connected_with_one_before_it(flow: list[str]) -> None:
    modules = [path for path in flow if path.endswith(".py")]
    for position, path in enumerate(modules[1:], 1):
        before = modules[:position]
        assert imports(path).intersection(before) or any(path in imports(each) for each in before), path
