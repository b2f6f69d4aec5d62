"""The databases of RDS and DocumentDB: created, updated, replaced, restored, protected, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.local_aws_support import Account, account, embedded_aws, network
from tests.unit.resource_life_support import NETWORK, Properties, Row, first, found, lives, resources_of

__all__ = ["account", "embedded_aws", "network"]

SUBNET_GROUP = {"DBSubnetGroupDescription": "of the test", "SubnetIds": [{"Ref": "SubnetA"}, {"Ref": "SubnetB"}]}
LOGIN = {"MasterUsername": "jane", "MasterUserPassword": "first-password"}
GROUPS = [{"Fn::GetAtt": ["Group", "GroupId"]}]


def others(service: str) -> dict[str, Any]:
    """A network and a subnet group for databases."""
    return NETWORK | {"Subnets": {"Type": f"AWS::{service}::DBSubnetGroup", "Properties": SUBNET_GROUP}}


def cluster(engine: str, **more: Any) -> dict[str, Any]:
    engine_property = {} if engine == "docdb" else {"Engine": engine}
    return {
        **engine_property,
        **LOGIN,
        "DBSubnetGroupName": {"Ref": "Subnets"},
        "VpcSecurityGroupIds": GROUPS,
        "StorageEncrypted": True,
        "BackupRetentionPeriod": 7,
        **more,
    }


def cluster_row(kind: str, engine: str, service: str) -> Row:
    return Row(
        kind,
        cluster(engine),
        first(service, "describe_db_clusters", "DBClusterIdentifier", "DBClusters"),
        in_place={
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8},
            "EnableCloudwatchLogsExports": ["postgresql" if "postgres" in engine else "audit"],
            "BackupRetentionPeriod": 14,
        },
        replacing={"MasterUsername": "jack"} if engine == "docdb" else {"DatabaseName": "orders"},
        others=others(kind.split("::")[1]),
    )


def instance_row(engine: str) -> Row:
    return Row(
        "AWS::RDS::DBInstance",
        {
            "Engine": engine,
            **LOGIN,
            "DBInstanceClass": "db.t4g.micro",
            "AllocatedStorage": "20",
            "DBSubnetGroupName": {"Ref": "Subnets"},
            "VPCSecurityGroups": GROUPS,
            "StorageEncrypted": True,
        },
        first("rds", "describe_db_instances", "DBInstanceIdentifier", "DBInstances"),
        in_place={"DBInstanceClass": "db.t4g.small", "AllocatedStorage": "40", "BackupRetentionPeriod": 14},
        replacing={"DBName": "orders"},
        others=others("RDS"),
    )


def member_row(kind: str, engine: str, service: str) -> Row:
    prefix = kind.rpartition("::")[0]
    serverless = {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 8}}
    engine_property = {} if engine == "docdb" else {"Engine": engine}
    return Row(
        kind,
        {"DBClusterIdentifier": {"Ref": "Cluster"}, "DBInstanceClass": "db.r6g.large", **engine_property},
        first(service, "describe_db_instances", "DBInstanceIdentifier", "DBInstances"),
        in_place={"DBInstanceClass": "db.serverless"},
        replacing={"DBInstanceIdentifier": "another-member"},
        others=others(kind.split("::")[1])
        | {"Cluster": {"Type": f"{prefix}::DBCluster", "Properties": cluster(engine, **serverless)}},
    )


def parameters(operation: str, name: str) -> Callable[[Account, str], Any]:
    def read(account: Account, group: str) -> Any:
        call = getattr(account.client("rds"), operation)
        answer = found(lambda: call(**{name: group}, Source="user"))
        return answer and [(each["ParameterName"], each["ParameterValue"]) for each in answer["Parameters"]]

    return read


ROWS = [
    cluster_row("AWS::RDS::DBCluster", "aurora-postgresql", "rds"),
    cluster_row("AWS::RDS::DBCluster", "aurora-mysql", "rds"),
    cluster_row("AWS::DocDB::DBCluster", "docdb", "docdb"),
    instance_row("postgres"),
    instance_row("mysql"),
    member_row("AWS::RDS::DBInstance", "aurora-postgresql", "rds"),
    member_row("AWS::DocDB::DBInstance", "docdb", "docdb"),
    Row(
        "AWS::RDS::DBSubnetGroup",
        SUBNET_GROUP,
        first("rds", "describe_db_subnet_groups", "DBSubnetGroupName", "DBSubnetGroups"),
        in_place={"DBSubnetGroupDescription": "another"},
        replacing={"DBSubnetGroupName": "another-group"},
        others=NETWORK,
    ),
    *(
        Row(
            f"AWS::RDS::{kind}",
            {"Family": family, "Description": "of the test", "Parameters": {"log_statement": "all"}},
            parameters(operation, f"{kind}Name"),
            in_place={"Parameters": {"log_statement": "ddl"}},
            replacing={"Description": "another"},
        )
        for kind, family, operation in (
            ("DBParameterGroup", "postgres17", "describe_db_parameters"),
            ("DBClusterParameterGroup", "aurora-postgresql17", "describe_db_cluster_parameters"),
        )
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.id}-{row.properties.get('Engine', '')}")
def test_a_type_lives_as_on_aws(account: Account, row: Row) -> None:
    lives(account, row)


SERVERLESS = {"MinCapacity": 0.5, "MaxCapacity": 4}


@pytest.mark.parametrize(
    ("kind", "properties", "why"),
    [
        ("AWS::RDS::DBCluster", {"Engine": "aurora-mysql"}, "The parameter MasterUsername must be provided"),
        (
            "AWS::RDS::DBCluster",
            {"Engine": "aurora-mysql", "SourceDBClusterIdentifier": "gone", "UseLatestRestorableTime": True},
            "DBCluster gone not found.",
        ),
        (
            "AWS::RDS::DBCluster",
            {"Engine": "aurora-mysql", **LOGIN, "DBSubnetGroupName": "gone"},
            "DB subnet group 'gone' does not exist.",
        ),
        (
            "AWS::RDS::DBCluster",
            {
                "Engine": "aurora-mysql",
                **LOGIN,
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 8, "MaxCapacity": 4},
            },
            "Serverless v2 capacity from 8.0 to 4.0 isn't valid.",
        ),
        (
            "AWS::RDS::DBCluster",
            {
                "Engine": "aurora-mysql",
                **LOGIN,
                "ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 257},
            },
            "Serverless v2 capacity from 0.0 to 257.0 isn't valid.",
        ),
        (
            "AWS::DocDB::DBCluster",
            {**LOGIN, "EngineVersion": "4.0.0", "ServerlessV2ScalingConfiguration": SERVERLESS},
            "does not support Serverless v2",
        ),
        ("AWS::RDS::DBInstance", {"Engine": "postgres"}, "The parameter MasterUsername must be provided"),
        (
            "AWS::RDS::DBInstance",
            {"Engine": "aurora-mysql", "DBClusterIdentifier": "gone", "DBInstanceClass": "db.serverless"},
            "DBCluster gone not found.",
        ),
        (
            "AWS::RDS::DBInstance",
            {"Engine": "postgres", **LOGIN, "DBInstanceClass": "db.serverless"},
            "Set the Serverless v2 scaling configuration on the parent DB cluster",
        ),
    ],
)
def test_what_the_service_would_refuse_is_refused(
    account: Account, kind: str, properties: Properties, why: str
) -> None:
    assert account.deploy("wrong", {"Subject": {"Type": kind, "Properties": properties}}) == "ROLLBACK_COMPLETE"
    assert why in account.why_failed("wrong")


@pytest.mark.parametrize("row", [ROWS[0], ROWS[2], ROWS[3]], ids=lambda row: row.id)
def test_a_protected_database_is_not_deleted(account: Account, row: Row) -> None:
    resources = resources_of(row, {**row.properties, "DeletionProtection": True})
    assert account.deploy("kept", resources, {"Name": {"Ref": "Subject"}}) == "CREATE_COMPLETE"
    name = account.outputs("kept")["Name"]
    account.client("cloudformation").delete_stack(StackName="kept")
    assert account.state("kept") == "DELETE_FAILED"
    assert "Cannot delete protected" in account.why_failed("kept")
    rds, is_cluster = account.client("rds"), row.name.endswith("Cluster")
    delete, modify, key = (
        (rds.delete_db_cluster, rds.modify_db_cluster, "DBClusterIdentifier")
        if is_cluster
        else (rds.delete_db_instance, rds.modify_db_instance, "DBInstanceIdentifier")
    )
    with pytest.raises(ClientError, match=r"InvalidParameterCombination.*disable deletion protection and try again"):
        delete(**{key: name}, SkipFinalSnapshot=True)
    modify(**{key: name}, DeletionProtection=False)


def snapshots(account: Account, source: str) -> list[Mapping[str, Any]]:
    rds = account.client("rds")
    clusters = rds.describe_db_cluster_snapshots(DBClusterIdentifier=source)["DBClusterSnapshots"]
    return [*clusters, *rds.describe_db_snapshots(DBInstanceIdentifier=source)["DBSnapshots"]]


@pytest.mark.parametrize("row", [ROWS[0], ROWS[2], ROWS[3]], ids=lambda row: row.id)
def test_the_policy_snapshot_takes_a_snapshot_to_restore(account: Account, row: Row) -> None:
    resources = resources_of(row, row.properties)
    resources["Subject"]["DeletionPolicy"] = "Snapshot"
    assert account.deploy("old", resources, {"Name": {"Ref": "Subject"}}) == "CREATE_COMPLETE"
    name = account.outputs("old")["Name"]
    account.delete("old")
    account.stacks.remove("old")
    (taken,) = snapshots(account, name)
    key, described = (
        ("SnapshotIdentifier", "DBClusterSnapshotIdentifier")
        if row.name.endswith("Cluster")
        else ("DBSnapshotIdentifier", "DBSnapshotIdentifier")
    )
    properties = {name: value for name, value in row.properties.items() if name not in LOGIN}
    restored = resources_of(row, {**properties, key: taken[described]})
    restored["Subject"]["DeletionPolicy"] = "Delete"
    assert account.deploy("new", restored, {"Name": {"Ref": "Subject"}}) == "CREATE_COMPLETE", account.why_failed("new")
    assert row.read(account, account.outputs("new")["Name"])["MasterUsername"] == "jane"


@pytest.mark.parametrize(
    ("policy", "is_kept", "taken"), [("Snapshot", False, 1), ("Retain", True, 0), ("Delete", False, 0)]
)
def test_a_replaced_database_is_kept_or_snapshotted_as_its_policy_says(
    account: Account, policy: str, is_kept: bool, taken: int
) -> None:
    row = ROWS[0]

    def deploy(properties: Properties) -> tuple[str, str]:
        resources = resources_of(row, properties)
        resources["Subject"] |= {"UpdateReplacePolicy": policy, "DeletionPolicy": "Delete"}
        state = account.deploy("replaced", resources, {"Name": {"Ref": "Subject"}})
        return state, account.outputs("replaced")["Name"]

    _, first = deploy(row.properties)
    state, second = deploy({**row.properties, "DatabaseName": "orders"})
    assert (state, second != first) == ("UPDATE_COMPLETE", True), account.why_failed("replaced")
    assert bool(row.read(account, first)) is is_kept
    assert len(snapshots(account, first)) == taken
    if is_kept:
        account.client("rds").delete_db_cluster(DBClusterIdentifier=first, SkipFinalSnapshot=True)


def test_a_final_snapshot_is_taken_or_refused_explicitly(account: Account) -> None:
    row = ROWS[3]
    assert account.deploy("instance", resources_of(row, row.properties), {"Name": {"Ref": "Subject"}}) == (
        "CREATE_COMPLETE"
    )
    name = account.outputs("instance")["Name"]
    rds = account.client("rds")
    with pytest.raises(ClientError, match="FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot"):
        rds.delete_db_instance(DBInstanceIdentifier=name)
    rds.delete_db_instance(DBInstanceIdentifier=name, FinalDBSnapshotIdentifier="final")
    assert [each["DBSnapshotIdentifier"] for each in snapshots(account, name)] == ["final"]


def test_a_cluster_of_documentdb_has_snapshots(account: Account) -> None:
    row = ROWS[2]
    assert account.deploy("source", resources_of(row, row.properties), {"Name": {"Ref": "Subject"}}) == (
        "CREATE_COMPLETE"
    )
    name = account.outputs("source")["Name"]
    docdb = account.client("docdb")
    docdb.create_db_cluster_snapshot(DBClusterIdentifier=name, DBClusterSnapshotIdentifier="before")
    pages = docdb.get_paginator("describe_db_cluster_snapshots").paginate(DBClusterIdentifier=name)
    found = [each["DBClusterSnapshotIdentifier"] for page in pages for each in page["DBClusterSnapshots"]]
    assert found == ["before"]


@pytest.mark.parametrize("service", ["DocDB", "RDS"])
def test_an_instance_is_deleted_with_its_cluster_once_that_is_not_protected(account: Account, service: str) -> None:
    engine = {} if service == "DocDB" else {"Engine": "aurora-mysql"}

    def resources(*, protected: bool) -> dict[str, Any]:
        cluster = {**LOGIN, **engine, "DeletionProtection": protected}
        instance = {**engine, "DBClusterIdentifier": {"Ref": "Cluster"}, "DBInstanceClass": "db.r5.large"}
        return {
            "Cluster": {"Type": f"AWS::{service}::DBCluster", "Properties": cluster, "DeletionPolicy": "Delete"},
            "Member": {"Type": f"AWS::{service}::DBInstance", "Properties": instance, "DeletionPolicy": "Delete"},
        }

    assert account.deploy("both", resources(protected=True)) == "CREATE_COMPLETE"
    assert account.deploy("both", resources(protected=False)) == "UPDATE_COMPLETE"
    account.delete("both")
    account.stacks.remove("both")


def test_a_subnet_group_in_use_is_kept(account: Account) -> None:
    row = ROWS[0]
    groups = others("RDS")
    assert account.deploy("groups", groups, {"Name": {"Ref": "Subnets"}}) == "CREATE_COMPLETE"
    properties = {"Engine": "aurora-mysql", **LOGIN, "DBSubnetGroupName": account.outputs("groups")["Name"]}
    subject = {"Subject": {"Type": row.name, "Properties": properties, "DeletionPolicy": "Delete"}}
    assert account.deploy("database", subject) == "CREATE_COMPLETE"
    account.client("cloudformation").delete_stack(StackName="groups")
    assert account.state("groups") == "DELETE_FAILED"
    assert "is still using it" in account.why_failed("groups")
