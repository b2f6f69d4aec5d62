from __future__ import annotations

import pytest
from aws_cdk.assertions import Match, Template

from src.docdb_props import DocdbProps
from src.docdb_stack import DocdbStack
from tests.unit.stacks_support import ENVIRONMENTS, Parts, environment, json_of, of_type, properties, stack


def test_a_database_is_made_from_a_network_and_its_props() -> None:
    template = Template.from_stack(Parts().docdb)
    template.has_resource_properties(
        "AWS::DocDB::DBCluster",
        {
            "MasterUsername": "master",
            "Port": 27017,
            "StorageEncrypted": True,
            "EnableCloudwatchLogsExports": ["profiler"],
        },
    )
    template.has_resource_properties(
        "AWS::DocDB::DBClusterParameterGroup",
        {"Family": "docdb8.0", "Parameters": Match.object_like({"tls": "disabled", "audit_logs": "disabled"})},
    )


@pytest.mark.parametrize("written", ["r6g.large", "db.r6g.large"])
def test_class_and_number_of_instances_are_as_written(written: str) -> None:
    parts = Parts()
    props = DocdbProps(instance_type=written, master_username="master", instances=2)
    template = json_of(DocdbStack(parts.app, "Docdb", parts.network.vpc, props))
    instances = of_type(template, "AWS::DocDB::DBInstance").values()
    assert [instance["Properties"]["DBInstanceClass"] for instance in instances] == ["db.r6g.large"] * 2


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_engine_is_8_and_the_cluster_cannot_be_deleted_by_mistake(name: str) -> None:
    template = stack(name, environment(name).database_stack)
    cluster = properties(template, "AWS::DocDB::DBCluster")
    assert (cluster["EngineVersion"], cluster["DeletionProtection"], cluster["BackupRetentionPeriod"]) == (
        "8.0.0",
        True,
        7,
    )


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_database_outlives_its_stack_with_all_that_it_needs(name: str) -> None:
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


def test_only_who_carries_the_callers_group_is_let_in() -> None:
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
