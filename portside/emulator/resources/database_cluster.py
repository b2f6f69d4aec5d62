"""AWS::DocDB::DBCluster, also restored from a backup, with the user and password of its source.

Any identifier is a valid snapshot, with an unknown password.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import documentdb, provisioners
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed

_USER_OF_SNAPSHOTS = "master"


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    inherited = _of_source(properties) or _of_snapshot(properties)
    if not inherited and not properties.get("MasterUsername"):
        raise ResourceFailed("The parameter MasterUsername must be provided and must not be blank.", "InvalidRequest")
    created: Created = provisioners._docdb_cluster_create(logical_id, dict(properties) | inherited, stack_name)
    _export_logs(created[0], properties)
    return created


def update(change: Change) -> Created:
    updated: Created = provisioners._docdb_cluster_update(*change)
    _export_logs(change.physical_id, change.new)
    return updated


def _of_source(properties: Mapping[str, Any]) -> dict[str, str]:
    """The user and password of the cluster that is restored. Raises ResourceFailed if it doesn't exist."""
    name = properties.get("SourceDBClusterIdentifier")
    if not name:
        return {}
    source = documentdb._clusters.get(name)
    if source is None:
        raise ResourceFailed(f"DBCluster {name} not found.", "NotFound")
    if not properties.get("RestoreToTime") and str(properties.get("UseLatestRestorableTime", "")).lower() != "true":
        raise ResourceFailed("You must specify either RestoreToTime or UseLatestRestorableTime.", "InvalidRequest")
    return {"MasterUsername": source["MasterUsername"], "MasterUserPassword": source["_MasterUserPassword"]}


def _of_snapshot(properties: Mapping[str, Any]) -> dict[str, str]:
    if not properties.get("SnapshotIdentifier"):
        return {}
    return {"MasterUsername": _USER_OF_SNAPSHOTS, "MasterUserPassword": secrets.token_hex(16)}


def _export_logs(physical_id: str, properties: Mapping[str, Any]) -> None:
    documentdb._clusters[physical_id]["EnabledCloudwatchLogsExports"] = list(
        properties.get("EnableCloudwatchLogsExports") or ()
    )


TYPES = (ResourceType("AWS::DocDB::DBCluster", create, update),)
