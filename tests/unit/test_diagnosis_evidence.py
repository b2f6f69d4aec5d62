"""What is collected, what is left out, and what is said to be unknown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest

from portside.aws.reader import Snapshot, collect, parse_snapshot, with_earlier
from portside.config.stacks import stacks_of
from portside.findings.diagnose import diagnose
from portside.findings.verdict import judge
from src.errors import UsageError
from src.form import load_form
from tests.unit.operations_support import (
    FakeCloudFormation,
    FakePaginator,
    FakeParameters,
    client_error,
    minutes_after_noon,
    target,
)

CLUSTER = "agora-dev-ecs-Cluster"
NAMES = ("api", "api-next", "api-docs", "app", "apex")
CRASHED = "task/app-crashed"
SECRET_LINE = f"connecting to mongodb://master:{'hunter2'}@10.0.0.9:27017"


def _service_name(part: str) -> str:
    return f"agora-dev-{part}-ServiceD69D759B-x"


def _arn(part: str) -> str:
    return f"arn:aws:ecs:us-east-1:607346494281:service/{CLUSTER}/{_service_name(part)}"


def _stacks() -> dict[str, dict[str, Any]]:
    stacks: dict[str, dict[str, Any]] = {
        f"agora-dev-{part}": {
            "resources": [{"ResourceType": "AWS::ECS::Service", "PhysicalResourceId": _arn(part)}],
            "events": [_event(f"agora-dev-{part}", "AWS::CloudFormation::Stack", "CREATE_IN_PROGRESS", 0)],
        }
        for part in NAMES
    }
    cluster = [{"ResourceType": "AWS::ECS::Cluster", "PhysicalResourceId": CLUSTER}]
    for part in ("network", "docdb-v8", "load-balancer"):
        stacks[f"agora-dev-{part}"] = {"events": []}
    stacks["agora-dev-ecs"] = {"resources": cluster, "events": []}
    return stacks


def _event(logical_id: str, kind: str, status: str, minutes: float, reason: str = "") -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": minutes_after_noon(minutes),
    }


def _task(arn: str, part: str, state: str, **more: Any) -> dict[str, Any]:
    task = {
        "taskArn": arn,
        "group": f"service:{_service_name(part)}",
        "desiredStatus": state,
        "lastStatus": state,
        "createdAt": minutes_after_noon(1),
        "taskDefinitionArn": f"definition/{part}:1",
        "startedBy": "ecs-svc/1",
        "containers": [{"name": f"agora-{part}", "lastStatus": state}],
    }
    return task | more


class Ecs:
    """Five services that run, and one task of app that crashed."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.tasks = [_task(f"task/{part}", part, "RUNNING") for part in NAMES]
        container = {"name": "agora-app", "lastStatus": "STOPPED", "exitCode": 1}
        self.tasks.append(
            _task(
                CRASHED,
                "app",
                "STOPPED",
                stoppedAt=minutes_after_noon(2),
                stoppedReason="Essential container in task exited",
                stopCode="EssentialContainerExited",
                containers=[container],
            )
        )

    def describe_services(self, *, cluster: str, services: Sequence[str]) -> dict[str, Any]:
        assert cluster == CLUSTER
        self.asked.append(len(services))
        assert len(services) <= 10
        return {"services": [self._described(name) for name in services]}

    def _described(self, name: str) -> dict[str, Any]:
        part = name.removeprefix("agora-dev-").partition("-Service")[0]
        deployment = {
            "id": "ecs-svc/1",
            "status": "PRIMARY",
            "rolloutState": "COMPLETED",
            "taskDefinition": f"definition/{part}:1",
            "createdAt": minutes_after_noon(0),
        }
        return {
            "serviceArn": _arn(part),
            "serviceName": name,
            "status": "ACTIVE",
            "desiredCount": 1,
            "runningCount": 1,
            "pendingCount": 0,
            "taskDefinition": f"definition/{part}:1",
            "events": [{"createdAt": minutes_after_noon(3), "message": "(service S) has reached a steady state."}],
            "deployments": [deployment],
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}},
            "loadBalancers": [{"targetGroupArn": "arn:targetgroup/apex/1"}] if part == "apex" else [],
        }

    def get_paginator(self, operation: str) -> FakePaginator:
        assert operation == "list_tasks"

        def pages(cluster: str, desiredStatus: str) -> list[dict[str, Any]]:
            assert cluster == CLUSTER
            found = [task["taskArn"] for task in self.tasks if task["desiredStatus"] == desiredStatus]
            return [{"taskArns": [arn]} for arn in found]

        return FakePaginator(pages)

    def describe_tasks(self, *, cluster: str, tasks: Sequence[str]) -> dict[str, Any]:
        assert cluster == CLUSTER
        assert 0 < len(tasks) <= 100
        return {"tasks": [task for task in self.tasks if task["taskArn"] in tasks]}

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:
        part = taskDefinition.partition("/")[2].partition(":")[0]
        options = {"awslogs-group": f"logs-{part}", "awslogs-stream-prefix": "prefix"}
        container = {
            "name": f"agora-{part}",
            "image": f"ghcr.io/x/{part}",
            "environment": [{"name": "API_KEY", "value": "do-not-tell"}],
            "logConfiguration": {"options": options},
        }
        return {
            "taskDefinition": {
                "taskDefinitionArn": taskDefinition,
                "memory": "2048",
                "containerDefinitions": [container],
            }
        }


class Logs:
    """Each stream has two lines, one of which has a secret in it."""

    def get_log_events(self, *, logGroupName: str, logStreamName: str, limit: int, startFromHead: bool) -> Any:
        assert not startFromHead
        if logStreamName != "prefix/agora-app/app-crashed":
            raise client_error("ResourceNotFoundException", "The specified log stream does not exist.")
        assert logGroupName == "logs-app"
        return {"events": [{"message": SECRET_LINE}, {"message": "\x1b[31mError: boom\x1b[0m"}]}


class Network:
    """A target group with one healthy target, behind groups that let its load balancer in, and a subnet."""

    balancers: tuple[str, ...] = ("lb",)

    def describe_target_groups(self, *, TargetGroupArns: Sequence[str]) -> dict[str, Any]:
        group = {"Port": 80, "HealthCheckPath": "/health", "Matcher": {"HttpCode": "200"}}
        used = {"TargetGroupArn": TargetGroupArns[0], "LoadBalancerArns": [*self.balancers]}
        return {"TargetGroups": [group | used]}

    def describe_target_health(self, *, TargetGroupArn: str) -> dict[str, Any]:
        target = {"Target": {"Id": "10.0.0.4", "Port": 80}, "TargetHealth": {"State": "healthy"}}
        return {"TargetHealthDescriptions": [target]}

    def describe_load_balancers(self, *, LoadBalancerArns: Sequence[str]) -> dict[str, Any]:
        return {"LoadBalancers": [{"SecurityGroups": ["sg-lb"]}]}

    def describe_security_groups(self, *, GroupIds: Sequence[str]) -> dict[str, Any]:
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}
        return {"SecurityGroups": [{"IpPermissions": [rule]}]}

    def get_paginator(self, operation: str) -> FakePaginator:
        assert operation == "describe_subnets"
        subnet = {"SubnetId": "subnet-1", "CidrBlock": "10.0.0.0/26", "AvailableIpAddressCount": 7}
        return FakePaginator(lambda SubnetIds: [{"Subnets": [subnet]}])


def _clients() -> dict[str, Any]:
    network = Network()
    return {
        "cloudformation": FakeCloudFormation(_stacks()),
        "ecs": Ecs(),
        "logs": Logs(),
        "elbv2": network,
        "ec2": network,
        "ssm": FakeParameters(),
        "docdb": None,
    }


def _collected(clients: Mapping[str, Any], **options: Any) -> Snapshot:
    return collect(target(clients), load_form().services_of("dev"), **options)


class Failing:
    """A client of which chosen operations raise, and the others are another's."""

    def __init__(self, client: Any, *operations: str, error: Callable[[], Exception]) -> None:
        self._client, self._operations, self._error = client, operations, error

    def __getattr__(self, name: str) -> Any:
        if name in self._operations:
            return self._raise
        return getattr(self._client, name)

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise self._error()


def test_all_that_is_there_is_collected() -> None:
    found = _collected(_clients())
    assert found.unknown == ()
    assert {each.name for each in found.stacks} >= {"agora-dev-network", "agora-dev-docdb-v8", "agora-dev-app"}
    app = found.service("agora-app")
    assert app is not None
    assert (app.running, app.definition, app.cluster) == (1, "definition/app:1", CLUSTER)
    crashed = next(task for task in app.tasks if task.has_failed)
    assert (crashed.containers[0].exit_code, crashed.log[-1]) == (1, "Error: boom")
    apex = found.service("agora-apex")
    assert apex is not None
    assert (apex.groups[0].targets[0].state, apex.groups[0].lets_in, apex.groups[0].is_used) == ("healthy", True, True)
    assert found.subnets[0].free == 7


def test_a_target_group_that_nobody_sends_to_and_one_that_is_gone_are_told_apart() -> None:
    def group(clients: dict[str, Any]) -> tuple[bool, bool]:
        found = _collected(clients)
        apex = found.service("agora-apex")
        assert apex is not None
        assert found.unknown == ()
        return apex.groups[0].is_used, apex.groups[0].is_gone

    unused, gone = _clients(), _clients()
    unused["elbv2"].balancers = ()
    missing = client_error("TargetGroupNotFound", "One or more target groups not found")
    gone["elbv2"] = Failing(gone["elbv2"], "describe_target_groups", error=lambda: missing)
    assert [group(unused), group(gone)] == [(False, False), (False, True)]


def test_the_revision_that_a_stack_made_is_known_beside_the_one_that_runs() -> None:
    clients = _clients()
    resources = clients["cloudformation"].stacks["agora-dev-app"]["resources"]
    resources.append(
        {**resources[0], "ResourceType": "AWS::ECS::TaskDefinition", "PhysicalResourceId": "definition/app:0"}
    )
    app = _collected(clients).service("agora-app")
    assert app is not None
    assert (app.definition, app.made) == ("definition/app:1", "definition/app:0")


def test_what_is_written_down_can_be_read_back() -> None:
    found = _collected(_clients(), since=minutes_after_noon(0))
    assert parse_snapshot(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize("value", [{}, {"environment": 3}])
def test_what_is_no_evidence_is_not_read(value: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse_snapshot(value)


def test_no_secret_and_no_value_of_the_environment_is_in_it() -> None:
    written = json.dumps(_collected(_clients()).as_json())
    assert "hunter2" not in written
    assert "do-not-tell" not in written
    assert "[hidden]" in written


@pytest.mark.parametrize(
    ("client", "operation", "what"),
    [
        ("cloudformation", "describe_stacks", "stack agora-dev-app"),
        ("ecs", "describe_services", "services "),
        ("ecs", "describe_tasks", "tasks of cluster"),
        ("ecs", "describe_task_definition", "task definition"),
        ("logs", "get_log_events", "log of task"),
        ("elbv2", "describe_target_health", "target group"),
        ("ec2", "get_paginator", "subnets"),
        ("ssm", "get_paginator", "deployments on record"),
    ],
)
@pytest.mark.parametrize(
    ("code", "why"),
    [("ThrottlingException", "throttled"), ("ExpiredTokenException", "expired"), ("AccessDenied", "may not read it")],
)
def test_what_could_not_be_read_is_said_with_its_reason_and_is_never_an_all_clear(
    client: str, operation: str, what: str, code: str, why: str
) -> None:
    clients = _clients()
    clients[client] = Failing(clients[client], operation, error=lambda: client_error(code, "Rate exceeded"))
    found = _collected(clients)
    assert any(what in each.what and why in each.why for each in found.unknown), found.unknown
    verdicts = judge(found)
    assert verdicts[0].is_wrong
    assert verdicts[0].code in ("CREDENTIALS", "UNKNOWN")


def test_a_mistake_of_ours_is_not_taken_for_an_answer_of_aws() -> None:
    clients = _clients()
    clients["ecs"] = Failing(clients["ecs"], "describe_services", error=lambda: TypeError("ours"))
    with pytest.raises(TypeError, match="ours"):
        _collected(clients)


def test_who_does_not_answer_in_time_is_done_without() -> None:
    never = threading.Event()

    class Silent(Logs):
        def get_log_events(self, **_: Any) -> Any:
            never.wait(30)

    clients = _clients() | {"logs": Silent()}
    began = time.monotonic()
    found = _collected(clients, within_seconds=1.0)
    never.set()
    assert time.monotonic() - began < 10
    assert any("log of task" in each.what and "no answer in time" in each.why for each in found.unknown)


def test_an_operation_is_looked_back_on_to_where_it_began_and_no_further() -> None:
    clients = _clients()
    app = "agora-dev-app"
    clients["cloudformation"].stacks[app]["events"] = [
        _event(app, "AWS::CloudFormation::Stack", "UPDATE_ROLLBACK_COMPLETE", 9),
        _event(app, "AWS::CloudFormation::Stack", "UPDATE_FAILED", 8.5),
        _event("Other", "AWS::EC2::EIP", "UPDATE_FAILED", 8, "Resource update cancelled"),
        _event("Service", "AWS::ECS::Service", "UPDATE_FAILED", 7, "Circuit Breaker was triggered"),
        _event(app, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", 6),
        _event("Earlier", "AWS::EC2::EIP", "UPDATE_FAILED", 5, "long ago"),
    ]
    found = _collected(clients).stack(app)
    assert found is not None
    assert [each.logical_id for each in found.failures] == ["Service"]
    assert (found.began, found.ended) == (minutes_after_noon(6), minutes_after_noon(9))


def test_an_operation_that_goes_on_has_no_end() -> None:
    clients, app = _clients(), "agora-dev-app"
    clients["cloudformation"].stacks[app]["events"] = [
        _event(app, "AWS::CloudFormation::Stack", "UPDATE_ROLLBACK_IN_PROGRESS", 9),
        _event(app, "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", 6),
        _event(app, "AWS::CloudFormation::Stack", "CREATE_COMPLETE", 1),
    ]
    found = _collected(clients).stack(app)
    assert found is not None
    assert (found.began, found.ended) == (minutes_after_noon(6), None)


def test_tasks_of_a_service_that_is_gone_again_are_found_by_the_name_of_its_stack() -> None:
    clients = _clients()
    clients["cloudformation"].stacks["agora-dev-app"]["resources"] = []
    app = _collected(clients).service("agora-app")
    assert app is not None
    assert app.status == ""
    assert any(task.has_failed for task in app.tasks)
    assert not [task for task in app.tasks if "next" in task.definition]


def test_a_service_is_read_with_all_that_it_calls_and_no_more() -> None:
    found = _collected(_clients(), only="agora-app")
    assert {each.name for each in found.services} == {"agora-app", "agora-api"}


def test_a_service_may_be_named_in_short_and_one_that_is_not_there_is_not_looked_for() -> None:
    form = load_form()
    assert diagnose(target(_clients()), form, service="app").snapshot.only == "agora-app"
    with pytest.raises(UsageError, match="no service") as refused:
        diagnose(target(_clients()), form, service="ap")
    assert "Perhaps" in refused.value.hint


def test_a_diagnosis_says_whether_anything_is_wrong() -> None:
    found = diagnose(target(_clients()), load_form())
    answer = json.loads(json.dumps(found.as_json()))
    assert (answer["wrong"], answer["verdicts"][0]["cause"]) == (False, "HEALED")
    assert datetime.fromisoformat(answer["at"]) == found.at


@pytest.mark.parametrize("name", [stack.name for stack in stacks_of(load_form(), "dev")])
def test_a_stuck_stack_of_any_kind_is_reported(name: str) -> None:
    clients = _clients()
    clients["cloudformation"].stacks[name] = {"status": "UPDATE_ROLLBACK_FAILED", "events": []}
    found = diagnose(target(clients), load_form())
    assert (found.verdicts[0].code, found.verdicts[0].stack) == ("STACK_STUCK", name)


def test_services_are_described_ten_at_a_time() -> None:
    clients = _clients()
    _collected(clients)
    assert sum(clients["ecs"].asked) == len(NAMES)


def test_a_log_group_that_is_gone_is_an_answer_and_the_program_is_not_said_to_have_been_silent() -> None:
    class Gone(Logs):
        def get_log_events(self, **_: Any) -> Any:
            raise client_error("ResourceNotFoundException", "The specified log group does not exist.", "GetLogEvents")

    found = _collected(_clients() | {"logs": Gone()})
    assert found.unknown == ()
    assert "its log is gone" in judge(found)[0].what


def test_what_was_collected_before_it_went_is_not_lost() -> None:
    clients = _clients()
    earlier = _collected(clients)
    clients["ecs"].tasks = [task for task in clients["ecs"].tasks if task["taskArn"] != CRASHED]
    later = _collected(clients)
    app = with_earlier(later, earlier).service("agora-app")
    assert app is not None
    assert [task.log[-1] for task in app.tasks if task.has_failed] == ["Error: boom"]
    assert not [task for each in later.services for task in each.tasks if task.has_failed]


def test_an_export_that_is_in_use_is_told_by_the_stack_itself_and_counts_as_its_failure() -> None:
    clients = _clients()
    reason = "Export agora-dev-vpc cannot be deleted as it is in use by agora-dev-old"
    clients["cloudformation"].stacks["agora-dev-network"]["events"] = [
        _event("agora-dev-network", "AWS::CloudFormation::Stack", "UPDATE_ROLLBACK_COMPLETE", 8),
        _event("agora-dev-network", "AWS::CloudFormation::Stack", "UPDATE_ROLLBACK_IN_PROGRESS", 7, reason),
        _event("agora-dev-network", "AWS::CloudFormation::Stack", "UPDATE_IN_PROGRESS", 6, "User Initiated"),
    ]
    found = _collected(clients).stack("agora-dev-network")
    assert found is not None
    assert [each.reason for each in found.failures] == [reason]
