"""Faults of stacks: states that a stack has only after a failure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from portside.emulator.ministack_modules import cloudformation, responses, stacks
from portside.emulator.patches.patching import replaces

_FAILED = "The following resource(s) failed to {verb}: [{resource}]. "
_BY_USER = "User Initiated"

# Each state with AWS's reason:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
STATES: Final[Mapping[str, str]] = {
    "CREATE_IN_PROGRESS": _BY_USER,
    "CREATE_FAILED": _FAILED.format(verb="create", resource="{resource}"),
    "ROLLBACK_IN_PROGRESS": _FAILED.format(verb="create", resource="{resource}"),
    "ROLLBACK_FAILED": _FAILED.format(verb="delete", resource="{resource}"),
    "ROLLBACK_COMPLETE": "",
    "UPDATE_IN_PROGRESS": _BY_USER,
    "UPDATE_ROLLBACK_IN_PROGRESS": _FAILED.format(verb="update", resource="{resource}"),
    "UPDATE_ROLLBACK_FAILED": _FAILED.format(verb="update", resource="{resource}"),
    "UPDATE_ROLLBACK_COMPLETE": "",
    "DELETE_IN_PROGRESS": _BY_USER,
    "DELETE_FAILED": _FAILED.format(verb="delete", resource="{resource}"),
    "REVIEW_IN_PROGRESS": _BY_USER,
}
# The states of a failed first deployment.
_OF_NEW_STACKS = frozenset({"CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"})
# The states in which a stack can be updated; other operations recover it from the rest.
_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_FAILED",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "DELETE_COMPLETE",
    }
)
_STACK = "AWS::CloudFormation::Stack"


def set_state(account: str, region: str, name: str, state: str) -> None:
    """Set the state of a stack, with its events. Raises ValueError if the stack or state is not valid."""
    if state not in STATES:
        raise ValueError(f"unknown state {state!r}: known are {', '.join(STATES)}")
    with responses.request_scope(account, region):
        stack = cloudformation._stacks.get(name)
        if not stack or stack["StackStatus"] == "DELETE_COMPLETE":
            if state not in _OF_NEW_STACKS:
                raise ValueError(f"no stack {name!r} that could be {state}")
            stack = _new_stack(account, region, name)
        stack.setdefault("_before_fault", stack["StackStatus"])
        stack["_state_by_fault"] = state
        resource = _likely_to_fail(stack)
        reason = STATES[state].format(resource=resource)
        stack |= {"StackStatus": state, "StackStatusReason": reason}
        _report(stack, resource, state, reason)


def restore(account: str, region: str, name: str) -> bool:
    """Restore the previous state; False if the stack is no longer in the state of a fault."""
    with responses.request_scope(account, region):
        stack = cloudformation._stacks.get(name) or {}
        before, by_fault = stack.pop("_before_fault", None), stack.pop("_state_by_fault", None)
        if before is None or stack["StackStatus"] != by_fault:
            return False
        if before == "":
            cloudformation._stacks.pop(name)
        else:
            stack |= {"StackStatus": before, "StackStatusReason": ""}
        return True


def is_pinned(stack: Mapping[str, Any]) -> bool:
    """Whether a fault keeps the stack in its state, so that there is nothing to wait for."""
    return bool(stack.get("_state_by_fault")) and stack["_state_by_fault"] == stack.get("StackStatus")


@replaces("services.cloudformation.handlers._update_stack")
@replaces("services.cloudformation.handlers._create_change_set")
def refuse_stuck(original: Any, params: Mapping[str, Any]) -> Any:
    """UpdateStack and CreateChangeSet have AWS's error for a stack that can't be updated."""
    stack = cloudformation.handlers._resolve_stack(cloudformation.helpers._p(params, "StackName"))
    creates = cloudformation.helpers._p(params, "ChangeSetType") in ("CREATE", "IMPORT")
    if stack and not creates and stack["StackStatus"] not in _UPDATABLE:
        problem = f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated."
        return cloudformation.helpers._error("ValidationError", problem)
    return original(params)


def _likely_to_fail(stack: Mapping[str, Any]) -> str:
    """The logical id of its service, or of its first resource."""
    resources: Mapping[str, Any] = stack.get("_resources", {})
    services = [name for name, each in resources.items() if each.get("ResourceType") == "AWS::ECS::Service"]
    return next(iter(services or resources), "Service")


def _report(stack: dict[str, Any], resource: str, state: str, reason: str) -> None:
    identifier, name = stack["StackId"], stack["StackName"]
    verb = {"UPDATE_ROLLBACK_FAILED": "UPDATE_FAILED", "DELETE_FAILED": "DELETE_FAILED", "CREATE_FAILED": state}.get(
        state
    )
    if verb:
        known = stack.get("_resources", {}).get(resource, {})
        why = (
            "Resource handler returned message: \"Error occurred during operation 'the resource did not stabilize'.\" "
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: NotStabilized)"
        )
        kind = known.get("ResourceType", "AWS::ECS::Service")
        stacks._add_event(identifier, name, resource, kind, verb, why, known.get("PhysicalResourceId", ""))
    stacks._add_event(identifier, name, name, _STACK, state, reason, identifier)


def _new_stack(account: str, region: str, name: str) -> dict[str, Any]:
    now = responses.now_iso()
    stack: dict[str, Any] = {
        "StackName": name,
        "StackId": f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}",
        "StackStatus": "",
        "StackStatusReason": "",
        "CreationTime": now,
        "LastUpdatedTime": now,
        "Description": "",
        "Parameters": [],
        "Tags": [],
        "Outputs": [],
        "DisableRollback": False,
        "_region": region,
        "_resources": {},
        "_template": {},
        "_template_body": "{}",
        "_resolved_params": {},
        "_conditions": {},
    }
    cloudformation._stacks[name] = stack
    cloudformation._stack_events[stack["StackId"]] = []
    return stack
