"""Texts of a list that Python joins, because there is no comma between them."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from portside.config.source_text import line_of
from portside.errors import Problem

# A long text over several lines is broken at a space, or at a character that holds its parts together.
_WORD = re.compile(r"[\w@*-](?:[\w./:=@*-]*[\w@*])?")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_BETWEEN = (tokenize.NL, tokenize.COMMENT)


def missing_commas(text: str, path: Path) -> list[Problem]:
    """A problem for each two words in a list that would become one."""
    hint = "Write a comma after the first: Python joins texts that stand side by side."
    lines = dict.fromkeys(_lines(text))
    return [Problem(line_of(path, line), "two texts in a list without a comma between them", hint) for line in lines]


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
