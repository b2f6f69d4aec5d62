"""Rules over templates: how a module declares them, their table, and their findings."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.values import Handle

REFUSED, FAILS = "TEMPLATE_REFUSED", "TEMPLATE_FAILS"

Rule = Callable[[Assembly], Iterator[Finding]]
ResourceRule = Callable[[Assembly, Resource], Iterator[Finding]]

_declared: list[Rule] = []


def over_assembly(function: Rule) -> Rule:
    """Declare a rule over a whole assembly."""
    _declared.append(function)
    return function


def over(*types: str) -> Callable[[ResourceRule], ResourceRule]:
    """Declare a rule over each resource of some types, which are written without `AWS::`; of all types without any."""

    def declare(function: ResourceRule) -> ResourceRule:
        def each(assembly: Assembly) -> Iterator[Finding]:
            for resource in assembly.of_type(*types) if types else assembly.resources:
                yield from function(assembly, resource)

        _declared.append(each)
        return function

    return declare


def declared_rules() -> list[Rule]:
    """The rules of the modules that were imported, in their order."""
    return _declared


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


def doubles(resources: Iterable[Resource], key: Callable[[Resource], Any]) -> Iterator[tuple[Resource, Any, Resource]]:
    """The resources with the key of an earlier one, the key, and the earlier one. None is no key.

    Conditional resources are omitted: whether both are made is not certain.
    """
    seen: dict[Any, Resource] = {}
    for each in resources:
        found = key(each)
        if found is None or each.is_conditional:
            continue
        if found in seen:
            yield each, found, seen[found]
        seen[found] = each


def known(name: str) -> Callable[[Resource], Handle | None]:
    """A key for `doubles`: the resource that a property refers to."""
    return lambda resource: found if isinstance(found := resource.get(name), Handle) else None


def is_refused(finding: Finding) -> bool:
    """Whether AWS itself would refuse what was found."""
    return finding.outer == REFUSED
