"""Whether the stacks can be deployed at all, or are stuck in what happened before."""

from __future__ import annotations

from operations.check import Check, fail, ok
from operations.stack_states import StackState
from operations.verification.context import Context, stack_names
from operations.verification.questions import Question
from portside.commands import Commands

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_MENDED_BY_THE_CDK = {
    "ROLLBACK_COMPLETE": "its creation failed; the CDK deletes it and makes it anew",
    "ROLLBACK_FAILED": "its creation failed; the CDK deletes it and makes it anew",
    "REVIEW_IN_PROGRESS": "nothing but a change set was made of it; the CDK goes on from there",
}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
_WAYS_OUT = {
    "UPDATE_ROLLBACK_FAILED": (
        "it could not be rolled back",
        "Correct what its events name, then",
        "continue-update-rollback",
        "with --resources-to-skip LOGICAL_ID for what can't be corrected",
    ),
    "DELETE_FAILED": (
        "it could not be deleted whole",
        "Finish that",
        "delete-stack",
        "deletes the rest of the stack; with --retain-resources LOGICAL_ID for what can't be deleted",
    ),
    "CREATE_FAILED": (
        "its creation failed, and was not rolled back",
        "Roll it back",
        "rollback-stack",
        "",
    ),
    "UPDATE_FAILED": (
        "its update failed, and was not rolled back",
        "Roll it back",
        "rollback-stack",
        "",
    ),
}
_CANCELLING = "UPDATE_IN_PROGRESS"
# By how a status begins, the first that fits. A creation that is rolled back is not what stack-rollback-complete ends
# with; stack-create-complete does. There is none for an import that is rolled back.
# https://docs.aws.amazon.com/cli/latest/reference/cloudformation/wait/
_WAITERS = (
    ("UPDATE_ROLLBACK_", "stack-rollback-complete"),
    ("UPDATE_", "stack-update-complete"),
    ("CREATE_", "stack-create-complete"),
    ("ROLLBACK_", "stack-create-complete"),
    ("DELETE_", "stack-delete-complete"),
    ("IMPORT_IN_", "stack-import-complete"),
)


def questions() -> list[Question]:
    """What is asked of the stacks."""
    return [Question("stacks", stacks)]


def stacks(context: Context) -> list[Check]:
    """A line for each stack that is not simply well, and one for the rest."""
    states = context.states()
    names = stack_names(context.environment, context.services)
    told = [check for name in names if name in states and (check := remarkable(states[name], context.commands))]
    absent = [name for name in names if name not in states]
    well = len(names) - len(told) - len(absent)
    said = f"{well} can be updated" + (f", {len(absent)} would be made" if absent else "")
    return [ok("stacks", said), *told] if well or absent else told


def remarkable(state: StackState, commands: Commands) -> Check | None:
    """What is to be told of a stack, if something is."""
    subject = f"stack {state.name}"
    if state.is_usable:
        return None
    if state.status in _MENDED_BY_THE_CDK:
        return ok(subject, f"{state.status}: {_MENDED_BY_THE_CDK[state.status]}")
    if state.status in _WAYS_OUT:
        what, todo, operation, note = _WAYS_OUT[state.status]
        way_out = commands.aws("cloudformation", operation, stack_name=state.name)
        return fail(subject, f"{state.status}: {what}", f"{todo}: {commands.fix(way_out, then=note)}")
    wait = commands.aws("cloudformation", _waiting(state.status), stack_name=state.name)
    cancel = commands.aws("cloudformation", "cancel-update-stack", stack_name=state.name)
    note = f"or end it: {cancel}" if state.status == _CANCELLING else ""
    hint = f"Wait for its end: {commands.fix(wait, then=note)}"
    return fail(subject, f"{state.status}: something is at work on it", hint)


def _waiting(status: str) -> str:
    waiter = next((waiter for beginning, waiter in _WAITERS if status.startswith(beginning)), None)
    return f"wait {waiter}" if waiter else "describe-stack-events"
