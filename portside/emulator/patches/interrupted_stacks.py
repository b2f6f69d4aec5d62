"""Stacks whose operation was interrupted when the embedded AWS ended."""

from __future__ import annotations

from typing import Any

from portside.emulator.ministack_modules import cloudformation
from portside.emulator.patches import stack_faults
from portside.emulator.patches.patching import replaces

# The state of such a stack after a restart, from which the CDK can continue.
AFTER_INTERRUPTION = {
    "CREATE_IN_PROGRESS": "ROLLBACK_COMPLETE",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_COMPLETE",
    "UPDATE_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
}


@replaces("services.cloudformation.load_persisted_state")
def settle(original: Any, data: Any) -> Any:
    """After CloudFormation's state is loaded, no stack is in progress."""
    loaded = original(data)
    for key, stack in list(cloudformation._stacks._data.items()):
        if stack.get("StackStatus") == "REVIEW_IN_PROGRESS" and not stack_faults.is_pinned(stack):
            # It has no resources yet, and the process that would execute its change set has ended.
            del cloudformation._stacks._data[key]
            _delete_change_sets(stack["StackId"])
            continue
        settled = AFTER_INTERRUPTION.get(stack.get("StackStatus", ""))
        if settled:
            stack["StackStatus"] = settled
            stack["StackStatusReason"] = "The embedded AWS was stopped during this operation"
    return loaded


def _delete_change_sets(stack_id: str) -> None:
    """Otherwise the CDK could not create a change set of the same name, as it checks only existing stacks."""
    change_sets = cloudformation._change_sets._data
    for key in [key for key, each in change_sets.items() if each.get("StackId") == stack_id]:
        del change_sets[key]
