"""The syntax of the repository's Python files, parsed once in a test process."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@functools.cache
def nodes_of(source: str) -> tuple[ast.AST, ...]:
    """Every node of the syntax tree, in the order of `ast.walk`: parsing and walking all files takes seconds."""
    return tuple(ast.walk(ast.parse(source)))


@functools.cache
def text_of(path: Path) -> str:
    """The content of a file that no test changes."""
    return path.read_text(encoding="utf-8")


def sources(*folders: str, containing: str = "") -> Iterator[tuple[str, tuple[ast.AST, ...]]]:
    """The path, from the root of the repository, and the nodes of each Python file in these folders.

    Only of files `containing` a text, where one is given: the others need not be parsed.
    """
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if containing in text_of(path):
                yield path.relative_to(ROOT).as_posix(), nodes_of(text_of(path))
