"""Change sets that only change outputs, which CloudFormation executes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portside.emulator.ministack_modules import cloudformation

_NO_CHANGES = "The submitted information didn't contain changes."


def count_outputs(original: Any) -> Callable[[Mapping[str, Any]], Any]:
    """CreateChangeSet, whose change set can be executed if only the outputs of the templates differ."""

    def create_change_set(params: Mapping[str, Any]) -> Any:
        before = set(cloudformation._change_sets)
        answer = original(params)
        for identifier in set(cloudformation._change_sets) - before:
            change_set = cloudformation._change_sets[identifier]
            stack = cloudformation._stacks.get(change_set["StackName"]) or {}
            outputs = [each.get("Outputs", {}) for each in (stack.get("_template", {}), change_set["_template"])]
            if change_set["StatusReason"].startswith(_NO_CHANGES) and outputs[0] != outputs[1]:
                change_set |= {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
        return answer

    return create_change_set
