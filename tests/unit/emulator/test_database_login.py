"""How the servers of each engine refuse the connections of containers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.local_aws_support import SERVICE_OUTPUT, Account, account, embedded_aws, network, service

__all__ = ["account", "embedded_aws", "network"]

PASSWORD = "a-right-password"
LOGIN = {"MasterUsername": "jane", "MasterUserPassword": PASSWORD}
PORTS = {"postgres": "5432", "mysql": "3306", "aurora-postgresql": "5432", "aurora-mysql": "3306"}


def database(account: Account, engine: str, **more: Any) -> str:
    """The host of a database with the name orders, in a stack."""
    aurora = engine.startswith("aurora")
    kind, name = ("DBCluster", "DatabaseName") if aurora else ("DBInstance", "DBName")
    properties = {"Engine": engine, **LOGIN, name: "orders", **more}
    if not aurora:
        properties |= {"DBInstanceClass": "db.t4g.micro", "AllocatedStorage": "20"}
    subject = {"Type": f"AWS::RDS::{kind}", "Properties": properties, "DeletionPolicy": "Delete"}
    outputs = {"Host": {"Fn::GetAtt": ["Subject", "Endpoint.Address"]}}
    assert account.deploy("database", {"Subject": subject}, outputs) == "CREATE_COMPLETE", account.why_failed(
        "database"
    )
    return account.outputs("database")["Host"]


def start(account: Account, environment: dict[str, str], password: str = PASSWORD) -> tuple[str, str]:
    """The state of the stack of a service with these variables, and what its containers logged."""
    name = f"of {environment['DB_HOST']}"
    secret = account.client("secretsmanager").create_secret(Name=name, SecretString=password)["ARN"]
    resources = service(
        secrets={"DB_PASSWORD": secret}, environment=environment, subnet=account.outputs("network")["Subnet"]
    )
    state = account.deploy("api", resources, SERVICE_OUTPUT)
    events = account.client("logs").filter_log_events(logGroupName="test-logs")["events"]
    return state, "\n".join(each["message"] for each in events)


def variables(host: str, engine: str, **more: str) -> dict[str, str]:
    return {"DB_HOST": host, "DB_PORT": PORTS[engine], "DB_USER": "jane", "DB_NAME": "orders", **more}


@pytest.mark.parametrize("engine", PORTS)
def test_the_right_connection_is_accepted(account: Account, engine: str) -> None:
    state, _ = start(account, variables(database(account, engine), engine))
    assert state == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("engine", "more", "password", "logged"),
    [
        ("postgres", {}, "wrong", 'FATAL:  password authentication failed for user "jane"'),
        ("aurora-mysql", {}, "wrong", "ERROR 1045 (28000): Access denied for user 'jane'@'10."),
        ("postgres", {"DB_SSLMODE": "disable"}, PASSWORD, 'no pg_hba.conf entry for host "10.'),
        ("aurora-postgresql", {"DB_NAME": "other"}, PASSWORD, 'FATAL:  database "other" does not exist'),
        ("mysql", {"DB_NAME": "other"}, PASSWORD, "ERROR 1049 (42000): Unknown database 'other'"),
    ],
)
def test_a_wrong_connection_is_refused_in_the_words_of_the_engine(
    account: Account, engine: str, more: dict[str, str], password: str, logged: str
) -> None:
    state, log = start(account, variables(database(account, engine), engine, **more), password)
    assert state == "ROLLBACK_COMPLETE"
    assert logged in log


def test_a_parameter_group_decides_about_tls(account: Account) -> None:
    group = {"Family": "mysql8.0", "Description": "TLS only", "Parameters": {"require_secure_transport": "1"}}
    resources = {"Group": {"Type": "AWS::RDS::DBParameterGroup", "Properties": group}}
    assert account.deploy("group", resources, {"Name": {"Ref": "Group"}}) == "CREATE_COMPLETE"
    host = database(account, "mysql", DBParameterGroupName=account.outputs("group")["Name"])
    state, log = start(account, variables(host, "mysql", DB_SSL="false"))
    assert state == "ROLLBACK_COMPLETE"
    assert "Connections using insecure transport are prohibited" in log


@pytest.mark.parametrize(
    ("port", "state", "logged"),
    [(5432, "CREATE_COMPLETE", "listening on"), (3306, "ROLLBACK_COMPLETE", "port 5432 failed: Connection timed out")],
)
def test_a_security_group_admits_its_callers_only(account: Account, port: int, state: str, logged: str) -> None:
    vpc = account.outputs("network")["Vpc"]
    callers = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "callers", "VpcId": vpc}}
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    rule |= {"SourceSecurityGroupId": {"Fn::GetAtt": ["Callers", "GroupId"]}}
    own = {"GroupDescription": "database", "VpcId": vpc, "SecurityGroupIngress": [rule]}
    groups = {"Callers": callers, "Own": {"Type": "AWS::EC2::SecurityGroup", "Properties": own}}
    outputs = {name: {"Fn::GetAtt": [name, "GroupId"]} for name in groups}
    assert account.deploy("groups", groups, outputs) == "CREATE_COMPLETE", account.why_failed("groups")
    found = account.outputs("groups")
    host = database(account, "postgres", VPCSecurityGroups=[found["Own"]])
    secret = account.client("secretsmanager").create_secret(Name=f"of {host}", SecretString=PASSWORD)["ARN"]
    subnet = account.outputs("network")["Subnet"]
    resources = service(secrets={"DB_PASSWORD": secret}, environment=variables(host, "postgres"), subnet=subnet)
    configuration = resources["Service"]["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]
    configuration["SecurityGroups"] = [found["Callers"]]
    assert account.deploy("api", resources, SERVICE_OUTPUT) == state, account.why_failed("api")
    events = account.client("logs").filter_log_events(logGroupName="test-logs")["events"]
    assert any(logged in each["message"] for each in events if "api" in each["logStreamName"])
