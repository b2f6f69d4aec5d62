"""Another database next to the first, services that move to it and back, and a password that changes."""

from __future__ import annotations

from typing import Any

import pytest

from portside.findings.codes import outer
from tests.e2e.aws import Clients, clients, revisions
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EDGE = '"GHCR_PACKAGE_VERSION": "edge",'
OURS, RESTORED = "agora-dev-docdb-v8", "agora-dev-docdb-v8-restored"
MOVED = '"DATABASE_STACK": "docdb-v8-restored",'


def of_stack(of: Clients, stack: str, kind: str) -> str:
    """The id of a stack's only resource of a kind."""
    resources = of("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    [found] = [each["PhysicalResourceId"] for each in resources if each["ResourceType"] == kind]
    return str(found)


def cluster_of(of: Clients, stack: str) -> dict[str, Any]:
    name = of_stack(of, stack, "AWS::DocDB::DBCluster")
    return dict(of("docdb").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0])


def secret_of(of: Clients, stack: str) -> str:
    return of_stack(of, stack, "AWS::SecretsManager::Secret")


def given_to_tasks(of: Clients) -> set[tuple[str, str]]:
    """The hosts and the secrets of databases that running tasks were started with."""
    ecs = of("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=ecs.list_tasks(cluster=cluster)["taskArns"])["tasks"]
    reported = set()
    for arn in {each["taskDefinitionArn"] for each in tasks if each["lastStatus"] == "RUNNING"}:
        [container] = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]["containerDefinitions"]
        hosts = [each["value"] for each in container["environment"] if "MONGODB_HOST" in each["name"]]
        secrets = [each["valueFrom"] for each in container.get("secrets", []) if "MONGODB" in each["name"]]
        reported |= set(zip(hosts, secrets, strict=True))
    return reported


def deploy(clone: Clone) -> dict[str, Any]:
    answer = clone.agora("deploy", "dev", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    return dict(answer.json())


def change_password(of: Clients, stack: str) -> None:
    """Give the cluster the password that its stack's secret has."""
    value = of("secretsmanager").get_secret_value(SecretId=secret_of(of, stack))["SecretString"]
    name = of_stack(of, stack, "AWS::DocDB::DBCluster")
    of("docdb").modify_db_cluster(DBClusterIdentifier=name, MasterUserPassword=value, ApplyImmediately=True)


def test_a_database_is_restored_next_to_the_first_and_services_move_to_it_and_back(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    ours, running = cluster_of(of, OURS), revisions(of)
    databases = f'{{"docdb-v8-restored": {{"CLUSTER": "{ours["DBClusterIdentifier"]}", "TIME": "latest"}}}}'
    neighbours = f'{EDGE}\n        "DATABASES": {databases},'
    deployed.edit_configuration(EDGE, neighbours)
    deploy(deployed)
    restored = cluster_of(of, RESTORED)
    assert restored["MasterUsername"] == ours["MasterUsername"]
    assert revisions(of) == running
    assert given_to_tasks(of) == {(ours["Endpoint"], secret_of(of, OURS))}

    deployed.edit_configuration(neighbours, f"{neighbours}\n        {MOVED}")
    too_early = deployed.agora("deploy", "dev", "--local", "--json")
    assert too_early.exit_code == 1
    verdicts = [
        *too_early.json()["failure"]["verdicts"],
        *deployed.agora("diagnose", "dev", "--local", "--json").json()["verdicts"],
    ]
    assert {(each["service"], outer(each["cause"])) for each in verdicts} == {
        ("agora-api", "DATABASE_REFUSED"),
        ("agora-api-next", "DATABASE_REFUSED"),
        # The database that they move from is no longer in app.py.
        ("", "NOT_CONFIGURED"),
    }
    assert given_to_tasks(of) == {(ours["Endpoint"], secret_of(of, OURS))}, "what ran before serves on"

    change_password(of, RESTORED)
    deploy(deployed)
    assert given_to_tasks(of) == {(restored["Endpoint"], secret_of(of, RESTORED))}
    assert cluster_of(of, OURS)["Endpoint"] == ours["Endpoint"]

    deployed.edit_configuration(f"{neighbours}\n        {MOVED}", neighbours)
    deploy(deployed)
    assert given_to_tasks(of) == {(ours["Endpoint"], secret_of(of, OURS))}
    assert cluster_of(of, RESTORED)["Endpoint"] == restored["Endpoint"]


def test_a_password_is_changed_and_no_deployment_changes_it_back(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    secret = secret_of(of, OURS)
    of("secretsmanager").put_secret_value(SecretId=secret, SecretString="another0password")
    answer = deployed.agora("redeploy", "dev", "api", "--local")
    assert answer.exit_code == 1
    assert "Authentication failed" in answer.stdout + answer.stderr

    change_password(of, OURS)
    answer = deployed.agora("redeploy", "dev", "api", "api-next", "--local")
    assert answer.exit_code == 0, answer.stderr

    # A change of the cluster, at which CloudFormation reads the password again.
    deployed.edit_configuration('"Environment": "dev"', '"Environment": "dev", "Rotated": "yes"')
    deploy(deployed)
    assert of("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == "another0password"
    answer = deployed.agora("redeploy", "dev", "api", "api-next", "--local")
    assert answer.exit_code == 0, answer.stderr
