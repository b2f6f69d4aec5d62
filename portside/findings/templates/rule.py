"""The findings of rules over templates, and the table of the rules."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource

REFUSED, FAILS = "TEMPLATE_REFUSED", "TEMPLATE_FAILS"

Rule = Callable[[Assembly], Iterator[Finding]]


@dataclass(frozen=True)
class Row:
    """A rule: `refused` if AWS refuses such a template; otherwise it is deployed and does not work."""

    name: str
    when: str
    fix: str
    source: str
    refused: bool = True

    @property
    def code(self) -> str:
        """The code of its findings."""
        return f"{REFUSED if self.refused else FAILS}.{self.name}"


@cache
def rows() -> Mapping[str, Row]:
    """All rows by name, in the order of the file."""
    text = (files(__package__) / "rules.toml").read_text(encoding="utf-8")
    return {name: Row(name=name, **row) for name, row in tomllib.loads(text).items()}


def wrong(name: str, resource: Resource, sentence: str, *, at: str = "", source: str = "") -> Finding:
    """A finding on a resource, `at` a property. Raises KeyError for a name without a row."""
    row = rows()[name]
    place = f"{resource.logical_id} {at}".rstrip()
    return Finding(
        code=row.code,
        what=f"{place}: {sentence}",
        look=f"{resource.stack}: {resource.type} {place}",
        fix=f"{row.fix} ({source or row.source})",
        stack=resource.stack,
        setting=resource.logical_id,
    )


def is_refused(finding: Finding) -> bool:
    """Whether AWS itself would refuse what was found."""
    return finding.outer == REFUSED
