"""The plan of a deployment: the changes to every stack of an environment, configured or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portside.aws.ownership import Owner
from portside.config.context_flags import KEPT_GROUPS
from portside.config.environment import Environment
from portside.config.service_groups import ServiceGroup, format_groups, groups_after, kept_groups
from portside.config.service_props import ServiceProps
from portside.plan.plan import DELETE, LEAVE, StackChange
from portside.plan.unconfigured import Removal, UnconfiguredStack
from portside.records.stack_record import StackRecord, read_stack_record
from portside.synthesis.assembly import Stack


@dataclass(frozen=True)
class DeploymentPlan:
    """The templates, the changes, and the stacks that are deployed but not configured.

    `adopted` are stacks that get the owner tag with this deployment, `groups` those that the templates have.
    """

    stacks: tuple[Stack, ...]
    changes: tuple[StackChange, ...]
    unconfigured: tuple[UnconfiguredStack, ...] = ()
    adopted: tuple[str, ...] = ()
    groups: Mapping[str, ServiceGroup] | None = None

    @property
    def pruned(self) -> tuple[UnconfiguredStack, ...]:
        """The stacks that are deleted once everything else runs."""
        deleted = {change.stack for change in self.changes if change.action == DELETE}
        return tuple(stack for stack in self.unconfigured if stack.name in deleted)

    def record_at_begin(self, record: StackRecord) -> StackRecord:
        """The record with all stacks and groups that this deployment can create."""
        names = [stack.name for stack in self.stacks]
        created = [name for name in names if name not in self.adopted]
        return replace(record.with_stacks(created, self.adopted), groups={**(self.groups or {}), **record.groups})

    def record_at_end(self, record: StackRecord) -> StackRecord:
        """The record after the deployment."""
        deleted = [stack.name for stack in self.pruned]
        return replace(record.without_stacks(deleted), groups=self.groups or {})


def planned_groups(
    ssm: Any, environment: Environment, services: Sequence[ServiceProps], unconfigured: Sequence[UnconfiguredStack]
) -> dict[str, ServiceGroup]:
    """The groups between services that the next deployment's templates have."""
    before = read_stack_record(ssm, environment).groups
    return groups_after(before, services, has_leftovers=any(stack.owner is Owner.OURS for stack in unconfigured))


def context_of_groups(groups: Mapping[str, ServiceGroup]) -> dict[str, str]:
    """The context of a synthesis for groups that are kept for one more deployment."""
    kept = format_groups(kept_groups(groups))
    return {KEPT_GROUPS: kept} if kept else {}


def changes_of(unconfigured: Sequence[UnconfiguredStack], *, prune: bool) -> tuple[StackChange, ...]:
    """The changes to stacks that are not configured: deleted with `prune`, otherwise reported."""
    return tuple(
        StackChange(stack.name, DELETE, remark=stack.sentence)
        if prune and stack.removal is Removal.PRUNE
        else StackChange(stack.name, LEAVE, remark=stack.report)
        for stack in unconfigured
    )
