"""Whether the stacks can be deployed, or are stuck after an earlier operation."""

from __future__ import annotations

from portside.aws.model import Stack as DeployedStack
from portside.aws.ownership import refusal
from portside.aws.stack_status import status_of
from portside.commands import Commands
from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.plan.unconfigured import read_unconfigured
from portside.preflight.context import Context, Question, stack_names

UNCONFIGURED = "stacks not configured"
_UNCONFIGURED_CODE = "CHECK.UNCONFIGURED"
_CAN_BE_CANCELLED = "UPDATE_IN_PROGRESS"


def questions() -> list[Question]:
    return [Question("stacks", stacks), Question(UNCONFIGURED, unconfigured)]


def stacks(context: Context) -> list[Finding]:
    """A finding for each stack that can't be updated, and one for all others."""
    states = {**context.states(), **context.theirs()}
    names = stack_names(context.environment, context.services)
    checks = [check for name in names if name in states and (check := _check_of(context, states[name]))]
    absent = [name for name in names if name not in states]
    well = len(names) - len(checks) - len(absent)
    said = f"{well} can be updated" + (f", {len(absent)} would be made" if absent else "")
    return [ok("stacks", said), *checks] if well or absent else checks


def _check_of(context: Context, state: DeployedStack) -> Finding | None:
    if refused := refusal(state, context.environment):
        return fail(f"stack {state.name}", *refused)
    return remarkable(state, context.commands)


def unconfigured(context: Context) -> list[Finding]:
    """A line for each stack that is deployed and not configured, with what it costs."""
    found = read_unconfigured(context.target, context.services)
    unconfigured = [ok(f"stack {stack.name}", stack.report, code=_UNCONFIGURED_CODE) for stack in found]
    return unconfigured or [ok(UNCONFIGURED, "none")]


def remarkable(state: DeployedStack, commands: Commands) -> Finding | None:
    """The finding about a stack that can't be updated; None where it can."""
    subject, status = f"stack {state.name}", status_of(state.status)
    if not status.blocks_deployment:
        return None if status.is_usable else ok(subject, status.sentence)
    if way_out := status.way_out:
        command = commands.aws("cloudformation", way_out.operation, stack_name=state.name)
        return fail(subject, status.sentence, f"{way_out.todo}: {commands.fix(command, then=way_out.note)}")
    waiting = f"wait {status.waiter}" if status.waiter else "describe-stack-events"
    cancel = commands.aws("cloudformation", "cancel-update-stack", stack_name=state.name)
    note = f"or end it: {cancel}" if state.status == _CAN_BE_CANCELLED else ""
    command = commands.aws("cloudformation", waiting, stack_name=state.name)
    return fail(subject, status.sentence, f"Wait until it finishes: {commands.fix(command, then=note)}")
