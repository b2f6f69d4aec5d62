"""AWS::Logs::LogGroup, with AWS's generated names, and an error if the log group exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import logs, provisioners
from portside.emulator.resources import Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = properties.get("LogGroupName") or provisioners._physical_name(stack_name, logical_id)
    if name in logs._log_groups:
        raise ResourceFailed(
            f"Resource of type 'AWS::Logs::LogGroup' with identifier '{name}' already exists.", "AlreadyExists"
        )
    created: Created = provisioners._cwlogs_create(logical_id, {**properties, "LogGroupName": name}, stack_name)
    return created


def update(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str | None
) -> Created:
    named = {"LogGroupName": physical_id}
    updated: Created = provisioners._cwlogs_update(
        physical_id, {**old, **named}, {**new, **named}, stack_name, logical_id
    )
    return updated


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    provisioners._cwlogs_delete(physical_id, properties)


TYPES = (ResourceType("AWS::Logs::LogGroup", create, update, delete, replacing=("LogGroupName",), tagged=True),)
