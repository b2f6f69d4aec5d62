"""AWS::Logs::LogGroup, with AWS's generated names, and an error if the log group exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import logs, provisioners
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = properties.get("LogGroupName") or provisioners._physical_name(stack_name, logical_id)
    if name in logs._log_groups:
        raise ResourceFailed(
            f"Resource of type 'AWS::Logs::LogGroup' with identifier '{name}' already exists.", "AlreadyExists"
        )
    return provisioners._cwlogs_create(logical_id, {**properties, "LogGroupName": name}, stack_name)


def update(change: Change) -> Created:
    named = {"LogGroupName": change.physical_id}
    with_name = change._replace(old={**change.old, **named}, new={**change.new, **named})
    return provisioners._cwlogs_update(*with_name)


TYPES = (ResourceType("AWS::Logs::LogGroup", create, update),)
