"""Deleting one stack that app.py no longer describes, by its name."""

from __future__ import annotations

from collections.abc import Sequence

from portside.aws.target import Target, with_retries
from portside.config.mistakes import suggestion
from portside.config.service_props import ServiceProps
from portside.config.stacks import stacks_for
from portside.deploy.stack_removal import remove_stacks
from portside.errors import UsageError
from portside.plan.unconfigured import Removal, UnconfiguredStack, keeps_data, read_unconfigured
from portside.records.environment_lock import locked
from portside.records.origin import Origin
from portside.records.stack_record import read_stack_record, write_stack_record
from portside.terminal.console import step


def planned_removal(
    target: Target, services: Sequence[ServiceProps], name: str, *, with_data: bool
) -> UnconfiguredStack:
    """The stack that would be deleted. Raises `UsageError` where it can't, or must not, be deleted."""
    environment = target.environment
    if name in {stack.name for stack in stacks_for(environment, services)}:
        raise UsageError(f"stack {name} is configured", "Remove it from app.py first, and deploy: others may use it.")
    found = {stack.name: stack for stack in read_unconfigured(target, services)}
    if name not in found:
        hint = suggestion(name, list(found)) if found else f"{environment.name} has no stack that app.py does not name."
        raise UsageError(f"no stack {name} {target.place} that app.py does not name", hint)
    stack = found[name]
    is_kept = stack.removal is Removal.WITH_DATA and (keeps_data(target) or not with_data)
    if stack.removal is Removal.NEVER or is_kept:
        raise UsageError(f"stack {name}: {stack.ownership}", stack.advice)
    return stack


def destroy_stack(target: Target, stack: UnconfiguredStack, origin: Origin) -> None:
    """Delete it, locked, and take it off the record."""
    environment = target.environment
    asked, _ = with_retries(target)
    ssm = asked.clients("ssm")
    with locked(ssm, environment, origin, "destroy", local=target.is_local):
        with step(f"Removing {stack.name}"):
            remove_stacks(asked, [stack], with_data=bool(stack.state))
        write_stack_record(ssm, environment, read_stack_record(ssm, environment).without_stacks([stack.name]))
