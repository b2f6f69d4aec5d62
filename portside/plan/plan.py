"""The changes of a deployment, as a value that can be printed, tested and executed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.aws.model import Stack as DeployedStack
from portside.aws.stack_status import Outlook, status_of
from portside.json_fields import JsonFields
from portside.synthesis.assembly import Stack

CREATE, UPDATE, NOTHING = "create", "update", "nothing"
RECREATE, WAIT, STUCK = "recreate", "wait", "stuck"
DELETE, LEAVE = "delete", "leave"
"""The actions on stacks that are deployed but not configured."""

_UNUSABLE = {
    Outlook.ABSENT: CREATE,
    Outlook.ANNOUNCED: CREATE,
    Outlook.TO_RECREATE: RECREATE,
    Outlook.IN_PROGRESS: WAIT,
    Outlook.STUCK: STUCK,
}


@dataclass(frozen=True)
class ResourceChange:
    """A resource that is added, changed or removed."""

    action: str
    logical_id: str
    kind: str


@dataclass(frozen=True)
class StackChange(JsonFields):
    """The change of a stack."""

    stack: str
    action: str
    resources: tuple[ResourceChange, ...] = ()
    settings: tuple[str, ...] = ()
    """The changes of the stack itself."""
    remark: str = ""
    """The reason: a status in which the stack can't simply be created or updated, or that it is not configured."""

    @property
    def is_new(self) -> bool:
        """Whether the stack is created."""
        return self.action in (CREATE, RECREATE)

    @property
    def is_deployed(self) -> bool:
        """Whether its template is deployed."""
        return self.action in (CREATE, UPDATE, RECREATE, WAIT, STUCK)

    @property
    def summary(self) -> str:
        """How many resources are added, changed and removed, which settings change, and the remark."""
        counts = {verb: sum(change.action == verb for change in self.resources) for verb in ("add", "change", "remove")}
        changed = ", ".join([f"{count} {_PAST[verb]}" for verb, count in counts.items() if count] + [*self.settings])
        return "; ".join(filter(None, [changed, self.remark]))


_PAST = {"add": "added", "change": "changed", "remove": "removed"}

ReadTemplate = Callable[[str], Mapping[str, Any] | None]
"""From a stack's name to the template it was deployed with, or None where it is not deployed."""


def plan_deployment(
    stacks: Sequence[Stack], deployed: ReadTemplate, states: Mapping[str, DeployedStack] | None = None
) -> tuple[StackChange, ...]:
    """Compare the stacks of an assembly with what is deployed; their settings too, where `states` has them."""
    return tuple(_compare(stack, deployed(stack.name), (states or {}).get(stack.name)) for stack in stacks)


def without_stacks(changes: Sequence[StackChange], stacks: Sequence[str]) -> tuple[StackChange, ...]:
    """The changes without those of some stacks, which stay as they are."""
    return tuple(StackChange(each.stack, NOTHING) if each.stack in stacks else each for each in changes)


def _compare(stack: Stack, before: Mapping[str, Any] | None, state: DeployedStack | None) -> StackChange:
    status = status_of(state.status) if state else None
    if status and status.outlook in _UNUSABLE:
        added = () if status.blocks_deployment else _resource_changes({}, stack.resources())
        return StackChange(stack.name, _UNUSABLE[status.outlook], added, remark=status.sentence)
    if before is None:
        return compare_templates(stack.name, None, stack.template)
    compared = compare_templates(stack.name, before, stack.template)
    settings = tuple(_settings(stack, state)) if state else ()
    if compared.action == NOTHING and not settings:
        return compared
    remark = status.sentence if status and status.has_failed else ""
    return StackChange(stack.name, UPDATE, compared.resources, settings, remark)


def compare_templates(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> StackChange:
    """The change of a stack from one template to another, from None if it is created."""
    if before == after:
        return StackChange(name, NOTHING)
    changes = _resource_changes((before or {}).get("Resources", {}), after.get("Resources", {}))
    return StackChange(name, CREATE if before is None else UPDATE, changes)


def _settings(stack: Stack, state: DeployedStack) -> Iterator[str]:
    """Changes that the CDK CLI would make although the template is the same."""
    if stack.tags != state.tags:
        yield "tags"
    if stack.is_protected != state.is_protected:
        yield f"termination protection {'on' if stack.is_protected else 'off'}"


def _resource_changes(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> tuple[ResourceChange, ...]:
    return tuple(
        ResourceChange(
            "add" if name not in before else "remove" if name not in after else "change",
            name,
            str((after.get(name) or before[name])["Type"]),
        )
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )
