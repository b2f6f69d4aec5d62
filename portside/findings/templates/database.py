"""Databases: versions, parameter groups and how they are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import over, over_assembly, wrong
from portside.findings.templates.values import Unknown, fields, flag, number, text

_VERSION = re.compile(r"^(\d+)\.(\d+)")
_FAMILY = re.compile(r"^docdb(\d+)\.(\d+)$")
_CLOCK = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")
_DAY_MINUTES, _SHORTEST_MINUTES = 24 * 60, 30
_SERVERLESS = "db.serverless"
_RESERVED = ("admin", "root")
_INSTANCE = "AWS::RDS::DBInstance"
_CLUSTERS = ("DocDB::DBCluster", "RDS::DBCluster")
_PARAMETER_GROUPS = (
    ("DocDB::DBCluster", "DBClusterParameterGroupName", "DocDB::DBClusterParameterGroup"),
    ("RDS::DBCluster", "DBClusterParameterGroupName", "RDS::DBClusterParameterGroup"),
    ("RDS::DBInstance", "DBParameterGroupName", "RDS::DBParameterGroup"),
)
# A database with one of them has the user and password of another.
_INHERITING = frozenset(
    {
        *("SnapshotIdentifier", "SourceDBClusterIdentifier", "GlobalClusterIdentifier"),
        *("DBSnapshotIdentifier", "SourceDBInstanceIdentifier", "SourceDbiResourceId"),
        *("SourceDBInstanceAutomatedBackupsArn", "ReplicationSourceIdentifier", "DBClusterSnapshotIdentifier"),
    }
)
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
_LONGEST_PASSWORDS = {"mysql": 41, "aurora-mysql": 41, "postgres": 128, "aurora-postgresql": 99}
# https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-serverless-limitations.html
_SERVERLESS_VERSIONS = ("5.0", "8.0")


@over_assembly
def families(assembly: Assembly) -> Iterator[Finding]:
    """Databases whose parameter group is for another engine or version."""
    for database_type, key, group_type in _PARAMETER_GROUPS:
        for database in assembly.of_type(database_type):
            group = assembly.resource(database.get(key), group_type)
            version, family = text(database.get("EngineVersion")), text(group.get("Family")) if group else None
            kind = _kind_of(database)
            if group and kind and family and _VERSION.match(version or "") and family != kind.family_of(version or ""):
                sentence = f"is for {family}, and the {kind.noun} {database.logical_id} is of {version}"
                yield wrong("FAMILY", group, sentence, at="Family")
    for group in assembly.of_type("DocDB::DBClusterParameterGroup"):
        family = text(group.get("Family"))
        if family is not None and not _FAMILY.match(family):
            yield wrong("FAMILY", group, f"is no family of DocumentDB, got {family}", at="Family")


@over("DocDB::DBInstance", "RDS::DBInstance")
def serverless(assembly: Assembly, instance: Resource) -> Iterator[Finding]:
    """Serverless instances without a capacity, or of a version without serverless instances."""
    cluster = assembly.resource(instance.get("DBClusterIdentifier"), *_CLUSTERS)
    if cluster is None or instance.get("DBInstanceClass") != _SERVERLESS:
        return
    if "ServerlessV2ScalingConfiguration" not in cluster.properties:
        sentence = f"is {_SERVERLESS}, and {cluster.logical_id} has no ServerlessV2ScalingConfiguration"
        yield wrong("SERVERLESS", instance, sentence)
    found = _VERSION.match(text(cluster.get("EngineVersion")) or "")
    if found and cluster.type == "AWS::DocDB::DBCluster" and found[0] not in _SERVERLESS_VERSIONS:
        yield wrong("SERVERLESS", instance, f"is {_SERVERLESS}, which engine version {found[0]} does not have")


@over(*_CLUSTERS)
def capacities(assembly: Assembly, cluster: Resource) -> Iterator[Finding]:
    """Capacities that the engine does not have."""
    kind, scaling = _kind_of(cluster), fields(cluster.get("ServerlessV2ScalingConfiguration"))
    least, most = number(scaling.get("MinCapacity")), number(scaling.get("MaxCapacity"))
    if least is None or most is None or kind is None or kind.capacity is None:
        return
    low, high = kind.capacity.min, kind.capacity.max
    if not low <= least <= most <= high:
        sentence = f"its capacity must be from {low:g} to {high:g}, got {least:g} to {most:g}"
        yield wrong("SERVERLESS", cluster, sentence)


def _kind_of(database: Resource) -> DatabaseKind | None:
    engine = "docdb" if database.type == "AWS::DocDB::DBCluster" else text(database.get("Engine"))
    return next((kind for kind in DATABASE_KINDS.values() if kind.engine == engine), None)


@over(*_CLUSTERS, "RDS::DBInstance")
def credentials(assembly: Assembly, cluster: Resource) -> Iterator[Finding]:
    """New databases without a master user or its password."""
    is_member = cluster.type == _INSTANCE and "DBClusterIdentifier" in cluster.properties
    if is_member or _INHERITING & set(cluster.properties):
        return
    managed = flag(cluster.get("ManageMasterUserPassword")) is not False and (
        "ManageMasterUserPassword" in cluster.properties
    )
    required = ("MasterUsername",) if managed else ("MasterUsername", "MasterUserPassword")
    lacking = [key for key in required if key not in cluster.properties]
    if lacking:
        yield wrong(
            "MASTER_USER",
            cluster,
            f"a new {'instance' if cluster.type == _INSTANCE else 'cluster'} needs {', '.join(lacking)}",
        )
    if cluster.type == "AWS::DocDB::DBCluster" and str(cluster.get("MasterUsername")).lower() in _RESERVED:
        yield wrong("MASTER_USER", cluster, f"the user name {cluster.get('MasterUsername')} is reserved")
    password = text(cluster.get("MasterUserPassword"))
    longest = _LONGEST_PASSWORDS.get(kind.engine if (kind := _kind_of(cluster)) else "", 100)
    if password is not None and not 8 <= len(password) <= longest:
        yield wrong("MASTER_USER", cluster, f"the master user's password must have 8 to {longest} characters")


@over(*_CLUSTERS, "RDS::DBInstance")
def windows(assembly: Assembly, cluster: Resource) -> Iterator[Finding]:
    """Backup windows under 30 minutes."""
    found = _CLOCK.match(text(cluster.get("PreferredBackupWindow")) or "")
    if found:
        first, last = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if (last - first) % _DAY_MINUTES < _SHORTEST_MINUTES:
            sentence = f"must be at least {_SHORTEST_MINUTES} minutes, got {found[0]}"
            yield wrong("BACKUP_WINDOW", cluster, sentence, at="PreferredBackupWindow")


@over_assembly
def members(assembly: Assembly) -> Iterator[Finding]:
    """Clusters without an instance."""
    named = [
        each.get("DBClusterIdentifier")
        for each in assembly.of_type("DocDB::DBInstance", "RDS::DBInstance")
        if "DBClusterIdentifier" in each.properties
    ]
    for cluster in assembly.of_type(*_CLUSTERS):
        own = text(cluster.get("DBClusterIdentifier"))
        if any(isinstance(each, Unknown) or cluster.is_of(each) or (own and each == own) for each in named):
            continue
        if not cluster.is_conditional:
            yield wrong("NO_INSTANCE", cluster, "no instance belongs to it: nothing answers at its address")
