"""Changing the release of an environment in `app.py`, without changing any other byte."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from portside.config.image_reference import is_tag
from portside.config.mistakes import quoted
from portside.errors import UsageError

_KEY = "GHCR_PACKAGE_VERSION"
_ENVIRONMENTS = "ENVIRONMENTS"


class _NotEditable(Exception):
    """The reason why `app.py` can't be edited, and its line."""

    def __init__(self, line: int | None, problem: str) -> None:
        super().__init__(problem)
        self.line, self.problem = line, problem


@dataclass(frozen=True)
class _Written:
    """The literal that gives an environment its version, and the module-level name that it has, if any."""

    literal: ast.Constant
    name: str | None

    @property
    def version(self) -> str:
        return str(self.literal.value)


@dataclass(frozen=True)
class _Source:
    """The text of `app.py`, and the nodes of its environments."""

    text: str
    encoding: str
    tree: ast.Module
    environments: Mapping[str, ast.expr]


def with_versions(source: bytes, versions: Mapping[str, str]) -> bytes:
    """The text of `app.py` with the `GHCR_PACKAGE_VERSION` of some environments changed, by environment.

    Raises `UsageError` if a version is not a string literal, or if changing it would change another environment's.
    """
    hint = f"Edit app.py by hand: {', '.join(_as_written(*each) for each in versions.items())}."
    for name, version in versions.items():
        if not is_tag(version):
            raise UsageError(
                f"{_KEY} of {quoted(name)}: not a tag that an image can have, got {quoted(version)}",
                'Give the release\'s version, such as "4.2.0-rc2".',
            )
    try:
        return _edited(source, versions)
    except _NotEditable as error:
        place = f"app.py, line {error.line}" if error.line else "app.py"
        raise UsageError(f"{place}: {error.problem}", hint) from error


def versions_in(source: bytes) -> dict[str, str]:
    """The `GHCR_PACKAGE_VERSION` of each environment, without those that are only known by running `app.py`."""
    try:
        configuration = _parsed(source)
    except _NotEditable:
        return {}
    found = {}
    for name in configuration.environments:
        try:
            found[name] = _written(configuration, name).version
        except _NotEditable:
            continue
    return found


def _as_written(name: str, version: str) -> str:
    return f"{_ENVIRONMENTS}[{quoted(name)}][{quoted(_KEY)}] should be {quoted(version)}"


def _edited(source: bytes, versions: Mapping[str, str]) -> bytes:
    configuration = _parsed(source)
    changes: dict[ast.AST, str] = {}
    for name, version in versions.items():
        written = _written(configuration, name)
        if written.version != version:
            if written.name:
                _check_not_shared(written.name, name, configuration, versions)
            changes[written.literal] = version
    if not changes:
        return source
    edited = _spliced(configuration.text, changes).encode(configuration.encoding)
    if _outline(_parsed(edited).tree) != _outline(configuration.tree, changes):
        raise _NotEditable(None, "more than the versions would change")
    return edited


def _parsed(source: bytes) -> _Source:
    """Raises `_NotEditable` if the environments are not written as literals."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        is_reversible = text.encode(encoding) == source
    except SyntaxError as error:
        raise _NotEditable(error.lineno, f"Python cannot read this: {error.msg}") from error
    except (ValueError, LookupError, RecursionError) as error:
        raise _NotEditable(None, "Python cannot read this") from error
    if not is_reversible:
        raise _NotEditable(None, f"in the encoding {encoding} the same text can be written in several ways")
    dictionary = _value_of(_ENVIRONMENTS, tree)
    mentions = [node for node in _outside_functions(tree) if _is_name(node, _ENVIRONMENTS)]
    if len(mentions) > 1:
        problem = f"{_ENVIRONMENTS} is used again here, and can be changed there"
        raise _NotEditable(max(map(_line, mentions)), problem)
    return _Source(text, encoding, tree, _entries(dictionary, _ENVIRONMENTS))


def _written(configuration: _Source, name: str) -> _Written:
    """Where the version of an environment is written. Raises `_NotEditable` where it is no literal."""
    if name not in configuration.environments:
        raise _NotEditable(None, f"no environment {quoted(name)} in {_ENVIRONMENTS}")
    place = f"{_ENVIRONMENTS}[{quoted(name)}]"
    keys = _entries(configuration.environments[name], place)
    if _KEY not in keys:
        raise _NotEditable(configuration.environments[name].lineno, f"no {_KEY} in {place}")
    value, constant = keys[_KEY], None
    if isinstance(value, ast.Name):
        constant = value.id
        value = _value_of(constant, configuration.tree)
    if (
        not isinstance(value, ast.Constant)
        or not isinstance(value.value, str)
        or not _is_one_literal(configuration.text, value)
    ):
        raise _NotEditable(value.lineno, f"{_KEY} of {quoted(name)} is not a string literal")
    return _Written(value, constant)


def _value_of(name: str, tree: ast.Module) -> ast.expr:
    """The value of a module variable. Raises `_NotEditable` unless it is assigned once, and not under an `if`."""
    bound = [node for node in ast.walk(tree) if _binds(node, name)]
    if not bound:
        raise _NotEditable(None, f"{name} is missing")
    for statement in tree.body:
        targets = _targets(statement)
        if len(bound) == 1 and len(targets) == 1 and targets[0] is bound[0]:
            value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
            if value is not None:
                return value
    problem = f"{name} is assigned more than once" if len(bound) > 1 else f"{name} is not a simple assignment"
    raise _NotEditable(max(map(_line, bound)), problem)


def _targets(statement: ast.stmt) -> Sequence[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a node gives a name a (new) meaning."""
    match node:
        case ast.Name(id=given, ctx=ast.Store() | ast.Del()):
            return given == name
        case ast.alias(name=imported, asname=given):
            return name == (given or imported.partition(".")[0])
        case ast.Global(names=names):
            return name in names
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.ExceptHandler():
            return node.name == name
        case ast.MatchAs() | ast.MatchStar():
            return node.name == name
        case ast.MatchMapping(rest=rest):
            return rest == name
    return False


def _outside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that run when the module is loaded."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += [*node.decorator_list, node.args]
        else:
            waiting += ast.iter_child_nodes(node)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 1))


def _entries(value: ast.expr, place: str) -> dict[str, ast.expr]:
    """The entries of a dict literal. Raises `_NotEditable` where it is none, or not all keys are written out once."""
    if not isinstance(value, ast.Dict):
        raise _NotEditable(value.lineno, f"{place} is not written out as a dict")
    entries: dict[str, ast.expr] = {}
    for key, entry in zip(value.keys, value.values, strict=True):
        if key is None:
            raise _NotEditable(entry.lineno, f"{place} takes in another dict with **")
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise _NotEditable(key.lineno, f"{place} has a key that is no plain text")
        if key.value in entries:
            raise _NotEditable(key.lineno, f"{place} has {quoted(key.value)} twice")
        entries[key.value] = entry
    return entries


def _check_not_shared(constant: str, name: str, configuration: _Source, versions: Mapping[str, str]) -> None:
    """Raises `_NotEditable` if a constant is used by anything but the environments to change."""
    inside = {each: set(ast.walk(value)) for each, value in configuration.environments.items()}
    following = {each for each, version in versions.items() if version == versions[name]}
    for node in ast.walk(configuration.tree):
        if isinstance(node, ast.Name) and node.id == constant and isinstance(node.ctx, ast.Load):
            user = next((each for each, nodes in inside.items() if node in nodes), None)
            if user not in following:
                place = f"by {quoted(user)}" if user else "here"
                raise _NotEditable(node.lineno, f"{constant} is used {place} too, which is not to change with it")


def _is_one_literal(text: str, node: ast.Constant) -> bool:
    """Whether a string is one literal, and not several that Python concatenates."""
    start, end = _span(text, node)
    # In brackets, because a line break between two of them would end the statement.
    tokens = tokenize.generate_tokens(io.StringIO(f"({text[start:end]})").readline)
    return sum(token.type == tokenize.STRING for token in tokens) == 1


def _span(text: str, node: ast.Constant) -> tuple[int, int]:
    """Start and end of a node in a text; Python counts columns in bytes of UTF-8."""
    # Not splitlines(), which takes form feeds and more for ends of lines.
    lines = list(io.StringIO(text, newline=""))
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    positions = []
    for line, column in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)):
        before = len("".join(lines[: line - 1]))
        positions.append(before + len(lines[line - 1].encode()[:column].decode()))
    return positions[0], positions[1]


def _spliced(text: str, changes: Mapping[ast.AST, str]) -> str:
    """The text with other contents between the quotes of some literals."""
    spans = [(*_span(text, node), version) for node, version in changes.items() if isinstance(node, ast.Constant)]
    for start, end, version in sorted(spans, reverse=True):
        literal = text[start:end].lstrip("rRuU")
        quotes = 3 if literal.startswith(('"""', "'''")) else 1
        text = text[: end - len(literal) + quotes] + version + text[end - quotes :]
    return text


def _outline(tree: ast.Module, changes: Mapping[ast.AST, str] | None = None) -> list[tuple[object, ...]]:
    """The nodes of a module, as they would be with some literals changed."""
    return [
        (type(node), changes[node])
        if changes and node in changes
        else (type(node), *(value for name, value in ast.iter_fields(node) if _is_said_here(name, value)))
        for node in ast.walk(tree)
    ]


def _is_said_here(field: str, value: object) -> bool:
    return field != "kind" and not isinstance(value, ast.AST | list)
