"""Database clusters: versions, parameter groups and how they are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly
from portside.findings.templates.rule import wrong
from portside.findings.templates.values import Unknown, fields, flag, number, text

_VERSION = re.compile(r"^(\d+)\.(\d+)")
_FAMILY = re.compile(r"^docdb(\d+)\.(\d+)$")
_CLOCK = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")
_DAY_MINUTES, _SHORTEST_MINUTES = 24 * 60, 30
_SERVERLESS = "db.serverless"
_RESERVED = ("admin", "root")
# https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-serverless-limitations.html
_SERVERLESS_VERSIONS = ("5.0", "8.0")


def families(assembly: Assembly) -> Iterator[Finding]:
    """Clusters whose parameter group is for another version."""
    for cluster in assembly.of_type("DocDB::DBCluster"):
        group = assembly.resource(cluster.get("DBClusterParameterGroupName"), "DocDB::DBClusterParameterGroup")
        version, family = text(cluster.get("EngineVersion")), text(group.get("Family")) if group else None
        ours, theirs = _VERSION.match(version or ""), _FAMILY.match(family or "")
        if group and ours and theirs and ours.groups() != theirs.groups():
            sentence = f"is for {family}, and the cluster {cluster.logical_id} is of {version}"
            yield wrong("FAMILY", group, sentence, at="Family")
    for group in assembly.of_type("DocDB::DBClusterParameterGroup"):
        family = text(group.get("Family"))
        if family is not None and not _FAMILY.match(family):
            yield wrong("FAMILY", group, f"is no family of DocumentDB, got {family}", at="Family")


def serverless(assembly: Assembly) -> Iterator[Finding]:
    """Serverless instances without a capacity, and capacities that DocumentDB does not have."""
    for instance in assembly.of_type("DocDB::DBInstance"):
        cluster = assembly.resource(instance.get("DBClusterIdentifier"), "DocDB::DBCluster")
        if cluster is None or instance.get("DBInstanceClass") != _SERVERLESS:
            continue
        if "ServerlessV2ScalingConfiguration" not in cluster.properties:
            sentence = f"is {_SERVERLESS}, and {cluster.logical_id} has no ServerlessV2ScalingConfiguration"
            yield wrong("SERVERLESS", instance, sentence)
        found = _VERSION.match(text(cluster.get("EngineVersion")) or "")
        if found and found[0] not in _SERVERLESS_VERSIONS:
            yield wrong("SERVERLESS", instance, f"is {_SERVERLESS}, which engine version {found[0]} does not have")
    for cluster in assembly.of_type("DocDB::DBCluster"):
        scaling = fields(cluster.get("ServerlessV2ScalingConfiguration"))
        least, most = number(scaling.get("MinCapacity")), number(scaling.get("MaxCapacity"))
        if least is not None and most is not None and not 0.5 <= least <= most <= 256:
            yield wrong("SERVERLESS", cluster, f"its capacity must be from 0.5 to 256, got {least:g} to {most:g}")


def credentials(assembly: Assembly) -> Iterator[Finding]:
    """New clusters without a master user or its password."""
    for cluster in assembly.of_type("DocDB::DBCluster"):
        if {"SnapshotIdentifier", "SourceDBClusterIdentifier", "GlobalClusterIdentifier"} & set(cluster.properties):
            continue
        managed = flag(cluster.get("ManageMasterUserPassword")) is not False and (
            "ManageMasterUserPassword" in cluster.properties
        )
        required = ("MasterUsername",) if managed else ("MasterUsername", "MasterUserPassword")
        lacking = [key for key in required if key not in cluster.properties]
        if lacking:
            yield wrong("MASTER_USER", cluster, f"a new cluster needs {', '.join(lacking)}")
        if str(cluster.get("MasterUsername")).lower() in _RESERVED:
            yield wrong("MASTER_USER", cluster, f"the user name {cluster.get('MasterUsername')} is reserved")
        password = text(cluster.get("MasterUserPassword"))
        if password is not None and not 8 <= len(password) <= 100:
            yield wrong("MASTER_USER", cluster, "the master user's password must have 8 to 100 characters")


def windows(assembly: Assembly) -> Iterator[Finding]:
    """Backup windows under 30 minutes."""
    for cluster in assembly.of_type("DocDB::DBCluster", "RDS::DBCluster"):
        found = _CLOCK.match(text(cluster.get("PreferredBackupWindow")) or "")
        if found:
            first, last = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
            if (last - first) % _DAY_MINUTES < _SHORTEST_MINUTES:
                sentence = f"must be at least {_SHORTEST_MINUTES} minutes, got {found[0]}"
                yield wrong("BACKUP_WINDOW", cluster, sentence, at="PreferredBackupWindow")


def members(assembly: Assembly) -> Iterator[Finding]:
    """Clusters without an instance."""
    named = [each.get("DBClusterIdentifier") for each in assembly.of_type("DocDB::DBInstance")]
    for cluster in assembly.of_type("DocDB::DBCluster"):
        own = text(cluster.get("DBClusterIdentifier"))
        if any(isinstance(each, Unknown) or cluster.is_of(each) or (own and each == own) for each in named):
            continue
        if not cluster.is_conditional:
            yield wrong("NO_INSTANCE", cluster, "no instance belongs to it: nothing answers at its address")
