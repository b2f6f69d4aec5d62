"""Everyday reads answer as on AWS: tasks, logs, commands, addresses, certificates."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from portside.emulator.client import control
from portside.emulator.fargate.stub import TOKEN_HEADER
from portside.emulator.patches.log_filter import matcher
from tests.unit.local_aws_support import (
    IMAGE,
    REGION,
    SERVICE_OUTPUT,
    Account,
    account,
    embedded_aws,
    network,
    service,
    until,
)

__all__ = ["account", "embedded_aws", "network"]

LOADER = "ghcr.io/sage-bionetworks/agora-data:1.0.0"


def _error_of(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


def _running(account: Account) -> dict[str, Any]:
    (task,) = account.tasks(account.service("api")["serviceName"])
    return task


def test_a_running_task_tells_its_times_its_health_and_its_agent(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    task = _running(account)
    assert task["createdAt"] <= task["pullStartedAt"] <= task["pullStoppedAt"] <= task["startedAt"]
    assert task["healthStatus"] == "HEALTHY"
    (agent,) = task["containers"][0]["managedAgents"]
    assert (agent["name"], agent["lastStatus"]) == ("ExecuteCommandAgent", "RUNNING")


def test_a_stopped_task_tells_when_and_why(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    task = _running(account)
    account.client("ecs").stop_task(cluster="test", task=task["taskArn"])
    (stopped,) = account.client("ecs").describe_tasks(cluster="test", tasks=[task["taskArn"]])["tasks"]
    assert (stopped["lastStatus"], stopped["stopCode"]) == ("STOPPED", "UserInitiated")
    assert stopped["startedAt"] <= stopped["stoppedAt"]


def _execute(account: Account, **arguments: Any) -> Any:
    task = _running(account)["taskArn"]
    command = {"cluster": "test", "task": task, "command": "/bin/sh", "interactive": True}
    return account.client("ecs").execute_command(**(command | arguments))


def test_a_command_gets_a_session(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    answer = _execute(account, container="agora-api")
    assert answer["session"].keys() == {"sessionId", "streamUrl", "tokenValue"}
    assert answer["containerName"] == "agora-api"


def test_a_command_is_refused_where_exec_is_off(account: Account) -> None:
    resources = service()
    resources["Service"]["Properties"]["EnableExecuteCommand"] = False
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    code, message = _error_of(_execute, account=account)
    assert code == "InvalidParameterException"
    assert "execute command was not enabled when the task was run" in message
    assert "managedAgents" not in _running(account)["containers"][0]


def test_a_command_is_refused_without_its_agent_or_its_container(account: Account) -> None:
    control.set_fault(account.number, "agora-api", "no-exec-agent", aws=account.aws)
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    (agent,) = _running(account)["containers"][0]["managedAgents"]
    assert agent["lastStatus"] == "STOPPED"
    assert agent["reason"].startswith("CannotStartManagedAgentError")
    assert _error_of(_execute, account=account) == (
        "TargetNotConnectedException",
        "The execute command failed due to an internal error. Try again later.",
    )
    assert _error_of(_execute, account=account, container="other")[0] == "InvalidParameterException"


def test_a_session_starts_where_an_agent_answers(account: Account) -> None:
    assert account.deploy("api", service(), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    task = _running(account)
    target = f"ecs:test_{task['taskArn'].rsplit('/', 1)[-1]}_{task['containers'][0]['runtimeId']}"
    ssm = account.client("ssm")
    assert ssm.start_session(Target=target)["SessionId"].startswith("session-")
    for other in (f"{target}0", "ecs:test_nobody_1", "i-0123456789abcdef0"):
        assert _error_of(ssm.start_session, Target=other) == ("TargetNotConnected", f"{other} is not connected.")


def _loader(account: Account) -> str:
    control.put_image(LOADER, source="published", aws=account.aws)
    container = {
        "name": "agora-data",
        "image": LOADER,
        "essential": True,
        "environment": [{"name": "DB_HOST", "value": "docdb.example"}],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "test-logs", "awslogs-stream-prefix": "load", "awslogs-region": REGION},
        },
    }
    registered = account.client("ecs").register_task_definition(
        family="agora-data",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="2048",
        executionRoleArn=f"arn:aws:iam::{account.number}:role/test-execution",
        containerDefinitions=[container],
    )
    return str(registered["taskDefinition"]["taskDefinitionArn"])


def _run(account: Account, definition: str, **changes: Any) -> Any:
    subnet = account.outputs("network")["Subnet"]
    network = {"awsvpcConfiguration": {"subnets": [subnet], "assignPublicIp": "DISABLED"}}
    given = {"cluster": "test", "taskDefinition": definition, "launchType": "FARGATE", "networkConfiguration": network}
    return account.client("ecs").run_task(**{name: value for name, value in (given | changes).items() if value})


def _ended(account: Account, task: str) -> dict[str, Any]:
    ecs = account.client("ecs")
    found: dict[str, Any] = until(
        lambda: ecs.describe_tasks(cluster="test", tasks=[task])["tasks"][0],
        lambda found: found["lastStatus"] == "STOPPED",
    )
    return found


def _lines(account: Account, task: str) -> list[str]:
    stream = f"load/agora-data/{task.rsplit('/', 1)[-1]}"
    events = account.client("logs").get_log_events(logGroupName="test-logs", logStreamName=stream)["events"]
    return [each["message"] for each in events]


def test_a_one_off_task_logs_its_progress_and_ends_with_0(account: Account) -> None:
    overrides = {"containerOverrides": [{"name": "agora-data", "environment": [{"name": "V", "value": "7"}]}]}
    task = _run(account, _loader(account), overrides=overrides)["tasks"][0]["taskArn"]
    ended = _ended(account, task)
    assert (ended["stopCode"], ended["containers"][0]["exitCode"]) == ("EssentialContainerExited", 0)
    assert ended["overrides"]["containerOverrides"][0]["environment"] == [{"name": "V", "value": "7"}]
    subnet = next(each["value"] for each in ended["attachments"][0]["details"] if each["name"] == "subnetId")
    assert subnet == account.outputs("network")["Subnet"]
    assert sum("of 5 done" in line for line in _lines(account, task)) == 5


@pytest.mark.parametrize(
    ("fault", "exit_code", "logged"),
    [
        ("crash-after-start", 1, "TypeError: Cannot read properties"),
        ("database-unreachable", 1, "MongoServerSelectionError: connect ETIMEDOUT docdb.example:27017"),
        ("out-of-memory", 137, "step 2 of 5 done"),
        ("crash-at-start", 1, "required setting is missing"),
    ],
)
def test_a_one_off_task_fails_by_its_fault(account: Account, fault: str, exit_code: int, logged: str) -> None:
    control.set_fault(account.number, "agora-data", fault, aws=account.aws)
    task = _run(account, _loader(account))["tasks"][0]["taskArn"]
    assert _ended(account, task)["containers"][0]["exitCode"] == exit_code
    assert logged in "\n".join(_lines(account, task))
    assert not any("all steps done" in line for line in _lines(account, task))


def test_a_one_off_task_needs_a_cluster_a_network_and_a_place(account: Account) -> None:
    definition = _loader(account)
    assert _error_of(_run, account=account, definition=definition, cluster="none")[0] == "ClusterNotFoundException"
    code, message = _error_of(_run, account=account, definition=definition, networkConfiguration=None)
    assert (code, "networkMode 'awsvpc'" in message) == ("InvalidParameterException", True)
    control.set_fault(account.number, "agora-data", "no-capacity", times=1, aws=account.aws)
    answer = _run(account, definition)
    assert answer["tasks"] == []
    assert answer["failures"][0]["reason"].startswith("Capacity is unavailable at this time.")
    assert _run(account, definition)["failures"] == []


def _put(account: Account, stream: str, messages: list[str], at: int) -> None:
    logs = account.client("logs")
    logs.create_log_stream(logGroupName="test-logs", logStreamName=stream)
    events = [{"timestamp": at + number, "message": text} for number, text in enumerate(messages)]
    logs.put_log_events(logGroupName="test-logs", logStreamName=stream, logEvents=events)


def test_log_events_come_in_pages_merged_by_time(account: Account) -> None:
    at = int(time.time() * 1000) - 60_000
    _put(account, "paged/a", ["a0", "a1", "a2"], at)
    _put(account, "paged/b", ["b0", "b1", "b2"], at)
    _put(account, "unpaged/c", ["c0", "c1", "c2"], at)
    asked = {"logGroupName": "test-logs", "logStreamNamePrefix": "paged/", "startTime": at + 1}
    paginator = account.client("logs").get_paginator("filter_log_events")
    pages = list(paginator.paginate(**asked, PaginationConfig={"PageSize": 3}))
    found = [[each["message"] for each in page["events"]] for page in pages]
    assert [len(page) for page in found] == [3, 1]
    assert sorted(found[0] + found[1]) == ["a1", "a2", "b1", "b2"]
    assert found[1][0] in ("a2", "b2")
    ids = {each["eventId"] for page in pages for each in page["events"]}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("", ["Error: no", "error: yes", "all well"]),
        ("Error", ["Error: no"]),
        ('"all well"', ["all well"]),
        ("?Error ?well", ["Error: no", "all well"]),
        ("-Error", ["error: yes", "all well"]),
        ("rror no", ["Error: no"]),
    ],
)
def test_a_pattern_of_terms_matches_as_cloudwatch_does(pattern: str, matching: list[str]) -> None:
    matches = matcher(pattern)
    assert [each for each in ("Error: no", "error: yes", "all well") if matches(each)] == matching


def test_a_stub_logs_each_request_but_no_health_check(account: Account) -> None:
    import urllib.request

    targets = account.outputs("network")["Targets"]
    resources = service(behind=targets, subnet=account.outputs("network")["Subnet"])
    assert account.deploy("api", resources, SERVICE_OUTPUT) == "CREATE_COMPLETE"
    (stub,) = control.tasks(account.number, aws=account.aws)
    headers = {TOKEN_HEADER: stub["token"]}
    asked = urllib.request.Request(f"{stub['url']}/v1/genes?page=2", headers=headers)
    urllib.request.urlopen(asked, timeout=5).close()
    stream = f"agora-api/agora-api/{stub['task_arn'].rsplit('/', 1)[-1]}"
    events = account.client("logs").get_log_events(logGroupName="test-logs", logStreamName=stream)["events"]
    lines = [each["message"] for each in events]
    assert lines[0] == f"stub for {IMAGE}:1.0.0: starting"
    assert [each.rsplit(" ", 1)[0] for each in lines if each.startswith("GET ")] == ["GET /v1/genes 200"]


def _free(account: Account) -> int:
    subnet = account.outputs("network")["Subnet"]
    found = account.client("ec2").describe_subnets(SubnetIds=[subnet])["Subnets"][0]
    return int(found["AvailableIpAddressCount"])


def test_free_addresses_are_those_that_nothing_has(account: Account) -> None:
    before = _free(account)
    assert before == 64 - 5 - 1, "the load balancer has one"
    subnet = account.outputs("network")["Subnet"]
    assert account.deploy("api", service(desired=2, subnet=subnet), SERVICE_OUTPUT) == "CREATE_COMPLETE"
    assert _free(account) == before - 2
    control.set_fault(account.number, "agora-api", "no-address", aws=account.aws)
    changed = service(desired=2, subnet=subnet, image=f"{IMAGE}:1.0.1")
    assert account.deploy("api", changed, SERVICE_OUTPUT) == "UPDATE_ROLLBACK_COMPLETE"
    assert _free(account) == 0
    control.clear_faults(aws=account.aws)
    assert _free(account) == before - 2


def test_a_certificate_has_its_names_its_expiry_and_its_users(account: Account) -> None:
    arn = f"arn:aws:acm:{REGION}:{account.number}:certificate/33333333-2222-3333-4444-555555555555"
    control.put_certificate(arn, domain="agora.example.org", aws=account.aws)
    acm, elb = account.client("acm"), account.client("elbv2")
    found = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    assert (found["Status"], found["SubjectAlternativeNames"]) == ("ISSUED", ["agora.example.org"])
    assert found["NotAfter"].timestamp() > time.time()
    assert found["InUseBy"] == []
    balancer = account.outputs("network")["Balancer"]
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Port=443,
        Protocol="HTTPS",
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": account.outputs("network")["Targets"]}],
    )["Listeners"][0]["ListenerArn"]
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["InUseBy"] == [balancer]
    elb.delete_listener(ListenerArn=listener)


def test_a_secret_that_will_be_deleted_is_reported(account: Account) -> None:
    secrets = account.client("secretsmanager")
    secrets.create_secret(Name="going", SecretString="x")
    assert "DeletedDate" not in secrets.describe_secret(SecretId="going")
    secrets.delete_secret(SecretId="going", RecoveryWindowInDays=7)
    assert "DeletedDate" in secrets.describe_secret(SecretId="going")


def test_a_simulation_of_a_role_s_rights_adds_the_policies_that_it_is_given(account: Account) -> None:
    iam = account.client("iam")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    action = "secretsmanager:GetSecretValue"
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    grant = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def decided(*added: str) -> str:
        found = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], PolicyInputList=list(added))
        return str(found["EvaluationResults"][0]["EvalDecision"])

    assert [decided(), decided(grant), decided()] == ["implicitDeny", "allowed", "implicitDeny"]
