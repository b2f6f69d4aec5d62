"""Read stacks from CloudFormation: their states, and the failures of their last operation."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from portside.aws.errors import is_missing
from portside.aws.model import Stack, StackFailure
from portside.aws.parallel import in_parallel
from portside.redact import current

# Each begins an operation; a rollback belongs to the operation that it undoes.
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
_MOST_FAILURES = 10
_STACK = "AWS::CloudFormation::Stack"
_EXPORT_KEPT = re.compile(r"export \S+ .*in use by", re.I)
_DELETED = "DELETE_COMPLETE"


def read_stack(cloudformation: Any, name: str) -> Stack | None:
    """A stack, or None if it does not exist."""
    from botocore.exceptions import ClientError

    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if is_missing(error):
            return None
        raise
    return _parse(found[0]) if found and found[0]["StackStatus"] != _DELETED else None


def read_stacks(cloudformation: Any, names: Sequence[str]) -> dict[str, Stack]:
    """Those of the named stacks that exist, by a call each, as a role allows it that may not list all stacks."""
    found = (read_stack(cloudformation, name) for name in names)
    return {stack.name: stack for stack in found if stack is not None}


def read_all_stacks(cloudformation: Any, prefix: str) -> dict[str, Stack]:
    """All stacks whose names start with a prefix, by one call for each page.

    AWS takes no prefix, and asks for the rights to list and to describe all stacks:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
    """
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    found = (_parse(each) for page in pages for each in page["Stacks"] if each["StackName"].startswith(prefix))
    return {stack.name: stack for stack in found if stack.status != _DELETED}


def read_template(cloudformation: Any, name: str) -> dict[str, Any]:
    """The template that a stack was deployed with, as it was written."""
    body = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
    return template


def read_templates(cloudformation: Any, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The templates of several stacks, read in parallel. Raises the first error."""
    found = in_parallel({name: partial(read_template, cloudformation, name) for name in names})
    templates: dict[str, Mapping[str, Any]] = {}
    for name, answer in found.items():
        if isinstance(answer, Exception):
            raise answer
        templates[name] = answer
    return templates


def read_ids(cloudformation: Any, stack: str) -> dict[str, tuple[str, ...]]:
    """The physical IDs of a stack's resources, by type. Raises AWS's error if the stack does not exist."""
    ids: dict[str, tuple[str, ...]] = {}
    for each in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
        # Deleted resources are still listed.
        if each.get("PhysicalResourceId") and each.get("ResourceStatus") != _DELETED:
            ids[each["ResourceType"]] = (*ids.get(each["ResourceType"], ()), each["PhysicalResourceId"])
    return ids


def physical_ids(cloudformation: Any, stack: str, kind: str) -> list[str]:
    """The ids that the resources of one type in a stack have in AWS."""
    return list(read_ids(cloudformation, stack).get(kind, ()))


def with_events(cloudformation: Any, stack: Stack, since: datetime | None) -> Stack:
    """A stack with when its last operation began and ended, and what failed in it or since a moment, first to last."""
    failures: list[StackFailure] = []
    began = ended = None
    for event in _events(cloudformation, stack.name):
        if began is not None or (since is not None and event["Timestamp"] < since):
            break
        if failure := _failure(event):
            failures.append(failure)
        if event["ResourceType"] == _STACK:
            if event["ResourceStatus"] in _BEGINNINGS:
                began = event["Timestamp"]
            elif not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                ended = ended or event["Timestamp"]
    return replace(stack, began=began, ended=ended, failures=tuple(reversed(failures))[:_MOST_FAILURES])


def failures_since(cloudformation: Any, name: str, since: datetime) -> list[StackFailure]:
    """The failures of a stack's resources since a moment, first to last, without cancelled ones."""
    found = []
    for event in _events(cloudformation, name):
        if event["Timestamp"] < since:
            break
        if failure := _failure(event):
            found.append(failure)
    return list(reversed(found))


def is_as_made(stack: Stack) -> bool:
    """Whether its events are not needed: it is stable, and no deletion of an export failed."""
    return not stack.status or (stack.is_as_made and not _EXPORT_KEPT.search(stack.reason))


def _events(cloudformation: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """The events of a stack, the newest first."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
        yield from page["StackEvents"]


def _failure(event: Mapping[str, Any]) -> StackFailure | None:
    reason = event.get("ResourceStatusReason") or ""
    # A stack fails because something in it did, unless it is an export, which is no resource.
    if event["ResourceType"] == _STACK:
        if not _EXPORT_KEPT.search(reason):
            return None
    # A cancelled resource failed because another one did.
    elif not event["ResourceStatus"].endswith("_FAILED") or re.search(r"cancell?ed", reason, re.I):
        return None
    return StackFailure(
        event["LogicalResourceId"],
        event["ResourceType"],
        event["ResourceStatus"],
        current().brief(reason),
        event["Timestamp"],
    )


def _parse(described: Mapping[str, Any]) -> Stack:
    outputs = described.get("Outputs", [])
    return Stack(
        name=described["StackName"],
        status=described["StackStatus"],
        reason=current().brief(described.get("StackStatusReason") or ""),
        updated=described.get("LastUpdatedTime") or described["CreationTime"],
        is_protected=described.get("EnableTerminationProtection", False),
        outputs={each["OutputKey"]: each["OutputValue"] for each in outputs},
        exports={each["ExportName"]: each["OutputValue"] for each in outputs if "ExportName" in each},
        tags={each["Key"]: each["Value"] for each in described.get("Tags", [])},
    )
