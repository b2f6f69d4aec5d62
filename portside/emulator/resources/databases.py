"""Clusters and instances of AWS::RDS and AWS::DocDB, also restored, with what their services refuse.

Any identifier is a valid snapshot. The password of an unknown snapshot is unknown.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from portside.emulator.ministack_modules import documentdb, provisioners, rds
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed

_USER_OF_SNAPSHOTS = "master"
_SERVERLESS = "db.serverless"
# https://docs.aws.amazon.com/documentdb/latest/devguide/docdb-serverless-limitations.html
_WITHOUT_SERVERLESS = ("3.6", "4.0")
# https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2.setting-capacity.html
_LARGEST_CAPACITY = 256
_SMALLEST_MAXIMUM = 1


@dataclass(frozen=True)
class _Service:
    """One of the services, with ministack's functions for its resource types."""

    prefix: str
    module: Any
    cluster: tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]
    instance: tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]

    def cluster_of(self, properties: Mapping[str, Any]) -> dict[str, Any] | None:
        """The cluster of an instance. Raises ResourceFailed if it doesn't exist."""
        name = properties.get("DBClusterIdentifier")
        if name and name not in self.module._clusters:
            raise ResourceFailed(f"DBCluster {name} not found.", "NotFound")
        return self.module._clusters[name] if name else None


def create_cluster(service: _Service, logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    _check_free(service.module._clusters, properties.get("DBClusterIdentifier"), "DB Cluster")
    inherited = _of_source_cluster(service, properties) or _of_snapshot(properties.get("SnapshotIdentifier"))
    _check_login(properties, inherited)
    _check_subnet_group(properties)
    _check_capacity(properties)
    create, *_ = service.cluster
    created: Created = create(logical_id, _with_inherited(service, properties, inherited), stack_name)
    _describe_cluster(service, created[0], properties)
    return created


def update_cluster(service: _Service, change: Change) -> Created:
    _check_capacity(change.new)
    _, update, _ = service.cluster
    updated: Created = update(*change)
    _describe_cluster(service, updated[0], change.new)
    return updated


def delete_cluster(service: _Service, physical_id: str, properties: Mapping[str, Any]) -> None:
    cluster = service.module._clusters.get(physical_id) or {}
    if problem := refused_deletion(cluster, "Cluster"):
        raise ResourceFailed(problem, "InvalidRequest")
    *_, delete = service.cluster
    delete(physical_id, properties)


def create_instance(service: _Service, logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    _check_free(service.module._instances, properties.get("DBInstanceIdentifier"), "DB Instance")
    cluster = service.cluster_of(properties)
    _check_class(properties, cluster)
    inherited: dict[str, Any] = {}
    if cluster is None:
        inherited = _of_source_instance(properties) or _of_snapshot(properties.get("DBSnapshotIdentifier"))
        _check_login(properties, inherited)
        _check_subnet_group(properties)
    create, *_ = service.instance
    created: Created = create(logical_id, _with_inherited(service, properties, inherited), stack_name)
    _export_logs(service.module._instances[created[0]], properties)
    return created


def update_instance(service: _Service, change: Change) -> Created:
    _check_class(change.new, service.cluster_of(change.new))
    _, update, _ = service.instance
    updated: Created = update(*change)
    _export_logs(service.module._instances[updated[0]], change.new)
    return updated


def delete_instance(service: _Service, physical_id: str, properties: Mapping[str, Any]) -> None:
    instance = service.module._instances.get(physical_id) or {}
    if problem := refused_deletion(instance, "DB Instance"):
        raise ResourceFailed(problem, "InvalidRequest")
    *_, delete = service.instance
    delete(physical_id, properties)


def delete_subnet_group(physical_id: str, properties: Mapping[str, Any]) -> None:
    for name, group in _subnet_groups_in_use():
        if group == physical_id:
            raise ResourceFailed(
                f"Cannot delete the subnet group '{physical_id}' because at least one database instance: {name} is "
                "still using it.",
                "InvalidRequest",
            )
    provisioners._rds_subnet_group_delete(physical_id, properties)


def snapshot_cluster(physical_id: str, properties: Mapping[str, Any]) -> None:
    """The snapshot that a deletion policy asks for."""
    if cluster := documentdb._clusters.get(physical_id):
        rds._create_cluster_snapshot_internal(provisioners._snapshot_id(physical_id), cluster)


def refused_deletion(database: Mapping[str, Any], noun: str) -> str:
    """Why a cluster or instance is not deleted; empty if it is."""
    # An instance of a cluster is not protected itself, whatever its cluster was when it was created.
    is_member = "Instance" in noun and database.get("DBClusterIdentifier")
    if database.get("DeletionProtection") and not is_member:
        return f"Cannot delete protected {noun}, please disable deletion protection and try again."
    if database.get("DBClusterMembers"):
        return "Cluster cannot be deleted, it still contains DB instances in non-deleting state."
    return ""


def _subnet_groups_in_use() -> Iterator[tuple[str, str]]:
    for module in (rds, documentdb):
        for table, key in ((module._clusters, "DBClusterIdentifier"), (module._instances, "DBInstanceIdentifier")):
            for each in table.values():
                group = each.get("DBSubnetGroup") or ""
                yield each[key], group.get("DBSubnetGroupName", "") if isinstance(group, dict) else group


def _check_free(table: Mapping[str, Any], name: str | None, noun: str) -> None:
    if name and name.lower() in table:
        raise ResourceFailed(f"{noun} already exists", "AlreadyExists")


def _check_login(properties: Mapping[str, Any], inherited: Mapping[str, Any]) -> None:
    if not inherited and not properties.get("MasterUsername"):
        raise ResourceFailed("The parameter MasterUsername must be provided and must not be blank.", "InvalidRequest")


def _check_subnet_group(properties: Mapping[str, Any]) -> None:
    name = properties.get("DBSubnetGroupName")
    if name and name != "default" and name not in rds._subnet_groups:
        raise ResourceFailed(f"DB subnet group '{name}' does not exist.", "NotFound")


def _check_capacity(properties: Mapping[str, Any]) -> None:
    scaling = properties.get("ServerlessV2ScalingConfiguration")
    if not scaling:
        return
    if str(properties.get("EngineVersion", "")).startswith(_WITHOUT_SERVERLESS):
        version = properties["EngineVersion"]
        raise ResourceFailed(f"The engine version {version} does not support Serverless v2.", "InvalidRequest")
    smallest, largest = (float(scaling.get(key, 0)) for key in ("MinCapacity", "MaxCapacity"))
    if not 0 <= smallest <= largest or not _SMALLEST_MAXIMUM <= largest <= _LARGEST_CAPACITY:
        raise ResourceFailed(
            f"Serverless v2 capacity from {smallest} to {largest} isn't valid. The maximum capacity must be at least "
            f"the minimum capacity, and from {_SMALLEST_MAXIMUM}.0 to {_LARGEST_CAPACITY}.0.",
            "InvalidRequest",
        )


def _check_class(properties: Mapping[str, Any], cluster: Mapping[str, Any] | None) -> None:
    if properties.get("DBInstanceClass") == _SERVERLESS and not (cluster or {}).get("ServerlessV2ScalingConfiguration"):
        raise ResourceFailed(
            "Set the Serverless v2 scaling configuration on the parent DB cluster before creating a Serverless v2 DB "
            "instance.",
            "InvalidRequest",
        )


def _with_inherited(service: _Service, properties: Mapping[str, Any], inherited: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a restored database. RDS changes its password to the template's, DocumentDB keeps the old."""
    own = {key: value for key, value in properties.items() if key == "MasterUserPassword" and service is RDS}
    return {**properties, **inherited, **(own if inherited else {})}


def _of_source_cluster(service: _Service, properties: Mapping[str, Any]) -> dict[str, Any]:
    """The login of the cluster that is restored. Raises ResourceFailed if it doesn't exist."""
    name = properties.get("SourceDBClusterIdentifier")
    if not name:
        return {}
    source = service.module._clusters.get(name)
    if source is None:
        raise ResourceFailed(f"DBCluster {name} not found.", "NotFound")
    _check_time(properties, "RestoreToTime")
    return _login_of(source)


def _of_source_instance(properties: Mapping[str, Any]) -> dict[str, Any]:
    name = properties.get("SourceDBInstanceIdentifier")
    if not name:
        return {}
    source = rds._instances.get(name.rpartition(":")[2])
    if source is None:
        raise ResourceFailed(f"DBInstance {name} not found.", "DBInstanceNotFound")
    return _login_of(source)


def _check_time(properties: Mapping[str, Any], key: str) -> None:
    if not properties.get(key) and str(properties.get("UseLatestRestorableTime", "")).lower() != "true":
        raise ResourceFailed(f"You must specify either {key} or UseLatestRestorableTime.", "InvalidRequest")


def _of_snapshot(identifier: str | None) -> dict[str, Any]:
    if not identifier:
        return {}
    name = identifier.rpartition(":")[2]
    known = rds._db_cluster_snapshots.get(name) or rds._snapshots.get(name) or {}
    unknown = {"MasterUsername": _USER_OF_SNAPSHOTS, "_MasterUserPassword": secrets.token_hex(16)}
    return _login_of(unknown | {key: value for key, value in known.items() if value})


def _login_of(database: Mapping[str, Any]) -> dict[str, Any]:
    found = {"MasterUsername": database["MasterUsername"], "MasterUserPassword": database["_MasterUserPassword"]}
    return found | {key: database[key] for key in ("DatabaseName", "DBName") if database.get(key)}


def _describe_cluster(service: _Service, name: str, properties: Mapping[str, Any]) -> None:
    """Add the fields of `describe-db-clusters` that ministack's function does not set."""
    cluster = service.module._clusters[name]
    _export_logs(cluster, properties)
    if group := properties.get("DBClusterParameterGroupName"):
        cluster["DBClusterParameterGroup"] = group
    if service is RDS:
        cluster["TagList"] = rds._tags[cluster["DBClusterArn"]] = list(properties.get("Tags") or ())
        cluster["KmsKeyId"] = properties.get("KmsKeyId", "")
    serverless = [
        each
        for each in service.module._instances.values()
        if each.get("DBClusterIdentifier") == name and each.get("DBInstanceClass") == _SERVERLESS
    ]
    scaling = properties.get("ServerlessV2ScalingConfiguration")
    if scaling or not serverless:
        # It stays while an instance needs it.
        cluster["ServerlessV2ScalingConfiguration"] = scaling and {key: float(each) for key, each in scaling.items()}


def _export_logs(database: dict[str, Any], properties: Mapping[str, Any]) -> None:
    # The property has a small w for clusters of both services; instances of RDS have a large one.
    exports = properties.get("EnableCloudwatchLogsExports") or properties.get("EnableCloudWatchLogsExports") or ()
    database["EnabledCloudwatchLogsExports"] = list(exports)


RDS = _Service(
    "AWS::RDS",
    rds,
    (
        provisioners._rds_db_cluster_create,
        provisioners._rds_db_cluster_update,
        provisioners._rds_db_cluster_delete,
    ),
    (
        provisioners._rds_db_instance_create,
        provisioners._rds_db_instance_update,
        provisioners._rds_db_instance_delete,
    ),
)
DOCUMENTDB = _Service(
    "AWS::DocDB",
    documentdb,
    (provisioners._docdb_cluster_create, provisioners._docdb_cluster_update, provisioners._docdb_cluster_delete),
    (provisioners._docdb_instance_create, provisioners._docdb_instance_update, provisioners._docdb_instance_delete),
)

TYPES = tuple(
    each
    for service in (RDS, DOCUMENTDB)
    for each in (
        ResourceType(
            f"{service.prefix}::DBCluster",
            partial(create_cluster, service),
            partial(update_cluster, service),
            partial(delete_cluster, service),
            snapshot=snapshot_cluster if service is DOCUMENTDB else None,
            tagged=True,
        ),
        ResourceType(
            f"{service.prefix}::DBInstance",
            partial(create_instance, service),
            partial(update_instance, service),
            partial(delete_instance, service),
            tagged=True,
        ),
        ResourceType(f"{service.prefix}::DBSubnetGroup", delete=delete_subnet_group, tagged=True),
    )
)
