"""Databases as RDS and DocumentDB describe, protect and snapshot them; ministack leaves this out."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from portside.emulator.ministack_modules import documentdb, rds
from portside.emulator.patches.patching import replaces
from portside.emulator.resources.databases import refused_deletion

_NO_EXPORTS = "<EnabledCloudwatchLogsExports/>"


def _exports(database: Mapping[str, Any]) -> str:
    members = "".join(f"<member>{escape(each)}</member>" for each in database.get("EnabledCloudwatchLogsExports", ()))
    return f"<EnabledCloudwatchLogsExports>{members}</EnabledCloudwatchLogsExports>"


@replaces("services.rds._cluster_xml")
def rds_cluster(original: Any, c: Mapping[str, Any]) -> str:
    return str(original(c)) + _exports(c)


@replaces("services.documentdb._cluster_xml")
def documentdb_cluster(original: Any, c: Mapping[str, Any]) -> str:
    return str(original(c)) + _exports(c) + str(rds._serverlessv2_xml(c))


@replaces("services.rds._instance_xml")
@replaces("services.documentdb._instance_xml")
def instance(original: Any, i: Mapping[str, Any]) -> str:
    return str(original(i)).replace(_NO_EXPORTS, _exports(i))


@replaces("services.rds._delete_db_cluster", only_api=True)
@replaces("services.documentdb._delete_db_cluster", only_api=True)
def delete_cluster(original: Any, *args: Mapping[str, Any]) -> Any:
    (params,) = args
    name = rds._p(params, "DBClusterIdentifier")
    cluster = rds._clusters.get(name) or documentdb._clusters.get(name)
    return _deleted(original, params, cluster, "Cluster")


@replaces("services.rds._delete_db_instance", only_api=True)
@replaces("services.documentdb._delete_db_instance", only_api=True)
def delete_instance(original: Any, *args: Mapping[str, Any]) -> Any:
    (params,) = args
    name = rds._p(params, "DBInstanceIdentifier")
    return _deleted(original, params, rds._instances.get(name) or documentdb._instances.get(name), "DB Instance")


def _deleted(original: Any, params: Mapping[str, Any], database: Mapping[str, Any] | None, noun: str) -> Any:
    """The answer to a deletion; the final snapshot is taken before it."""
    if problem := refused_deletion(database or {}, noun):
        return rds._error("InvalidParameterCombination", problem, 400)
    snapshot = rds._p(params, "FinalDBSnapshotIdentifier")
    is_member = noun != "Cluster" and (database or {}).get("DBClusterIdentifier")
    if database and not is_member and not snapshot and rds._p(params, "SkipFinalSnapshot") != "true":
        problem = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        return rds._error("InvalidParameterCombination", problem, 400)
    if database and snapshot and not is_member:
        take = rds._create_cluster_snapshot_internal if noun == "Cluster" else rds._create_snapshot_internal
        take(snapshot, database)
    return original(params)


@replaces("services.rds._create_db_cluster_snapshot", only_api=True)
def snapshot_cluster(original: Any, p: Mapping[str, Any]) -> Any:
    """Snapshots of DocumentDB's clusters are in one table with RDS's."""
    name = rds._p(p, "DBClusterSnapshotIdentifier")
    cluster = documentdb._clusters.get(rds._p(p, "DBClusterIdentifier"))
    if not cluster or not name or name in rds._db_cluster_snapshots:
        return original(p)
    xml = rds._cluster_snapshot_xml(rds._create_cluster_snapshot_internal(name, cluster))
    result = f"<DBClusterSnapshot>{xml}</DBClusterSnapshot>"
    body = f"<CreateDBClusterSnapshotResult>{result}</CreateDBClusterSnapshotResult>"
    return rds._xml(200, "CreateDBClusterSnapshotResponse", body)


@replaces("services.rds._create_cluster_snapshot_internal")
def keep_login_of_cluster(original: Any, snap_id: str, cluster: Mapping[str, Any]) -> Any:
    return _with_login(original(snap_id, cluster), cluster)


@replaces("services.rds._create_snapshot_internal")
def keep_login_of_instance(original: Any, snap_id: str, instance: Mapping[str, Any]) -> Any:
    return _with_login(original(snap_id, instance), instance)


def _with_login(snapshot: dict[str, Any], database: Mapping[str, Any]) -> dict[str, Any]:
    """A restored database has the password of its snapshot."""
    keys = ("_MasterUserPassword", "DatabaseName")
    snapshot |= {key: database[key] for key in keys if database.get(key)}
    return snapshot
