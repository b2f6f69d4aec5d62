"""The stacks of Aurora and RDS databases, and the services that use them."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from portside.config.deferred_values import DatabaseHost, DatabaseName, DatabasePort, DatabaseSecret, DatabaseUser
from portside.config.environment import Environment
from portside.config.service_props import DATABASE, Call, ServiceProps, ServiceSecret
from portside.images.resolution import Resolution
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.stacks_support import Json, of_type, properties, read_templates, shared_synthesis_with

RELATIONAL = [kind for kind in DATABASE_KINDS.values() if kind.service == "rds"]
CLUSTERS = [kind for kind in RELATIONAL if kind.is_cluster]
INSTANCES = [kind for kind in RELATIONAL if not kind.is_cluster]
STACK = "my-app-dev"


def named(kind: DatabaseKind) -> str:
    return kind.name


def configured(kind: DatabaseKind, **changes: Any) -> Configuration:
    """An app whose only service uses every deferred value of its database."""

    def services(environment: Environment) -> list[ServiceProps]:
        return [
            service(
                public=True,
                container_env_vars={
                    "DB_HOST": DatabaseHost(),
                    "DB_URL": f"x://{DatabaseUser()}@{DatabaseHost()}:{DatabasePort()}/{DatabaseName()}",
                },
                container_secrets=[ServiceSecret(DatabaseSecret("password"), "DB_PASS")],
                calls=[Call(DATABASE, environment.database_port)],
            )
        ]

    return check_configuration(environments(dev={"DATABASE_KIND": kind.name, **changes}), services, app="my-app")


@functools.cache
def templates(kind: DatabaseKind, changes: str = "{}") -> dict[str, Json]:
    configuration = configured(kind, **json.loads(changes))
    return read_templates(shared_synthesis_with(Resolution("1.0.0", {}), configuration, "dev"))


def database(kind: DatabaseKind, **changes: Any) -> Json:
    part = changes.get("DATABASE_STACK", kind.stack)
    return templates(kind, json.dumps(changes))[f"{STACK}-{part}"]


def main(kind: DatabaseKind, **changes: Any) -> Json:
    """The properties of the cluster, or of the instance without one."""
    return properties(database(kind, **changes), kind.resource_type)


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_a_database_is_encrypted_protected_and_backed_up(kind: DatabaseKind) -> None:
    made = main(kind)
    assert (made["Engine"], made["EngineVersion"]) == (kind.engine, kind.engine_version)
    assert (made["StorageEncrypted"], made["DeletionProtection"], made["BackupRetentionPeriod"]) == (True, True, 14)
    assert made["EnableCloudwatchLogsExports"] == list(kind.logs)
    assert str(made["Port"]) == str(kind.port)
    assert made["MasterUsername"] == "master"
    assert "{{resolve:secretsmanager:" in json.dumps(made["MasterUserPassword"])


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_it_is_retained_with_everything_that_it_needs(kind: DatabaseKind) -> None:
    kept = {
        resource["Type"]
        for resource in database(kind)["Resources"].values()
        if resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
    }
    assert kept == {
        "AWS::SecretsManager::Secret",
        "AWS::RDS::DBInstance",
        "AWS::RDS::DBSubnetGroup",
        "AWS::EC2::SecurityGroup",
        kind.resource_type,
        kind.parameter_group_type,
    }


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_no_instance_can_be_reached_from_the_internet(kind: DatabaseKind) -> None:
    for instance in of_type(database(kind), "AWS::RDS::DBInstance").values():
        assert instance["Properties"]["PubliclyAccessible"] is False


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
@pytest.mark.parametrize("tls", [True, False])
def test_tls_is_required_unless_the_configuration_says_otherwise(kind: DatabaseKind, tls: bool) -> None:
    group = properties(database(kind, **({} if tls else {"DATABASE_TLS": False})), kind.parameter_group_type)
    assert group["Parameters"] == {kind.tls.name: kind.tls.on if tls else kind.tls.off}
    assert group["Family"] == kind.family_of(kind.engine_version)


def test_families_are_those_of_aws() -> None:
    assert [kind.family_of(kind.engine_version) for kind in DATABASE_KINDS.values()] == [
        *("docdb8.0", "aurora-postgresql17", "aurora-mysql8.0", "postgres17", "mysql8.4"),
    ]


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_only_the_callers_group_is_allowed(kind: DatabaseKind) -> None:
    [rule] = of_type(database(kind), "AWS::EC2::SecurityGroupIngress").values()
    assert (rule["Properties"]["FromPort"], rule["Properties"]["ToPort"]) == (kind.port, kind.port)
    assert "Callers" in json.dumps(rule["Properties"]["SourceSecurityGroupId"])


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_alarms_are_of_the_databases_own_metrics(kind: DatabaseKind) -> None:
    alarms = [each["Properties"] for each in of_type(database(kind), "AWS::CloudWatch::Alarm").values()]
    dimension = "DBClusterIdentifier" if kind.is_cluster else "DBInstanceIdentifier"
    assert len(alarms) == len(kind.alarms_of(serverless=False))
    for alarm in alarms:
        assert alarm["Namespace"] == "AWS/RDS"
        assert [each["Name"] for each in alarm["Dimensions"]] == [dimension]


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_a_service_gets_host_port_name_user_and_password(kind: DatabaseKind) -> None:
    task = properties(templates(kind)[f"{STACK}-app"], "AWS::ECS::TaskDefinition")
    [container] = [each for each in task["ContainerDefinitions"] if each.get("Environment")]
    variables = {each["Name"]: each["Value"] for each in container["Environment"]}
    assert "EndpointAddress" in json.dumps(variables["DB_HOST"])
    parts = variables["DB_URL"]["Fn::Join"][1]
    assert (parts[0], parts[-1]) == ("x://master@", f":{kind.port}/my_app")
    assert main(kind)["DatabaseName" if kind.is_cluster else "DBName"] == "my_app"
    assert [each["Name"] for each in container["Secrets"]] == ["DB_PASS"]


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_the_dashboard_shows_the_database(kind: DatabaseKind) -> None:
    board = json.dumps(properties(templates(kind)[f"{STACK}-monitoring"], "AWS::CloudWatch::Dashboard"))
    assert ("VolumeBytesUsed" if kind.is_cluster else "FreeStorageSpace") in board


@pytest.mark.parametrize("kind", CLUSTERS, ids=named)
def test_a_cluster_has_as_many_instances_as_configured(kind: DatabaseKind) -> None:
    template = database(kind, DATABASE_INSTANCES=3, DATABASE_INSTANCE_CLASS="r6g.large")
    classes = [each["Properties"]["DBInstanceClass"] for each in of_type(template, "AWS::RDS::DBInstance").values()]
    assert classes == ["db.r6g.large"] * 3


@pytest.mark.parametrize("kind", CLUSTERS, ids=named)
def test_capacity_makes_a_cluster_serverless_without_replacing_it(kind: DatabaseKind) -> None:
    provisioned, serverless = database(kind), database(kind, DATABASE_CAPACITY={"min": 0, "max": 4})
    cluster = properties(serverless, kind.resource_type)
    assert cluster.pop("ServerlessV2ScalingConfiguration") == {"MinCapacity": 0, "MaxCapacity": 4}
    assert cluster == properties(provisioned, kind.resource_type)
    instance = properties(serverless, "AWS::RDS::DBInstance")
    assert instance.pop("DBInstanceClass") == "db.serverless"
    assert instance.items() <= properties(provisioned, "AWS::RDS::DBInstance").items()


@pytest.mark.parametrize("kind", INSTANCES, ids=named)
def test_an_instance_has_its_storage_and_a_standby_if_configured(kind: DatabaseKind) -> None:
    made = main(kind, DATABASE_STORAGE_GIB=50, DATABASE_INSTANCES=2)
    assert (made["AllocatedStorage"], made["StorageType"], made["MultiAZ"]) == ("50", "gp3", True)
    assert main(kind)["MultiAZ"] is False
    assert main(kind)["AllocatedStorage"] == "20"


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
@pytest.mark.parametrize("time", ["latest", "2026-11-20T10:00:00Z"])
def test_a_database_is_restored_to_a_time_with_the_user_and_password_of_its_source(
    kind: DatabaseKind, time: str
) -> None:
    part = f"{kind.stack}-restored"
    databases = {part: {kind.source_key: "my-app-dev-old", "TIME": time}}
    made = main(kind, DATABASES=databases, DATABASE_STACK=part)
    source = "SourceDBClusterIdentifier" if kind.is_cluster else "SourceDBInstanceIdentifier"
    moment = "RestoreToTime" if kind.is_cluster else "RestoreTime"
    assert made[source] == "my-app-dev-old"
    assert made.get(moment) == (None if time == "latest" else time)
    assert made.get("UseLatestRestorableTime") == (True if time == "latest" else None)
    assert not {"MasterUsername", "MasterUserPassword", "DatabaseName", "DBName", "StorageEncrypted"} & set(made)


@pytest.mark.parametrize("kind", RELATIONAL, ids=named)
def test_a_database_is_restored_from_a_snapshot(kind: DatabaseKind) -> None:
    part = f"{kind.stack}-restored"
    made = main(kind, DATABASES={part: {"SNAPSHOT": "before-the-load"}}, DATABASE_STACK=part)
    assert made["SnapshotIdentifier" if kind.is_cluster else "DBSnapshotIdentifier"] == "before-the-load"
    assert "MasterUsername" not in made


def test_documentdb_becomes_serverless_without_a_change_of_anything_else() -> None:
    kind = DATABASE_KINDS["documentdb"]
    provisioned, serverless = database(kind), database(kind, DATABASE_CAPACITY={"min": 0.5, "max": 4})
    cluster, instance = properties(serverless, kind.resource_type), properties(serverless, "AWS::DocDB::DBInstance")
    assert cluster.pop("ServerlessV2ScalingConfiguration") == {"MinCapacity": 0.5, "MaxCapacity": 4}
    assert instance.pop("DBInstanceClass") == "db.serverless"
    assert cluster == properties(provisioned, kind.resource_type)
    assert instance.items() <= properties(provisioned, "AWS::DocDB::DBInstance").items()
    [added] = set(serverless["Resources"]) - set(provisioned["Resources"])
    assert serverless["Resources"][added]["Type"] == "AWS::CloudWatch::Alarm"
