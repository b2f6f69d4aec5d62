"""Rules over messages of AWS as rows of data: patterns, their causes, and the texts of findings.

A file of rows has groups, each with a pattern `says` that its rows share; the first row whose patterns all match is the
one. The texts of a row name terms in braces, such as `{image}`, or a group of the row's pattern.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from portside.findings.codes import code_named
from portside.findings.finding import Finding

Context = TypeVar("Context")
Found = re.Match[str]
Terms = Mapping[str, Callable[[Context, Found], str]]

_TEXTS = ("what", "look", "fix")


@dataclass(frozen=True)
class Row:
    """Which words mean a cause. `kind` is a pattern of the resource's type, where the words are about one."""

    group: str
    code: str
    shared: re.Pattern[str]
    says: re.Pattern[str]
    unless: re.Pattern[str] | None
    kind: re.Pattern[str] | None
    what: str
    look: str
    fix: str

    def match(self, words: str, kind: str = "") -> Found | None:
        """Where the words say it; None where they don't."""
        if self.kind and not self.kind.search(kind):
            return None
        if not self.shared.search(words) or (self.unless and self.unless.search(words)):
            return None
        return self.says.search(words)


@cache
def rows_of(name: str) -> tuple[Row, ...]:
    """The rows of a data file in this folder. Raises KeyError for a row with an unknown code."""
    read = tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return tuple(_row(group, row) for group in read["group"] for row in group["row"])


def _row(group: Mapping[str, Any], row: Mapping[str, Any]) -> Row:
    code_named(row["code"])
    kind = row.get("kind", group.get("kind", ""))
    return Row(
        group=group["name"],
        code=row["code"],
        shared=_pattern(group.get("says", "")),
        says=_pattern(row.get("says", "")),
        unless=_pattern(row["unless"]) if "unless" in row else None,
        kind=re.compile(kind) if kind else None,
        **{name: row.get(name, group.get(name, "")) for name in _TEXTS},
    )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.DOTALL)


def first_row(name: str, words: str, kind: str = "") -> tuple[Row, Found] | None:
    """The first row of a data file that the words match, and how."""
    return next(((row, found) for row in rows_of(name) if (found := row.match(words, kind))), None)


class _Values(Generic[Context]):
    """The values of the terms in a row's texts, each computed only if it is used."""

    def __init__(self, terms: Terms[Context], context: Context, found: Found) -> None:
        self._terms, self._context, self._found = terms, context, found

    def __getitem__(self, name: str) -> str:
        if name in self._found.re.groupindex:
            return (self._found[name] or "").strip(" .,:;\"'")
        return self._terms[name](self._context, self._found)


def finding_of(row: Row, terms: Terms[Context], context: Context, found: Found) -> Finding:
    """A row as a finding, without evidence. Raises KeyError for a term that is not known."""
    values: Any = _Values(terms, context, found)
    what, look, fix = (getattr(row, name).format_map(values) for name in _TEXTS)
    return Finding(row.code, what, look=look, fix=fix)
