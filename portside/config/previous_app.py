"""Recognizes an `app.py` that was written for the app that this one replaces."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from portside.errors import Problem

_DEFINED = {"ENVIRONMENTS", "services"}
_VARIABLES = "environment_variables"
_LOADER = "load_context_config"
_FOLDER = "config/"
_STACKS = {
    *("NetworkStack", "EcsStack", "LoadBalancerStack", "ServiceStack", "LoadBalancedServiceStack"),
    *("DocdbStack", "BastionStack"),
}
HINT = (
    "Write APP, ENVIRONMENTS and services(environment) instead, for all environments at once: docs/adopting.md, "
    '"From an app.py of the previous app".'
)


def previous_app(tree: ast.Module, file_name: str) -> Problem | None:
    """The one problem of an `app.py` of the previous app; None if it defines what is read today."""
    if _DEFINED & set(_defined(tree)):
        return None
    found = sorted(_signs(tree), key=lambda sign: sign[1])
    if not found:
        return None
    said = " and ".join(dict.fromkeys(text for text, _ in found))
    return Problem(f"{file_name}, line {found[0][1]}", f"of the previous app: it {said}", HINT)


def reads_env(tree: ast.AST) -> int:
    """The first line that reads the variable ENV, or 0."""
    lines = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Subscript) and _is_env(node)]
    return min(lines, default=0)


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def _signs(tree: ast.Module) -> Iterator[tuple[str, int]]:
    if line := reads_env(tree):
        yield "reads ENV", line
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == _VARIABLES and isinstance(node.ctx, ast.Store):
            yield f"sets {_VARIABLES}", node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _FOLDER in node.value:
            yield "reads config/", node.lineno
        elif isinstance(node, ast.Call) and (name := _name_of(node.func)):
            if name == _LOADER:
                yield "reads config/", node.lineno
            elif name in _STACKS:
                yield "creates the stacks", node.lineno


def _name_of(called: ast.expr) -> str:
    return called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""


def _is_env(node: ast.Call | ast.Subscript) -> bool:
    """Whether it is `environ["ENV"]`, `environ.get("ENV")` or `getenv("ENV")`."""
    if isinstance(node, ast.Subscript):
        return _name_of(node.value) == "environ" and _is_text(node.slice, "ENV")
    is_read = _name_of(node.func) == "getenv" or (
        isinstance(node.func, ast.Attribute) and node.func.attr == "get" and _name_of(node.func.value) == "environ"
    )
    return is_read and bool(node.args) and _is_text(node.args[0], "ENV")


def _is_text(node: ast.expr, text: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == text
