"""Files that the user writes: their text, and mistakes in Python that Python accepts."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

from portside.errors import ConfigurationError, Problem


def read_text(path: Path, *, hint_missing: str) -> str:
    """The text, without a byte order mark. Raises `ConfigurationError` if it doesn't exist or can't be read."""
    if path.is_dir():
        raise ConfigurationError(
            [Problem(path.name, "is a folder, not a file", f"Move the folder away. {hint_missing}")]
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError([Problem(path.name, "not found", hint_missing)]) from None
    except PermissionError:
        hint = f"Make it readable: chmod u+r {path.name}"
        raise ConfigurationError([Problem(path.name, "can't be read: permission denied", hint)]) from None
    except OSError as error:
        raise ConfigurationError([Problem(path.name, f"can't be read: {error.strerror}", hint_missing)]) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "Save the file as UTF-8."
        raise ConfigurationError(
            [Problem(line_of(path, data[: error.start].count(b"\n") + 1), "not UTF-8", hint)]
        ) from None
    if "\0" in text:
        line = line_of(path, text[: text.index("\0")].count("\n") + 1)
        raise ConfigurationError([Problem(line, "a NUL character", "Delete that character.")])
    return text


def line_of(path: Path, number: int) -> str:
    """A line, as messages identify it."""
    return f"{path.name}, line {number}"


def duplicate_keys(tree: ast.AST, path: Path) -> list[Problem]:
    """A problem for each literal key that is in a dictionary more than once."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Dict):
            continue
        first: dict[object, int] = {}
        for key in node.keys:
            if not isinstance(key, ast.Constant):
                continue
            if key.value in first:
                mistake = f"{key.value!r} is in this dictionary twice, first on line {first[key.value]}"
                hint = "Delete or rename one of them: Python uses only the last."
                found.append(Problem(line_of(path, key.lineno), mistake, hint))
            else:
                first[key.value] = key.lineno
    return sorted(found, key=lambda problem: int(problem.where.rpartition(" ")[2]))


# A long text over several lines is split at a space or at punctuation.
_WORD = re.compile(r"[\w@*-](?:[\w./:=@*-]*[\w@*])?")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_BETWEEN = (tokenize.NL, tokenize.COMMENT)


def missing_commas(text: str, path: Path) -> list[Problem]:
    """A problem for each two words in a list that Python joins into one."""
    hint = "Add a comma after the first: Python joins adjacent strings."
    lines = dict.fromkeys(_lines(text))
    return [Problem(line_of(path, line), "two strings in a list without a comma between them", hint) for line in lines]


def _lines(text: str) -> Iterator[int]:
    open_brackets: list[str] = []
    before: tokenize.TokenInfo | None = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in _BETWEEN:
            continue
        if token.string in _BRACKETS and token.type == tokenize.OP:
            is_subscript = token.string == "[" and before is not None and _is_value(before)
            open_brackets.append("subscript" if is_subscript else token.string)
        elif token.string in _BRACKETS.values() and token.type == tokenize.OP:
            open_brackets.pop()
        elif before is not None and open_brackets[-1:] == ["["] and _is_word(before) and _is_word(token):
            yield before.start[0]
        before = token


def _is_value(token: tokenize.TokenInfo) -> bool:
    return token.string in (")", "]", "}") or (token.type == tokenize.NAME and token.string not in ("return", "in"))


def _is_word(token: tokenize.TokenInfo) -> bool:
    # Before Python 3.12 an f-string is one of these tokens too.
    if token.type != tokenize.STRING or "f" in token.string.partition(token.string[-1])[0].lower():
        return False
    value = ast.literal_eval(token.string)
    return isinstance(value, str) and bool(_WORD.fullmatch(value))


# `${NAME}` is a shell's or Spring's, `{{name}}` a template's.
_PLACEHOLDER = re.compile(r"(?<![${])\{([A-Za-z_]\w*)((?:\.\w+|\[[^\]{}]*\]|\(\))*)\}(?!\})")
_Scope = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def missing_f_prefixes(tree: ast.Module, path: Path) -> list[Problem]:
    """A problem for each text that contains the names of variables in braces, and that Python doesn't format."""
    formatted = set(_formatted(tree))
    return list(_in_scope(tree, set(), formatted, path))


def unfilled(problem: Problem) -> str:
    """The text in braces that a problem of `missing_f_prefixes` is about; empty for other problems."""
    found = re.match(r"a text with (\{.+\}) in it\b", problem.what)
    return found[1] if found else ""


def _in_scope(scope: _Scope, outer: set[str], formatted: set[str], path: Path) -> Iterator[Problem]:
    known = outer | set(_names(scope))
    for node in _own_nodes(scope):
        if isinstance(node, _Scope) and node is not scope:
            yield from _in_scope(node, known, formatted, path)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value not in formatted:
            if found := _placeholder(node.value, known):
                hint = f'Add f before the quotes to format {found}: f"…{found}…".'
                yield Problem(line_of(path, node.lineno), f"a text with {found} in it that is not an f-string", hint)
        elif isinstance(node, ast.JoinedStr) and (found := _placeholder(_literal_text(node), known)):
            mistake = f"a text with {found} in it, which double braces don't format"
            yield Problem(line_of(path, node.lineno), mistake, f'Write single braces: f"…{found}…".')


def _placeholder(text: str, known: set[str]) -> str:
    """The first of a text's placeholders, if an f-string can format all of them and the text isn't JSON."""
    found = list(_PLACEHOLDER.finditer(text))
    if not found or not all(each[1] in known for each in found) or _is_json(text):
        return ""
    return found[0][0]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _literal_text(node: ast.JoinedStr) -> str:
    """The text of an f-string without placeholders; empty if it has one."""
    texts = [each.value for each in node.values if isinstance(each, ast.Constant)]
    return "".join(map(str, texts)) if len(texts) == len(node.values) else ""


def _own_nodes(scope: _Scope) -> Iterator[ast.AST]:
    """The nodes of a scope, without those of inner scopes, docstrings and the texts of f-strings."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.JoinedStr):
            yield node
            waiting = [*(each for each in node.values if isinstance(each, ast.FormattedValue)), *waiting]
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        yield node
        if not isinstance(node, _Scope):
            waiting = [*ast.iter_child_nodes(node), *waiting]


def _names(scope: _Scope) -> Iterator[str]:
    """The names defined in a scope: assignments, imports, functions, classes and parameters."""
    if not isinstance(scope, ast.Module):
        arguments = scope.args
        yield from (each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))
    for node in _own_nodes(scope):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Import(names=imported) | ast.ImportFrom(names=imported):
                yield from ((each.asname or each.name).partition(".")[0] for each in imported)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def _formatted(tree: ast.Module) -> Iterator[str]:
    """Texts on which `format` or `format_map` is called, directly or through a variable."""
    receivers = [node.value for node in ast.walk(tree) if _is_format(node)]
    templates = {each.id for each in receivers if isinstance(each, ast.Name)}
    for each in receivers:
        yield from _texts(each)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and templates & {
            each.id for each in node.targets if isinstance(each, ast.Name)
        }:
            yield from _texts(node.value)


def _is_format(node: ast.AST) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and node.attr in ("format", "format_map")


def _texts(node: ast.AST) -> Iterator[str]:
    return (each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))
