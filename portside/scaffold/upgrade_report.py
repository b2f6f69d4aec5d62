"""The changes of a newer version to each environment, as sentences from two assessments, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from portside.plan.plan import NOTHING, plan_deployment
from portside.plan.replacement import Loss, Values, losses
from portside.synthesis.assembly import Stack, read_assembly

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
    deployed = {each.name: each for each in read_assembly(Path(old["assembly"]))}
    stacks = read_assembly(Path(new["assembly"]))
    changes = [
        each
        for each in plan_deployment(stacks, {key: each.template for key, each in deployed.items()}.get)
        if each.action != NOTHING
    ]
    dollars = f"${old['dollars']:.2f} a month"
    if old["dollars"] != new["dollars"]:
        dollars = f"${old['dollars']:.2f} -> ${new['dollars']:.2f} a month"
    yield f"{name}: {len(changes)} of {len(stacks)} stacks change; {dollars}"
    yield from (f"{name}: {stack}: {said}" for stack, said in _lost(stacks, deployed))
    for removed in deployed.keys() - {each.name for each in stacks}:
        yield f"{name}: {removed}: the stack is no longer configured"
    for finding in new["findings"]:
        if finding not in old["findings"]:
            yield f"{name}: new finding: {finding}"
    for change in changes:
        yield f"{name}: {change.stack}: {change.summary or change.action}"
        for resource in change.resources[:_MOST_LISTED]:
            yield f"{name}:   {resource.action} {resource.logical_id} ({resource.kind})"
        if len(change.resources) > _MOST_LISTED:
            yield f"{name}:   and {len(change.resources) - _MOST_LISTED} more"


def _lost(stacks: tuple[Stack, ...], deployed: Mapping[str, Stack]) -> list[tuple[str, str]]:
    """Stateful and interrupting resources first."""
    found = [
        (stack.name, loss)
        for stack in stacks
        if stack.name in deployed
        for loss in losses(deployed[stack.name].resources(), stack.resources(), Values())
    ]
    return [(stack, _said(loss)) for stack, loss in sorted(found, key=lambda each: _rank(each[1]))]


def _rank(loss: Loss) -> int:
    return 0 if loss.is_stateful else 1 if loss.interruption else 2


def _said(loss: Loss) -> str:
    return "; ".join(filter(None, [f"{loss.logical_id}: {loss.sentence}", loss.interruption]))
