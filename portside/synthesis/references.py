"""Values that stacks read from each other, and stacks that use outdated values.

A weak reference is read when its consumer is created or updated. If a producer changes an output afterwards, the
template of the consumer does not change, so CloudFormation and the CDK do not update it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portside.aws.model import Stack as DeployedStack
from portside.config.environment import Environment
from portside.records.parameter_history import read_versions, write_version
from portside.synthesis.assembly import Stack

Record = Mapping[str, tuple[str, str]]
"""By consumer: the moment of its last update (ISO 8601) and the fingerprint of the values it read then."""


def fingerprint(stack: Stack, states: Mapping[str, DeployedStack]) -> str:
    """Twelve hexadecimal digits that change when a value that a stack reads from others does."""
    values = {
        f"{reference.stack}.{reference.output}": states[reference.stack].outputs.get(reference.output)
        for reference in stack.references
        if reference.stack in states
    }
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def stale_stacks(stacks: Sequence[Stack], states: Mapping[str, DeployedStack], record: Record) -> list[str]:
    """The stacks that use values that have changed since they read them.

    If the record does not have a stack's last update, because someone deployed by hand, the stack counts as stale when
    a stack that it reads from was updated later.
    """
    return [stack.name for stack in stacks if stack.name in states and _is_stale(stack, states, record)]


def _is_stale(stack: Stack, states: Mapping[str, DeployedStack], record: Record) -> bool:
    if not stack.references:
        return False
    updated = states[stack.name].updated
    recorded_update, recorded_values = record.get(stack.name, ("", ""))
    if recorded_update == _written(updated):
        return recorded_values != fingerprint(stack, states)
    producers = {reference.stack for reference in stack.references} & states.keys()
    later = (states[producer].updated for producer in producers)
    return any(updated is not None and each is not None and each > updated for each in later)


def record_of(stacks: Sequence[Stack], states: Mapping[str, DeployedStack]) -> dict[str, tuple[str, str]]:
    """The record of stacks that all use current values."""
    return {
        stack.name: (_written(states[stack.name].updated), fingerprint(stack, states))
        for stack in stacks
        if stack.references and stack.name in states
    }


def _written(updated: datetime | None) -> str:
    """A moment as the record has it."""
    return updated.isoformat() if updated else ""


def parameter_name(environment: Environment) -> str:
    """The SSM parameter in which an environment's record is kept."""
    return environment.parameter_name("references")


def read_record(ssm: Any, environment: Environment) -> Record:
    """The record of an environment, empty if it does not exist."""
    versions = read_versions(ssm, parameter_name(environment))
    found = json.loads(versions[0][1]) if versions else {}
    return {stack: (entry[0], entry[1]) for stack, entry in found.items()}


def write_record(ssm: Any, environment: Environment, record: Record) -> None:
    """Remember what the environment's stacks run on.

    Earlier versions of this tool find no stack in a record that had to be compressed, and compare times instead.
    """
    description = "Which values of other stacks each stack runs on; written by deploy"
    write_version(ssm, parameter_name(environment), json.dumps(record, separators=(",", ":")), description)
