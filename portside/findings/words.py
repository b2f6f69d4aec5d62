"""Rules over messages of AWS and of programs as rows of data: patterns, their causes, and the texts of findings.

A file of rows has groups, each with a pattern `says` that its rows share, and default texts. A pattern is a text, or a
list of alternatives; `{{name}}` in it is one of the file's `patterns`. Several groups of a pattern may have the same
name. The first row whose patterns all match is the one. Its texts name terms in braces, such as `{image}`, an attribute
of the context, or a group of its pattern: `{path:the program}` has other words where the group is empty.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count, zip_longest
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from portside.commands import Commands, Option
from portside.findings.codes import code_named
from portside.findings.finding import Finding


class HasCommands(Protocol):
    """The subject of a row, with the commands that act on its environment."""

    @property
    def commands(self) -> Commands: ...


Context = TypeVar("Context", bound=HasCommands)
Groups = Mapping[str, str]
"""The groups of a pattern by name; those without a match are empty."""
Terms = Mapping[str, Callable[[Context, Groups], str]]

CRASH = "CRASH"
"""In place of a code: `CRASH_AT_START` or `CRASH_LATER`, whichever it was."""
_NAMED = re.compile(r"\{\{(\w+)\}\}")
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
    trimmed: str = ""
    """The characters around a group that are none of it, apart from spaces."""
    commands: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)
    """Commands of the AWS CLI that its texts may name; those with a `then` are a whole fix."""

    def match(self, words: str, kind: str = "") -> Groups | None:
        """The groups where the words say it; None where they don't."""
        if self.kind and not self.kind.search(kind):
            return None
        if not self.shared.search(words) or (self.unless and self.unless.search(words)):
            return None
        return self.said(words)

    def said(self, words: str) -> Groups | None:
        """The same by the row's own pattern alone."""
        found = self.says.search(words)
        if found is None:
            return None
        groups = dict.fromkeys((name.partition("__")[0] for name in found.re.groupindex), "")
        matched = {name.partition("__")[0]: each for name, each in found.groupdict().items() if each is not None}
        return groups | {name: each.strip(self.trimmed or None) for name, each in matched.items()}


@cache
def rows_of(name: str) -> tuple[Row, ...]:
    """The rows of a data file in this folder. Raises KeyError for a row with an unknown code."""
    read = tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    compiled = _Patterns(read.get("patterns", {}), "" if read.get("case_sensitive") else "(?is)")
    rows = (_row(group, row, compiled) for group in read["group"] for row in group["row"])
    return tuple(replace(row, trimmed=read.get("trimmed", ""), commands=read.get("commands", {})) for row in rows)


@dataclass(frozen=True)
class _Patterns:
    """How the patterns of a file are compiled."""

    named: Mapping[str, str]
    flags: str

    def __call__(self, given: str | Sequence[str]) -> re.Pattern[str]:
        text = given if isinstance(given, str) else "|".join(given)
        while named := _NAMED.search(text):
            text = text.replace(named[0], self.named[named[1]])
        numbers = count()
        return re.compile(self.flags + re.sub(r"\(\?P<(\w+)>", lambda name: f"(?P<{name[1]}__{next(numbers)}>", text))


def _row(group: Mapping[str, Any], row: Mapping[str, Any], compiled: _Patterns) -> Row:
    code_named(row["code"].replace(f"{CRASH}.", "CRASH_LATER."))
    kind = row.get("kind", group.get("kind", ""))
    return Row(
        group=group["name"],
        code=row["code"],
        shared=compiled(group.get("says", "")),
        says=compiled(row.get("says", "")),
        unless=compiled(row["unless"]) if "unless" in row else None,
        kind=re.compile(kind) if kind else None,
        **{name: row.get(name, group.get(name, "")) for name in _TEXTS},
    )


def first_row(name: str, words: str, kind: str = "") -> tuple[Row, Groups] | None:
    """The first row of a data file that the words match, and the groups of its pattern."""
    matches = ((row, row.match(words, kind)) for row in rows_of(name))
    return next(((row, groups) for row, groups in matches if groups is not None), None)


class _Word(str):
    __slots__ = ()

    def __format__(self, instead: str) -> str:
        return str(self) or instead


class _Values(Generic[Context]):
    """The values of the terms in a row's texts, each computed only if it is used."""

    def __init__(self, row: Row, terms: Terms[Context], context: Context, groups: Groups) -> None:
        self._row, self._terms, self._context, self._groups = row, terms, context, groups

    def __getitem__(self, name: str) -> str:
        if name in self._groups:
            return _Word(self._groups[name])
        if name in self._row.commands:
            return self._command(self._row.commands[name])
        if name in self._terms:
            return self._terms[name](self._context, self._groups)
        return str(getattr(self._context, name))

    def filled(self, text: str) -> str:
        """A text with the values of its terms."""
        values: Any = self
        return text.format_map(values)

    def _command(self, given: str | Mapping[str, str]) -> str:
        if isinstance(given, str):
            return self._aws(given)
        return self._context.commands.fix(self._aws(given["command"]), then=self.filled(given["then"]))

    def _aws(self, command: str) -> str:
        """A command as one of the environment, with its values quoted for a shell."""
        service, operation, *words = shlex.split(command)
        options: dict[str, Option] = {}
        for word, value in zip_longest(words, words[1:], fillvalue="--"):
            if word.startswith("--"):
                name = word.removeprefix("--").replace("-", "_")
                options[name] = True if value.startswith("--") else self.filled(value)
        return self._context.commands.aws(service, operation, **options)


def finding_of(row: Row, terms: Terms[Context], context: Context, groups: Groups) -> Finding:
    """A row as a finding, without evidence. A text can name attributes of the context, besides the terms.

    Raises AttributeError for anything else.
    """
    values = _Values(row, terms, context, groups)
    sentence, look, fix = (values.filled(getattr(row, name)) for name in _TEXTS)
    return Finding(row.code, sentence, look=look, fix=fix)
