"""AWS::DynamoDB::Table and ::GlobalTable with all their settings; a protected table is not deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import dynamodb, provisioners, responses
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed, checked

_OF_REPLICAS = ("DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "TableClass", "Tags")


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = properties.get("TableName")
    if name in dynamodb._tables:
        problem = f"Resource of type 'AWS::DynamoDB::Table' with identifier '{name}' already exists."
        raise ResourceFailed(problem, "AlreadyExists")
    created: Created = provisioners._ddb_create(logical_id, dict(properties), stack_name)
    settings = {"TableClass": properties.get("TableClass"), "SSESpecification": properties.get("SSESpecification")}
    if settings := {key: value for key, value in settings.items() if value}:
        checked(dynamodb._update_table({"TableName": created[0], **settings}))
    _configure(created[0], {}, properties)
    return created


def update(change: Change) -> Created:
    updated: Created = provisioners._ddb_update(*change)
    if (change.old.get("TableClass") or "STANDARD") != (change.new.get("TableClass") or "STANDARD"):
        table_class = change.new.get("TableClass") or "STANDARD"
        checked(dynamodb._update_table({"TableName": updated[0], "TableClass": table_class}))
    _configure(updated[0], change.old, change.new)
    return updated


def create_global(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    created: Created = provisioners._ddb_global_table_create(logical_id, _of_this_region(properties), stack_name)
    _configure(created[0], {}, _of_this_region(properties))
    return created


def update_global(change: Change) -> Created:
    return update(change._replace(old=_of_this_region(change.old), new=_of_this_region(change.new)))


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    table = dynamodb._tables.get(physical_id)
    if not table:
        return
    if table.get("DeletionProtectionEnabled"):
        problem = "Resource cannot be deleted as it is currently protected against deletion. "
        raise ResourceFailed(f"{problem}Disable deletion protection first.", "InvalidRequest")
    checked(dynamodb._delete_table({"TableName": physical_id}))


def _of_this_region(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a global table, with those of its replica in the stack's region, as a table has them."""
    region = responses.get_region()
    replicas = [each for each in properties.get("Replicas") or () if each.get("Region") == region]
    return dict(properties) | {name: each[name] for each in replicas for name in _OF_REPLICAS if name in each}


def _configure(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    recovery = "PointInTimeRecoverySpecification"
    if new.get(recovery) or old.get(recovery):
        checked(dynamodb._update_continuous_backups({"TableName": name, recovery: new.get(recovery) or {}}))
    before, after = (each.get("TimeToLiveSpecification") or {} for each in (old, new))
    if before != after:
        enabled = str(after.get("Enabled", False)).lower() == "true"
        dynamodb._ttl_settings[name] = {
            "TimeToLiveStatus": "ENABLED" if enabled else "DISABLED",
            **({"AttributeName": after["AttributeName"]} if enabled else {}),
        }


# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html: a change of
# the key or of local indexes replaces the table.
_REPLACING = ("KeySchema", "LocalSecondaryIndexes")

TYPES = (
    ResourceType("AWS::DynamoDB::Table", create, update, delete, replacing=_REPLACING),
    ResourceType("AWS::DynamoDB::GlobalTable", create_global, update_global, delete, replacing=_REPLACING),
)
