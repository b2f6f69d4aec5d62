"""Read a database: a cluster of DocumentDB or Aurora, or an RDS instance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from portside.aws.model import Database
from portside.config.database_kinds import DatabaseKind


@dataclass(frozen=True)
class DatabaseDescription:
    """A database as AWS describes it; `waiting` are the instances that need a reboot to use its parameter group."""

    status: str
    host: str
    port: int | None
    parameter_group: str
    waiting: tuple[str, ...]


def describe_database(client: Any, kind: DatabaseKind, identifier: str) -> DatabaseDescription | None:
    """A database by its identifier; None if AWS lists none. `client` is one of the kind's service."""
    if kind.is_cluster:
        return next(map(_cluster, client.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]), None)
    return next(map(_instance, client.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]), None)


def _cluster(found: dict[str, Any]) -> DatabaseDescription:
    return DatabaseDescription(
        status=found.get("Status", ""),
        host=found.get("Endpoint", ""),
        port=found.get("Port"),
        parameter_group=found.get("DBClusterParameterGroup", ""),
        waiting=tuple(
            each["DBInstanceIdentifier"]
            for each in found.get("DBClusterMembers", ())
            if each.get("DBClusterParameterGroupStatus", "in-sync") != "in-sync"
        ),
    )


def _instance(found: dict[str, Any]) -> DatabaseDescription:
    groups = found.get("DBParameterGroups", ())
    is_waiting = any(each.get("ParameterApplyStatus", "in-sync") != "in-sync" for each in groups)
    return DatabaseDescription(
        status=found.get("DBInstanceStatus", ""),
        host=found.get("Endpoint", {}).get("Address", ""),
        port=found.get("Endpoint", {}).get("Port"),
        parameter_group=next((each["DBParameterGroupName"] for each in groups), ""),
        waiting=(found["DBInstanceIdentifier"],) if is_waiting else (),
    )


def with_state(client: Any, database: Database) -> Database:
    """The database with its state, such as "available" or "stopped"."""
    assert database.kind is not None  # an environment without one has no id
    found = describe_database(client, database.kind, database.id)
    return replace(database, state=found.status if found else "")
