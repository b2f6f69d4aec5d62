"""What CloudFormation says of the stacks of an environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portside.aws.errors import is_missing
from portside.aws.stack_status import Outlook, status_of

GONE = "DELETE_COMPLETE"


@dataclass(frozen=True)
class StackState:
    """A deployed stack."""

    name: str
    status: str
    updated: datetime
    """When it was last created or updated."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    is_protected: bool = False
    """Whether nobody may delete it."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is going on."""
        return status_of(self.status).outlook not in (Outlook.IN_PROGRESS, Outlook.ANNOUNCED)

    @property
    def is_usable(self) -> bool:
        """Whether the stack holds what its last successful deployment made."""
        return status_of(self.status).is_usable


def read_stack(cloudformation: Any, name: str) -> StackState | None:
    """A stack as it is now, or None where there is none."""
    from botocore.exceptions import ClientError

    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return _parse(found[0]) if found and found[0]["StackStatus"] != GONE else None


def read_stacks(cloudformation: Any, names: Sequence[str]) -> dict[str, StackState]:
    """Those of the named stacks that exist."""
    found = (read_stack(cloudformation, name) for name in names)
    return {state.name: state for state in found if state is not None}


def read_all_stacks(cloudformation: Any, prefix: str) -> dict[str, StackState]:
    """All stacks whose names begin so, by one question, which AWS answers in pages."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = (_parse(each) for page in pages for each in page["Stacks"] if each["StackName"].startswith(prefix))
    return {state.name: state for state in found if state.status != GONE}


def list_stacks(cloudformation: Any, prefix: str) -> list[str]:
    """The names of all stacks that begin so and exist."""
    return list(read_all_stacks(cloudformation, prefix))


def read_template(cloudformation: Any, name: str) -> dict[str, Any]:
    """The template that a stack was deployed with, as it was written."""
    import json

    body = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template


def physical_ids(cloudformation: Any, stack: str, kind: str) -> list[str]:
    """The ids that the resources of one type in a stack have in AWS."""
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind]


@dataclass(frozen=True)
class Failure:
    """A resource that could not be made, changed or deleted, and CloudFormation's reason."""

    stack: str
    logical_id: str
    kind: str
    reason: str


def failures_since(cloudformation: Any, name: str, since: datetime) -> list[Failure]:
    """The resources of a stack that failed on their own account since a moment, first to last."""
    return list(reversed(list(_failures(cloudformation, name, since))))


def _failures(cloudformation: Any, name: str, since: datetime) -> Iterator[Failure]:
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
        for event in page["StackEvents"]:
            if event["Timestamp"] < since:
                return
            reason = event.get("ResourceStatusReason", "")
            # What was cancelled failed because something else did.
            if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason.lower():
                yield Failure(name, event["LogicalResourceId"], event["ResourceType"], reason)


def _parse(described: Mapping[str, Any]) -> StackState:
    outputs = described.get("Outputs", [])
    return StackState(
        name=described["StackName"],
        status=described["StackStatus"],
        updated=described.get("LastUpdatedTime") or described["CreationTime"],
        outputs={each["OutputKey"]: each["OutputValue"] for each in outputs},
        exports={each["ExportName"]: each["OutputValue"] for each in outputs if "ExportName" in each},
        tags={each["Key"]: each["Value"] for each in described.get("Tags", [])},
        is_protected=described.get("EnableTerminationProtection", False),
    )
