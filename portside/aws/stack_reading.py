"""What CloudFormation tells of a stack: its state, and what failed since its last operation began."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portside.aws.errors import is_missing
from portside.aws.model import Stack, StackFailure
from portside.redact import current

# Each begins an operation; a rollback belongs to the operation that it undoes.
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS")
_MOST_FAILURES = 10
_STACK = "AWS::CloudFormation::Stack"
_EXPORT_KEPT = re.compile(r"export \S+ .*in use by", re.I)


@dataclass(frozen=True)
class StackReading:
    """A stack, and the ids in AWS of what it holds, by type."""

    facts: Stack
    ids: Mapping[str, tuple[str, ...]]

    def first(self, kind: str) -> str:
        """The id of the one resource of a type; empty where there is none."""
        return next(iter(self.ids.get(kind, ())), "")


def read(cloudformation: Any, name: str, since: datetime | None) -> StackReading:
    """A stack as it is, with what failed in its last operation, or since a moment."""
    from botocore.exceptions import ClientError

    try:
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if is_missing(error):
            return StackReading(Stack(name), {})
        raise
    if described["StackStatus"] == "DELETE_COMPLETE":
        return StackReading(Stack(name), {})
    began, ended, failures = _last_operation(cloudformation, name, since)
    facts = Stack(
        name=name,
        status=described["StackStatus"],
        reason=current().brief(described.get("StackStatusReason") or ""),
        updated=described.get("LastUpdatedTime") or described.get("CreationTime"),
        began=began,
        failures=failures,
        ended=ended,
        is_protected=described.get("EnableTerminationProtection", False),
    )
    return StackReading(facts, _ids(cloudformation, name))


def _last_operation(
    cloudformation: Any, name: str, since: datetime | None
) -> tuple[datetime | None, datetime | None, tuple[StackFailure, ...]]:
    """When it began and ended, and what failed in it, the first first."""
    failures: list[StackFailure] = []
    began = ended = None
    for event in _events(cloudformation, name):
        if began is not None or (since is not None and event["Timestamp"] < since):
            break
        if failure := _failure(event):
            failures.append(failure)
        if event["ResourceType"] == _STACK:
            if event["ResourceStatus"] in _BEGINNINGS:
                began = event["Timestamp"]
            elif not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                ended = ended or event["Timestamp"]
    return began, ended, tuple(reversed(failures))[:_MOST_FAILURES]


def _events(cloudformation: Any, name: str) -> Iterator[Mapping[str, Any]]:
    """What happened to a stack, the newest first."""
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
        yield from page["StackEvents"]


def _failure(event: Mapping[str, Any]) -> StackFailure | None:
    reason = event.get("ResourceStatusReason") or ""
    # A stack fails because something in it did, unless it is an export, which is no resource.
    if event["ResourceType"] == _STACK:
        if not _EXPORT_KEPT.search(reason):
            return None
    # What was cancelled failed because something else did.
    elif not event["ResourceStatus"].endswith("_FAILED") or re.search(r"cancell?ed", reason, re.I):
        return None
    return StackFailure(
        event["LogicalResourceId"],
        event["ResourceType"],
        event["ResourceStatus"],
        current().brief(reason),
        event["Timestamp"],
    )


def _ids(cloudformation: Any, name: str) -> dict[str, tuple[str, ...]]:
    ids: dict[str, tuple[str, ...]] = {}
    for each in cloudformation.describe_stack_resources(StackName=name)["StackResources"]:
        # What was deleted again is still listed.
        if each.get("PhysicalResourceId") and each.get("ResourceStatus") != "DELETE_COMPLETE":
            ids[each["ResourceType"]] = (*ids.get(each["ResourceType"], ()), each["PhysicalResourceId"])
    return ids
