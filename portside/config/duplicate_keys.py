"""Entries that a dictionary in a Python file has twice: Python keeps the last one and says nothing."""

from __future__ import annotations

import ast
from pathlib import Path

from portside.config.source_text import line_of
from portside.errors import Problem


def duplicate_keys(tree: ast.AST, path: Path) -> list[Problem]:
    """A problem for each literal key that stands in one dictionary more than once."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        first: dict[object, int] = {}
        for key in node.keys:
            if not isinstance(key, ast.Constant):
                continue
            if key.value in first:
                what = f"{key.value!r} stands in this dictionary twice, first in line {first[key.value]}"
                hint = "Delete one of the two, or rename it: Python would use the last one only."
                found.append(Problem(line_of(path, key.lineno), what, hint))
            else:
                first[key.value] = key.lineno
    return sorted(found, key=lambda problem: int(problem.where.rpartition(" ")[2]))
