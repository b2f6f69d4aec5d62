"""A database made from a backup, and the passwords that databases take."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.local_aws_support import SERVICE_OUTPUT, Account, account, embedded_aws, network, service

__all__ = ["account", "embedded_aws", "network"]

FIRST = {"MasterUsername": "jane", "MasterUserPassword": "right", "EnableCloudwatchLogsExports": ["audit"]}


def database(account: Account, stack: str, **properties: Any) -> dict[str, Any]:
    """A cluster that a stack has made, as DocumentDB describes it."""
    resources = {"Cluster": {"Type": "AWS::DocDB::DBCluster", "Properties": properties}}
    assert account.deploy(stack, resources, {"Name": {"Ref": "Cluster"}}) == "CREATE_COMPLETE", account.why_failed(
        stack
    )
    name = account.outputs(stack)["Name"]
    found = account.client("docdb").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return dict(found)


def service_of(account: Account, cluster: dict[str, Any], password: str) -> dict[str, Any]:
    """A service that gets a cluster's host and a password."""
    arn = account.client("secretsmanager").create_secret(Name=f"of {cluster['Endpoint']}", SecretString=password)["ARN"]
    return service(
        secrets={"MONGODB_PASS": arn},
        environment={"MONGODB_HOST": cluster["Endpoint"]},
        subnet=account.outputs("network")["Subnet"],
    )


def test_a_restored_cluster_has_the_user_and_password_of_its_source(account: Account) -> None:
    source = database(account, "source", **FIRST)
    restored = database(
        account, "restored", SourceDBClusterIdentifier=source["DBClusterIdentifier"], UseLatestRestorableTime=True
    )
    assert restored["MasterUsername"] == "jane"
    assert restored["Endpoint"] != source["Endpoint"]
    resources = service_of(account, restored, "right")
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE", account.why_failed("api")


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({"SourceDBClusterIdentifier": "gone", "RestoreToTime": "2026-11-20T10:00:00Z"}, "DBCluster gone not found."),
        ({}, "The parameter MasterUsername must be provided"),
    ],
)
def test_a_cluster_is_restored_from_an_existing_one_or_has_a_user(
    account: Account, properties: dict[str, Any], why: str
) -> None:
    resources = {"Cluster": {"Type": "AWS::DocDB::DBCluster", "Properties": properties}}
    assert account.deploy("wrong", resources) == "ROLLBACK_COMPLETE"
    assert why in account.why_failed("wrong")


def test_any_snapshot_exists_and_no_one_knows_its_password(account: Account) -> None:
    cluster = database(account, "copy", SnapshotIdentifier="before-the-load")
    assert account.deploy("api", service_of(account, cluster, "guess"), SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"


def test_a_container_that_starts_with_another_password_ends_as_the_real_one_does(account: Account) -> None:
    cluster = database(account, "source", **FIRST)
    resources = service_of(account, cluster, "wrong")
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "ROLLBACK_COMPLETE"
    events = account.client("logs").filter_log_events(logGroupName="test-logs")["events"]
    assert any("MongoServerError: Authentication failed." in each["message"] for each in events)


def test_a_changed_password_is_used(account: Account) -> None:
    cluster = database(account, "source", **FIRST)
    account.client("docdb").modify_db_cluster(
        DBClusterIdentifier=cluster["DBClusterIdentifier"], MasterUserPassword="changed", ApplyImmediately=True
    )
    resources = service_of(account, cluster, "changed")
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE", account.why_failed("api")
