from __future__ import annotations

import pytest
from aws_cdk.assertions import Match, Template

from portside.config.environment import DatabaseOrigin
from portside.plan.replacement import REPLACED, Values, losses
from portside.stacks.docdb_stack import DocdbStack
from portside.stacks.props import DocdbProps
from tests.unit.stacks_support import ENVIRONMENTS, Json, Parts, environment, json_of, of_type, properties, stack


def test_a_database_is_made_from_a_network_and_its_props() -> None:
    template = Template.from_stack(Parts().docdb)
    template.has_resource_properties(
        "AWS::DocDB::DBCluster",
        {
            "MasterUsername": "master",
            "Port": 27017,
            "StorageEncrypted": True,
            "EnableCloudwatchLogsExports": ["audit", "profiler"],
        },
    )
    template.has_resource_properties(
        "AWS::DocDB::DBClusterParameterGroup",
        {"Family": "docdb8.0", "Parameters": Match.object_like({"audit_logs": "enabled", "profiler": "enabled"})},
    )


@pytest.mark.parametrize("written", ["r6g.large", "db.r6g.large"])
def test_class_and_number_of_instances_are_as_written(written: str) -> None:
    parts = Parts()
    props = DocdbProps(instance_type=written, master_username="master", instances=2, hardened=True)
    template = json_of(DocdbStack(parts.app, "Docdb", parts.network.vpc, props))
    instances = of_type(template, "AWS::DocDB::DBInstance").values()
    assert [instance["Properties"]["DBInstanceClass"] for instance in instances] == ["db.r6g.large"] * 2


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_engine_is_8_and_the_cluster_cannot_be_deleted_by_mistake(name: str) -> None:
    cluster = properties(stack(name, environment(name).database_stack), "AWS::DocDB::DBCluster")
    assert (cluster["EngineVersion"], cluster["DeletionProtection"]) == ("8.0.0", True)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_data_is_encrypted_and_can_be_restored_for_two_weeks(name: str) -> None:
    cluster = properties(stack(name, environment(name).database_stack), "AWS::DocDB::DBCluster")
    assert (cluster["StorageEncrypted"], cluster["BackupRetentionPeriod"]) == (True, 14)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_database_outlives_its_stack_with_everything_that_it_needs(name: str) -> None:
    template = stack(name, environment(name).database_stack)
    kept = {
        resource["Type"]
        for resource in template["Resources"].values()
        if resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
    }
    assert kept == {
        "AWS::SecretsManager::Secret",
        "AWS::DocDB::DBCluster",
        "AWS::DocDB::DBInstance",
        "AWS::DocDB::DBClusterParameterGroup",
        "AWS::DocDB::DBSubnetGroup",
        "AWS::EC2::SecurityGroup",
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_generated_password_is_described_exactly_as_it_was_when_it_was_made(name: str) -> None:
    secret = properties(stack(name, environment(name).database_stack), "AWS::SecretsManager::Secret")
    assert secret.keys() == {"GenerateSecretString", "Tags"}
    assert secret["GenerateSecretString"] == {"ExcludePunctuation": True, "PasswordLength": 32}


def test_only_who_carries_the_callers_group_is_accepted() -> None:
    template = stack("dev", "docdb-v8")
    [rule] = [rule["Properties"] for rule in of_type(template, "AWS::EC2::SecurityGroupIngress").values()]
    [callers] = [key for key in of_type(template, "AWS::EC2::SecurityGroup") if key.startswith("Callers")]
    assert (rule["FromPort"], rule["ToPort"]) == (27017, 27017)
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [callers, "GroupId"]}
    assert all(
        "SecurityGroupIngress" not in group["Properties"]
        for group in of_type(template, "AWS::EC2::SecurityGroup").values()
    )


def test_the_props_need_no_cdk_type() -> None:
    assert DocdbProps(instance_type="r5.large", master_username="master").port == 27017


def restored(origin: DatabaseOrigin | None) -> Json:
    """The template of a database that is made from a backup, or of one under its name that is not."""
    parts = Parts()
    props = DocdbProps(instance_type="r5.large", master_username="master", restored_from=origin, hardened=True)
    return json_of(DocdbStack(parts.app, "Restored", parts.network.vpc, props))


def test_a_database_is_restored_to_a_moment_with_the_user_of_its_source() -> None:
    template = restored(DatabaseOrigin(cluster="old", time="2026-11-20T10:00:00Z"))
    cluster = properties(template, "AWS::DocDB::DBCluster")
    assert cluster["SourceDBClusterIdentifier"] == "old"
    assert cluster["RestoreToTime"] == "2026-11-20T10:00:00Z"
    assert not cluster.keys() & {
        "MasterUsername",
        "MasterUserPassword",
        "SnapshotIdentifier",
        "UseLatestRestorableTime",
    }
    assert of_type(template, "AWS::SecretsManager::Secret")


def test_or_to_the_last_moment_that_can_be_had() -> None:
    cluster = properties(restored(DatabaseOrigin(cluster="old", time="latest")), "AWS::DocDB::DBCluster")
    assert cluster["UseLatestRestorableTime"] is True
    assert "RestoreToTime" not in cluster


def test_or_made_from_a_snapshot() -> None:
    cluster = properties(restored(DatabaseOrigin(snapshot="before-the-load")), "AWS::DocDB::DBCluster")
    assert cluster["SnapshotIdentifier"] == "before-the-load"
    assert not cluster.keys() & {"MasterUsername", "SourceDBClusterIdentifier", "RestoreToTime"}


def test_a_restored_database_is_hardened_and_kept_like_any_other() -> None:
    template = restored(DatabaseOrigin(cluster="old", time="latest"))
    [cluster] = of_type(template, "AWS::DocDB::DBCluster").values()
    assert cluster["DeletionPolicy"] == cluster["UpdateReplacePolicy"] == "Retain"
    assert cluster["Properties"]["DeletionProtection"] is cluster["Properties"]["StorageEncrypted"] is True
    assert cluster["Properties"]["BackupRetentionPeriod"] == 14
    assert cluster["Properties"]["DBClusterParameterGroupName"]


def test_a_database_that_began_empty_has_no_source() -> None:
    cluster = properties(stack("dev", "docdb-v8"), "AWS::DocDB::DBCluster")
    sources = {"SnapshotIdentifier", "SourceDBClusterIdentifier", "RestoreToTime", "UseLatestRestorableTime"}
    assert not cluster.keys() & sources


@pytest.mark.parametrize("later", [None, DatabaseOrigin(cluster="another", time="latest")])
def test_an_origin_that_goes_or_changes_would_replace_the_cluster_which_a_deployment_refuses(
    later: DatabaseOrigin | None,
) -> None:
    before = restored(DatabaseOrigin(cluster="old", time="latest"))
    found = losses(before["Resources"], restored(later)["Resources"], Values())
    [cluster] = [each for each in found if each.kind == "AWS::DocDB::DBCluster"]
    assert (cluster.what, cluster.is_stateful, cluster.is_kept) == (REPLACED, True, True)


def test_a_moment_that_changes_afterwards_harms_nothing() -> None:
    before, after = (restored(DatabaseOrigin(cluster="old", time=each)) for each in ("2026-11-20T10:00:00Z", "latest"))
    assert losses(before["Resources"], after["Resources"], Values()) == []


def test_the_callers_of_another_database_may_look_in() -> None:
    parts = Parts()
    props = DocdbProps(instance_type="r5.large", master_username="master", hardened=True)
    other = DocdbStack(parts.app, "Beside", parts.network.vpc, props, visitors=parts.docdb.callers)
    rules = [rule["Properties"] for rule in of_type(json_of(other), "AWS::EC2::SecurityGroupIngress").values()]
    assert sorted(rule["Description"] for rule in rules) == [
        "From the callers of another database",
        "From the callers of the database",
    ]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(27017, 27017)}
