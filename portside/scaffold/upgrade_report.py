"""The changes of a newer version to each environment, as sentences from two assessments, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from portside.plan.plan import compare_templates
from portside.report.review import compare
from portside.synthesis.assembly import read_assembly

Assessment = Mapping[str, Any]
"""The content of `assessment.json`: `refused`, and `environments` with assembly, dollars and findings."""

_MOST_LISTED = 12


def report(before: Assessment, after: Assessment) -> Iterator[str]:
    """A line for each effect, beginning with the name of its environment."""
    if after["refused"]:
        yield f"The new version refuses app.py: {after['refused']}"
        return
    for name, new in after["environments"].items():
        old = before["environments"].get(name)
        if old is None:
            yield f"{name}: can't be compared, because this version refuses app.py: {before['refused']}"
        else:
            yield from _environment(name, old, new)


def _environment(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    before, after = (
        {stack.name: stack.template for stack in read_assembly(Path(each["assembly"]))} for each in (old, new)
    )
    findings = [each for each in new["findings"] if each not in old["findings"]]
    found = compare(name, before, after, findings=findings, dollars=(old["dollars"], new["dollars"]))
    yield f"{name}: {len(found.stacks)} of {len(after)} stacks change; {found.costs}"
    for title, sentences in found.sections:
        yield f"{name}: {title}"
        yield from (f"{name}:   {each}" for each in sentences)
    for stack, template in after.items():
        changed = compare_templates(stack, before.get(stack), template).resources
        yield from (
            f"{name}: {stack}: {each.action} {each.logical_id} ({each.kind})" for each in changed[:_MOST_LISTED]
        )
        if len(changed) > _MOST_LISTED:
            yield f"{name}: {stack}: and {len(changed) - _MOST_LISTED} more"
