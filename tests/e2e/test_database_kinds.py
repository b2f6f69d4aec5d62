"""Databases of each kind in a rehearsal: created with a service that calls them, changed, restored, and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from tests.e2e.aws import Clients, clients
from tests.e2e.clone import Answer, Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

APP = """
if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.late_values import DatabaseHost, DatabaseName, DatabasePort, DatabaseSecret, DatabaseUser
from src.service_props import DATABASE, Call, ServiceProps, ServiceSecret

APP = "shop"
ENVIRONMENTS = {"dev": {"ACCOUNT": "111122223333", "VPC_CIDR": "10.20.0.0/24", SETTINGS}}


def services(environment: Environment) -> list[ServiceProps]:
    return [
        ServiceProps(
            container_name="web",
            container_port=80,
            container_memory_reservation=256,
            container_location="nginx:latest",
            container_env_vars={
                "DB_HOST": DatabaseHost(),
                "DB_PORT": DatabasePort(),
                "DB_NAME": DatabaseName(),
                "DB_USER": DatabaseUser(),
            },
            container_secrets=[ServiceSecret(DatabaseSecret("password"), "DB_PASS")],
            calls=[Call(DATABASE, environment.database_port)],
            public=True,
        )
    ]
"""


def settings_of(kind: DatabaseKind, **more: Any) -> str:
    settings = {"DATABASE_KIND": kind.name, **more}
    return ", ".join(f"{json.dumps(key)}: {value!r}" for key, value in settings.items())


def configure(clone: Clone, kind: DatabaseKind, **more: Any) -> None:
    (clone.folder / "app.py").write_text(APP.replace("SETTINGS", settings_of(kind, **more)))


def run(clone: Clone, *arguments: str) -> Answer:
    answer = clone.agora(*arguments)
    assert answer.exit_code == 0, answer.stderr
    return answer


def deploy(clone: Clone) -> None:
    run(clone, "deploy", "dev", "--local", "--json")


def database_of(of: Clients, kind: DatabaseKind, part: str) -> dict[str, Any]:
    """The database of a stack as AWS describes it."""
    resources = of("cloudformation").describe_stack_resources(StackName=f"shop-dev-{part}")["StackResources"]
    [name] = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind.resource_type]
    if kind.is_cluster:
        return dict(of(kind.service).describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])
    return dict(of(kind.service).describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0])


def stacks(of: Clients) -> set[str]:
    """The stacks of the environment that are deployed."""
    names = {each["StackName"] for each in of("cloudformation").describe_stacks()["Stacks"]}
    return {name for name in names if name.startswith("shop-dev-")}


def identifier(kind: DatabaseKind, database: dict[str, Any]) -> str:
    return str(database["DBClusterIdentifier" if kind.is_cluster else "DBInstanceIdentifier"])


def host_of(kind: DatabaseKind, database: dict[str, Any]) -> str:
    return str(database["Endpoint"] if kind.is_cluster else database["Endpoint"]["Address"])


def hosts_of_tasks(of: Clients) -> set[str]:
    """The hosts of databases that running tasks were started with."""
    ecs = of("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    found = set()
    for arn in {each["taskDefinitionArn"] for each in tasks if each["lastStatus"] == "RUNNING"}:
        for container in ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]:
            found |= {each["value"] for each in container.get("environment", ()) if each["name"] == "DB_HOST"}
    return found


def set_password(of: Clients, kind: DatabaseKind, part: str) -> None:
    """Give the database of a stack the password that the stack's secret has."""
    name = identifier(kind, database_of(of, kind, part))
    resources = of("cloudformation").describe_stack_resources(StackName=f"shop-dev-{part}")["StackResources"]
    secret = next(each for each in resources if each["ResourceType"] == "AWS::SecretsManager::Secret")
    value = of("secretsmanager").get_secret_value(SecretId=secret["PhysicalResourceId"])["SecretString"]
    options = {"MasterUserPassword": value, "ApplyImmediately": True}
    if kind.is_cluster:
        of(kind.service).modify_db_cluster(DBClusterIdentifier=name, **options)
    else:
        of(kind.service).modify_db_instance(DBInstanceIdentifier=name, **options)


CHANGES: dict[str, dict[str, Any]] = {
    "documentdb": {"DATABASE_INSTANCES": 2},
    "aurora-postgresql": {"DATABASE_CAPACITY": {"min": 0.5, "max": 2}},
    "aurora-mysql": {"DATABASE_INSTANCES": 2},
    "postgresql": {"DATABASE_STORAGE_GIB": 30},
    "mysql": {"DATABASE_INSTANCE_CLASS": "t4g.small"},
}


@pytest.mark.parametrize("kind", DATABASE_KINDS.values(), ids=lambda kind: kind.name)
def test_a_database_is_created_changed_restored_and_removed(new_clone: Callable[[], Clone], kind: DatabaseKind) -> None:
    clone = new_clone()
    configure(clone, kind)
    deploy(clone)
    of = clients(clone.exports("dev"))
    first = database_of(of, kind, kind.stack)
    assert hosts_of_tasks(of) == {host_of(kind, first)}
    assert first["DeletionProtection"] is True
    tunnel = run(clone, "tunnel", "dev", "--local", "--dry-run", "--json").json()
    assert (tunnel["host"], tunnel["port"], tunnel["user"]) == (host_of(kind, first), kind.port, "master")

    restored = f"{kind.stack}-restored"
    databases = {restored: {kind.source_key: identifier(kind, first), "TIME": "latest"}}
    configure(clone, kind, **CHANGES[kind.name], DATABASES=databases)
    deploy(clone)
    assert identifier(kind, database_of(of, kind, kind.stack)) == identifier(kind, first)
    assert database_of(of, kind, restored)["MasterUsername"] == "master"
    assert hosts_of_tasks(of) == {host_of(kind, first)}

    set_password(of, kind, restored)
    configure(clone, kind, **CHANGES[kind.name], DATABASES=databases, DATABASE_STACK=restored)
    deploy(clone)
    assert hosts_of_tasks(of) == {host_of(kind, database_of(of, kind, restored))}

    configure(clone, kind, **CHANGES[kind.name], DATABASES=databases)
    deploy(clone)
    assert hosts_of_tasks(of) == {host_of(kind, first)}
    run(clone, "destroy", "dev", "--local", "--with-data", "--yes")
    assert stacks(of) == set()


def test_a_running_cluster_of_documentdb_goes_serverless_and_back_in_place(new_clone: Callable[[], Clone]) -> None:
    clone, kind = new_clone(), DATABASE_KINDS["documentdb"]
    configure(clone, kind)
    deploy(clone)
    of = clients(clone.exports("dev"))
    first = database_of(of, kind, kind.stack)

    def classes() -> set[str]:
        return {each["DBInstanceClass"] for each in of("docdb").describe_db_instances()["DBInstances"]}

    assert classes() == {"db.r5.large"}
    configure(clone, kind, DATABASE_CAPACITY={"min": 0.5, "max": 4})
    deploy(clone)
    serverless = database_of(of, kind, kind.stack)
    assert classes() == {"db.serverless"}
    assert serverless["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4.0}
    for key in ("DBClusterIdentifier", "Endpoint", "MasterUsername", "DbClusterResourceId"):
        assert serverless[key] == first[key], key
    configure(clone, kind)
    deploy(clone)
    assert classes() == {"db.r5.large"}
    assert database_of(of, kind, kind.stack)["DbClusterResourceId"] == first["DbClusterResourceId"]


def test_an_environment_whose_database_is_not_configured_any_more_keeps_it(new_clone: Callable[[], Clone]) -> None:
    clone, kind = new_clone(), DATABASE_KINDS["postgresql"]
    configure(clone, kind)
    deploy(clone)
    of = clients(clone.exports("dev"))
    first = database_of(of, kind, kind.stack)
    text = APP.replace("SETTINGS", "").partition("            container_env_vars")
    rest = text[2].partition("            public=True")
    (clone.folder / "app.py").write_text(text[0] + "".join(rest[1:]))
    deploy(clone)
    assert identifier(kind, database_of(of, kind, kind.stack)) == identifier(kind, first)
    destroyed = run(clone, "destroy", "dev", "--local", "--yes")
    assert stacks(of) == {"shop-dev-postgresql", "shop-dev-network"}, destroyed.stdout
