"""Stacks that are deployed but not configured: of services removed from app.py or renamed, or of another app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from portside.aws.errors import aws_errors, is_denied, message_of
from portside.aws.model import Stack
from portside.aws.ownership import Owner, owner_of
from portside.aws.reader import Look
from portside.aws.stack_reading import read_all_stacks, read_stacks, read_template
from portside.aws.stack_status import status_of
from portside.aws.target import Target
from portside.config.database_kinds import DATABASE_KINDS
from portside.config.environment import OWNER_TAG, Environment
from portside.config.service_props import ServiceProps
from portside.config.stacks import stacks_for
from portside.costs.estimate import Costs, template_costs
from portside.errors import UserError
from portside.plan.replacement import STATEFUL
from portside.records.stack_record import Origin, StackRecord, read_stack_record

# Resources with data come first. A log group is deleted with its service: see portside/stacks/service_stack.py.
_DATABASES = tuple(dict.fromkeys(kind.resource_type for kind in DATABASE_KINDS.values()))
_DATA = (*_DATABASES, "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
_STATE = (*_DATA, *(kind for kind in STATEFUL if kind not in (*_DATA, "AWS::Logs::LogGroup")))


class Removal(StrEnum):
    """The command that removes a stack that is not configured."""

    PRUNE = "deploy --prune"
    BY_NAME = "destroy --stack"
    WITH_DATA = "destroy --stack --with-data"
    NEVER = "no command of this tool"


@dataclass(frozen=True)
class UnconfiguredStack:
    """A deployed stack that app.py does not describe; `state` has its stateful resources.

    `origin` is None where the environment's record does not name it, or was not read. `costs` is None where its
    template could not be read.
    """

    name: str
    status: str
    owner: Owner
    owner_tag: str = ""
    origin: Origin | None = None
    state: tuple[str, ...] = ()
    costs: Costs | None = None
    is_protected: bool = False
    advice: str = ""
    """How to remove it, or why this tool does not."""

    @property
    def removal(self) -> Removal:
        """The command that removes it. The stack must be tagged as this environment's and named in its record."""
        if self.owner is not Owner.OURS or self.origin is None or self.costs is None:
            return Removal.NEVER
        if self.state:
            return Removal.WITH_DATA
        return Removal.BY_NAME if self.origin is Origin.ADOPTED else Removal.PRUNE

    @property
    def ownership(self) -> str:
        """Its owner, in words."""
        if self.owner is Owner.ANOTHER:
            return f"not ours: it belongs to {self.owner_tag}"
        if self.owner is Owner.UNKNOWN:
            return f"not ours: it carries no tag {OWNER_TAG}"
        if self.costs is None:
            return "its resources could not be read"
        adopted = "adopted" if self.origin is Origin.ADOPTED else "ours"
        more = f" and {len(self.state) - 1} more kinds of resources with state" if len(self.state) > 1 else ""
        return f"{adopted}, and contains {self.state[0]}{more}" if self.state else adopted

    @property
    def sentence(self) -> str:
        """Its owner and costs, and its status if that is not usable."""
        status = status_of(self.status)
        remark = "" if status.is_usable else f"{status.sentence}; "
        costs = self.costs.sentence if self.costs else "costs unknown"
        return f"{remark}deployed, and not in app.py; {self.ownership}; {costs}"

    @property
    def report(self) -> str:
        """The same, and how to remove it."""
        return f"{self.sentence}; {self.advice}"

    def as_json(self) -> dict[str, Any]:
        """The fields by name; what can remove it where that was read."""
        return {
            "stack": self.name,
            "status": self.status,
            "ours": self.owner is Owner.OURS,
            "owner": self.owner_tag or None,
            "advice": self.advice,
            "adopted": self.origin is Origin.ADOPTED,
            "state": list(self.state),
            "dollars": self.costs.least if self.costs else None,
            "unpriced": list(self.costs.unpriced) if self.costs else [],
        }


def read_unconfigured(target: Target, services: Sequence[ServiceProps]) -> tuple[UnconfiguredStack, ...]:
    """The environment's stacks that are deployed but not configured, with their entries in its record."""
    try:
        stacks = read_all_stacks(target.clients("cloudformation"), target.environment.stack_name(""))
    except aws_errors() as error:
        if not is_denied(error):
            raise
        return unconfigured_of(target, services, None)
    return unconfigured_of(target, services, stacks.values())


def unconfigured_of(
    target: Target, services: Sequence[ServiceProps], stacks: Iterable[Stack] | None
) -> tuple[UnconfiguredStack, ...]:
    """The same, of stacks that were read before. None are those that the record names: for credentials that may not
    list stacks."""
    environment, cloudformation = target.environment, target.clients("cloudformation")
    configured = {stack.name for stack in stacks_for(environment, services)}
    record: StackRecord | None = None
    if stacks is None:
        record = read_stack_record(target.clients("ssm"), environment)
        named = [name for name in record.stacks if name not in configured]
        stacks = read_stacks(cloudformation, named).values()
    others = [each for each in stacks if each.name not in configured]
    found = [each for each in others if not _is_of_another_environment(each, environment)]
    if record is None:
        is_ours = any(owner_of(each, environment) is Owner.OURS for each in found)
        record = read_stack_record(target.clients("ssm"), environment) if is_ours else StackRecord()
    return tuple(
        _described(stack, target, _template(cloudformation, stack.name), record)
        for stack in sorted(found, key=lambda each: each.name)
    )


def unconfigured_in(
    target: Target, services: Sequence[ServiceProps], look: Look
) -> tuple[tuple[UnconfiguredStack, ...], tuple[str, ...]]:
    """The same, from a snapshot of the environment; or why they are unknown."""
    if look.stacks is None:
        return (), ()
    try:
        return unconfigured_of(target, services, None if look.unlisted else look.stacks.values()), ()
    except UserError as error:
        return (), (error.message,)
    except aws_errors() as error:
        return (), (f"stacks that are not configured could not be read: {message_of(error)}",)


def _is_of_another_environment(stack: Stack, environment: Environment) -> bool:
    """Whether it is of another environment whose name starts the same: `dev` and `dev-2`."""
    app, _, name = stack.tags.get(OWNER_TAG, "").partition("/")
    return (
        app == environment.app
        and name != environment.name
        and stack.name.startswith(f"{environment.identity.stack_prefix_in(name)}-")
    )


def _described(
    stack: Stack, target: Target, template: Mapping[str, Any] | None, record: StackRecord
) -> UnconfiguredStack:
    resources = (template or {}).get("Resources", {}).values()
    types = {each.get("Type", "") for each in resources}
    kinds = [kind for kind in _STATE if kind in types]
    found = UnconfiguredStack(
        name=stack.name,
        status=stack.status,
        owner=owner_of(stack, target.environment),
        owner_tag=stack.tags.get(OWNER_TAG, ""),
        origin=record.stacks.get(stack.name),
        state=tuple(kinds),
        costs=template_costs(template) if template is not None else None,
        is_protected=stack.is_protected,
    )
    return replace(found, advice=_advice(found, target))


def _advice(stack: UnconfiguredStack, target: Target) -> str:
    """How to remove a stack that is not configured, or why this tool does not."""
    commands = target.commands
    match stack.removal:
        case Removal.PRUNE:
            return f"remove it: {commands.tool('deploy', '--prune')}"
        case Removal.BY_NAME:
            return f"remove it: {commands.tool('destroy', '--stack', stack.name)}"
        case Removal.WITH_DATA if keeps_data(target):
            return "its data is not deleted by this tool in production"
        case Removal.WITH_DATA:
            return f"remove it: {commands.tool('destroy', '--stack', stack.name, '--with-data')}"
    if stack.owner is Owner.OURS and stack.costs is not None:
        return "the record of this environment does not name it, so this tool does not remove it"
    return "this tool does not remove it"


def keeps_data(target: Target) -> bool:
    """Whether this tool deletes no data of an environment: in production on AWS."""
    return target.environment.is_production and not target.is_local


def _template(cloudformation: Any, name: str) -> Mapping[str, Any] | None:
    """The deployed template; None where it can't be read, as of a stack whose creation failed."""
    try:
        return read_template(cloudformation, name)
    except (*aws_errors(), ValueError):
        return None
