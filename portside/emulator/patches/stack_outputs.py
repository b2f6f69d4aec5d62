"""Outputs of stacks: exports in use are neither changed nor deleted, and a change of outputs is a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portside.emulator.ministack_modules import cloudformation, stacks
from portside.emulator.patches.patching import replaces

_STACK = "AWS::CloudFormation::Stack"
_NO_CHANGES = "The submitted information didn't contain changes."


class ExportInUse(Exception):
    """An update would change or remove an export that a stack imports."""


def importers(export: str, exporter: str) -> list[str]:
    """The stacks that import an export of another."""
    return sorted(
        name
        for name, stack in cloudformation._stacks.items()
        if name != exporter
        and "DELETE" not in stack["StackStatus"]
        and export in cloudformation.handlers._imported_export_names(stack, name)
    )


@replaces("services.cloudformation.stacks._resolve_stack_outputs")
def keep_imported(
    original: Any,
    outputs_defs: Any,
    conditions: Any,
    resources: Any,
    param_values: Any,
    mappings: Any,
    stack_name: str,
    stack_id: str,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The outputs of an operation. Raises ExportInUse, which rolls it back, if an imported export would change.

    Exports that the operation removes are deleted; ministack kept them importable.
    """
    outputs, exports = original(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)
    stack = cloudformation._stacks.get(stack_name) or {}
    if problem := _problem(stack.get("Outputs", []), exports, stack_name):
        stack["_export_in_use"] = problem
        raise ExportInUse(problem)
    for name in {each.get("ExportName") for each in stack.get("Outputs", [])} - exports.keys():
        if (cloudformation._exports.get(name) or {}).get("StackId") == stack_id:
            cloudformation._exports.pop(name, None)
    return outputs, exports


@replaces("services.cloudformation.stacks._roll_back_operation")
async def give_reason_of_rollback(
    original: Any,
    stack_name: str,
    stack_id: str,
    stack: dict[str, Any],
    operation: dict[str, Any],
    reason_override: str = "",
) -> None:
    """The first event of a rollback, and no other, has the export in use as its reason."""
    problem = stack.pop("_export_in_use", "")
    if problem:
        events = cloudformation._stack_events.get(stack_id, [])
        events[:] = [each for each in events if each["ResourceStatusReason"] != problem]
        stack["StackStatusReason"] = problem
    await original(stack_name, stack_id, stack, operation, problem or reason_override)


@replaces("services.cloudformation.handlers._delete_stack")
def cancel_deletion(original: Any, params: Mapping[str, Any]) -> Any:
    """DeleteStack is accepted and then cancelled, not refused, if an export of the stack is imported."""
    stack = cloudformation.handlers._resolve_stack(cloudformation.helpers._p(params, "StackName"))
    for export in (each.get("ExportName") for each in (stack or {}).get("Outputs", [])):
        users = importers(export, stack["StackName"]) if export else []
        if users:
            reason = f"Delete canceled. Cannot delete export {export} as it is in use by {_listed(users)}."
            stack["StackStatusReason"] = reason
            identifier, name = stack["StackId"], stack["StackName"]
            stacks._add_event(identifier, name, name, _STACK, stack["StackStatus"], reason, identifier)
            return cloudformation.helpers._xml(200, "DeleteStackResponse", "")
    return original(params)


@replaces("services.cloudformation.handlers._create_change_set")
def count_outputs(original: Any, params: Mapping[str, Any]) -> Any:
    """A change set can be executed if only the outputs of the templates differ."""
    before = set(cloudformation._change_sets)
    answer = original(params)
    for identifier in set(cloudformation._change_sets) - before:
        change_set = cloudformation._change_sets[identifier]
        stack = cloudformation._stacks.get(change_set["StackName"]) or {}
        outputs = [each.get("Outputs", {}) for each in (stack.get("_template", {}), change_set["_template"])]
        if change_set["StatusReason"].startswith(_NO_CHANGES) and outputs[0] != outputs[1]:
            change_set |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
    return answer


def _problem(before: Sequence[Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]], stack: str) -> str | None:
    for output in before:
        export = output.get("ExportName")
        if not export or (export in after and after[export]["Value"] == output.get("OutputValue")):
            continue
        if users := importers(export, stack):
            verb = "updated" if export in after else "deleted"
            return f"Export {export} cannot be {verb} as it is in use by {_listed(users)}"
    return None


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
