"""Which stacks an environment has, kept in the environment itself: only what is named here can be removed.

A parameter of Systems Manager, written under the environment's lock before a deployment begins, so that a stack whose
deployment fails is named too, and again when it has finished.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from portside.aws.stack_reading import read_stacks
from portside.aws.target import Target
from portside.config.environment import Environment
from portside.config.service_groups import ServiceGroup
from portside.errors import UserError
from portside.program import PROGRAM
from portside.records.parameter_history import read_versions, write_version

_FORMAT = 1


class Origin(StrEnum):
    """How a stack came to belong to this environment."""

    CREATED = "created"
    ADOPTED = "adopted"
    """It was there before, without an owner tag."""


@dataclass(frozen=True)
class StackRecord:
    """The stacks of an environment by name, and its security groups between services.

    `groups` are by id those that the `ecs` stack holds.
    """

    stacks: Mapping[str, Origin] = field(default_factory=dict)
    groups: Mapping[str, ServiceGroup] = field(default_factory=dict)

    def with_stacks(self, created: Iterable[str], adopted: Iterable[str]) -> StackRecord:
        """The record with these stacks; those that it already names do not change."""
        new = dict.fromkeys(created, Origin.CREATED) | dict.fromkeys(adopted, Origin.ADOPTED)
        return replace(self, stacks=new | dict(self.stacks))

    def without_stacks(self, names: Iterable[str]) -> StackRecord:
        deleted = set(names)
        return replace(self, stacks={name: origin for name, origin in self.stacks.items() if name not in deleted})

    def written(self) -> str:
        """The text of the parameter."""
        by_origin = {origin.value: [name for name, each in self.stacks.items() if each is origin] for origin in Origin}
        groups = {group_id: [group.age, *group.allowed_by] for group_id, group in self.groups.items()}
        return json.dumps({"format": _FORMAT, **by_origin, "groups": groups}, separators=(",", ":"))


def parameter_name(environment: Environment) -> str:
    """The parameter that names an environment's stacks."""
    return environment.parameter_name("stacks")


def read_stack_record(ssm: Any, environment: Environment) -> StackRecord:
    """The record of an environment, empty if it does not exist. Raises `UserError` if it can't be parsed."""
    versions = read_versions(ssm, parameter_name(environment))
    if not versions:
        return StackRecord()
    try:
        fields = json.loads(versions[0][1])
        if fields["format"] != _FORMAT:
            raise ValueError(fields["format"])
        return StackRecord(
            {str(name): origin for origin in Origin for name in fields[origin.value]},
            {str(key): ServiceGroup(int(age), tuple(map(str, by))) for key, (age, *by) in fields["groups"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{parameter_name(environment)}: not a record of stacks that this version reads",
            "Use the version of this tool that wrote it, or delete that parameter: the next deployment writes it "
            "again, without the stacks that app.py no longer names.",
        ) from error


def expect_same_prefix(target: Target) -> None:
    """Raise `UserError` if the records of this environment are about deployed stacks with another prefix.

    Two sets of stacks can't share the records, the lock and the topic of alarms.
    """
    environment = target.environment
    record = read_stack_record(target.clients("ssm"), environment)
    apart = [name for name in record.stacks if not name.startswith(environment.stack_name(""))]
    if deployed := sorted(read_stacks(target.clients("cloudformation"), apart)):
        more = f" and {len(deployed) - 1} more" if len(deployed) > 1 else ""
        raise UserError(
            f"{environment.owner} is already deployed with stacks of other names: {deployed[0]}{more}",
            f'Set STACK_PREFIX to the beginning of these names (it is "{environment.identity.stack_prefix}"), '
            "or choose another APP: records, lock and alarms are named after it.",
        )


def write_stack_record(ssm: Any, environment: Environment, record: StackRecord) -> None:
    """Keep the record."""
    description = f"The stacks of this environment, and groups between its services; written by {PROGRAM}"
    write_version(ssm, parameter_name(environment), record.written(), description)
