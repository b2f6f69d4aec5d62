"""The evidence that is collected, omitted, or reported as said to be unknown."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from portside.aws.model import Service
from portside.aws.snapshot import Snapshot, parse_snapshot, with_earlier
from portside.config.stacks import stacks_of
from portside.errors import UsageError
from portside.findings.collect import collect
from portside.findings.diagnose import diagnose
from portside.findings.verdict import judge
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import deployed, deployment, running_task, stack_event
from tests.unit.operations_support import target, write_task_or_warn

CONFIGURATION = agora()
SECRET_LINE = f"connecting to mongodb://master:{'hunter2'}@10.0.0.9:27017"
APP, APP_STACK = "agora-app", "agora-dev-app"


def crashed_once() -> AnsweringAws:
    """Five services that run, and one task of app that crashed; its log has a secret in it."""
    account = deployed()
    task = running_task(
        account,
        APP,
        999,
        minutes=4,
        desiredStatus="STOPPED",
        lastStatus="STOPPED",
        stoppedAt=account.at(3),
        stoppedReason="Essential container in task exited",
        stopCode="EssentialContainerExited",
        containers=[{"name": APP, "lastStatus": "STOPPED", "exitCode": 1}],
    )
    stream = f"{APP_STACK}/{APP}/{task['taskArn'].rpartition('/')[2]}"
    account.logs[f"{APP_STACK}-logs", stream] = [SECRET_LINE, "\x1b[31mError: boom\x1b[0m"]
    account.say(APP, 2, "has reached a steady state.")
    return AnsweringAws(account)


def collected(aws: AnsweringAws, **options: Any) -> Snapshot:
    return collect(aws.target(), CONFIGURATION.services_of("dev"), **options)


def service(aws: AnsweringAws, name: str = APP) -> Service:
    found = collected(aws).service(name)
    assert found is not None
    return found


def targets(aws: AnsweringAws, **health: str) -> None:
    next(iter(aws.account.targets.values()))[0]["TargetHealth"] = health


def test_everything_deployed_is_collected() -> None:
    aws = crashed_once()
    targets(aws, State="unhealthy")
    found = collected(aws)
    assert found.unknown == ()
    assert {each.name for each in found.stacks} == {stack.name for stack in stacks_of(CONFIGURATION, "dev")}
    app, apex = found.service(APP), found.service("agora-apex")
    assert app is not None
    assert apex is not None
    assert (app.running, app.cluster, app.made) == (1, "agora-dev-ecs-Cluster", app.definition)
    crashed = next(task for task in app.tasks if task.has_failed)
    assert (crashed.containers[0].exit_code, crashed.log[-1]) == (1, "Error: boom")
    group = apex.groups[0]
    assert (group.targets[0].state, group.lets_in, group.is_used, group.codes) == ("unhealthy", True, True, "200")
    assert found.subnets[0].free == 40
    assert found.database.state == "available"


def test_details_are_read_only_of_what_is_not_healthy() -> None:
    aws = crashed_once()
    write_task_or_warn(aws.account)
    found = collected(aws)
    assert [each.name for each in found.services if each.definitions] == [APP]
    details = {
        "cloudformation.DescribeStackResources": 1,
        "ecs.DescribeTaskDefinition": 1,
        "ec2.DescribeSubnets": 1,
        "logs.GetLogEvents": 2,
    }
    assert {name: Counter(aws.calls)[name] for name in details} == details
    assert len(aws.calls) - sum(details.values()) <= 8


def test_the_alarms_of_a_deployment_that_they_ended_are_read() -> None:
    aws = AnsweringAws(deployed())
    app = aws.account.services[APP]
    app["deploymentConfiguration"]["alarms"] = {"alarmNames": ["slow"], "enable": True, "rollback": True}
    aws.account.alarms.append({"AlarmName": "slow", "StateValue": "ALARM", "StateReason": "2 datapoints"})
    assert [each.state for each in service(aws).alarms] == [""]
    app["deployments"][0] |= {"rolloutState": "FAILED", "rolloutStateReason": "ECS deployment failed: alarm detected."}
    assert [(each.name, each.state) for each in service(aws).alarms] == [("slow", "ALARM")]


def test_a_target_group_that_no_load_balancer_uses_and_one_that_no_longer_exists_are_distinguished() -> None:
    unused, deleted = AnsweringAws(deployed()), AnsweringAws(deployed())
    next(iter(unused.account.target_groups.values()))["LoadBalancerArns"] = []
    targets(unused, State="unused", Reason="Target.NotInUse")
    missing = ("TargetGroupNotFound", "One or more target groups not found")
    deleted.account.refused |= {"elbv2.DescribeTargetHealth": missing, "elbv2.DescribeTargetGroups": missing}
    found = [service(each, "agora-apex").groups[0] for each in (unused, deleted)]
    assert [(each.is_used, each.is_gone) for each in found] == [(False, False), (False, True)]


def test_a_manual_revision_is_known_next_to_that_of_the_stack() -> None:
    aws = AnsweringAws(deployed())
    write_task_or_warn(aws.account)
    account, app = aws.account, aws.account.services[APP]
    assert not service(aws).made
    made, other = app["taskDefinition"], app["taskDefinition"].replace(":1", ":2")
    account.definitions[other] = account.definitions[made] | {"taskDefinitionArn": other}
    app |= {"taskDefinition": other, "deployments": [deployment(account, "ecs-svc/3", other, minutes=30)]}
    found = service(aws)
    assert (found.definition, found.made) == (other, made)


def test_what_is_written_down_can_be_read_back() -> None:
    aws = crashed_once()
    found = collected(aws, since=aws.account.at(60))
    assert parse_snapshot(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize("value", [{}, {"environment": 3}])
def test_what_is_no_evidence_is_not_read(value: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse_snapshot(value)


def test_no_secret_and_no_value_of_the_environment_is_in_it() -> None:
    aws = crashed_once()
    for definition in aws.account.definitions.values():
        definition["containerDefinitions"][0]["environment"] = [{"name": "API_KEY", "value": "do-not-tell"}]
    written = json.dumps(collected(aws).as_json())
    assert "hunter2" not in written
    assert "do-not-tell" not in written
    assert "[hidden]" in written


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("cloudformation.DescribeStacks", "stacks of dev"),
        ("cloudformation.DescribeStackResources", "resources of stack agora-dev-app"),
        ("ecs.DescribeServices", "services "),
        ("ecs.DescribeTasks", "tasks of cluster"),
        ("ecs.DescribeTaskDefinition", "task definition"),
        ("logs.GetLogEvents", "log of task"),
        ("elbv2.DescribeTargetHealth", "target group"),
        ("ec2.DescribeSubnets", "subnets"),
        ("docdb.DescribeDBClusters", "database"),
        ("ssm.GetParameterHistory", "recorded deployments"),
    ],
)
@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("ThrottlingException", "throttles"),
        ("InvalidAction", "AWS answers"),
        ("ExpiredTokenException", "expired"),
        ("AccessDenied", "lack the right"),
    ],
)
def test_what_could_not_be_read_is_reported_with_its_reason_and_is_never_an_all_clear(
    operation: str, what: str, code: str, why: str
) -> None:
    aws = crashed_once()
    aws.account.refused[operation] = (code, "no")
    found = collected(aws)
    assert any(what in each.what and why in each.why for each in found.unknown), found.unknown
    verdicts = judge(found)
    assert verdicts[0].is_wrong
    assert verdicts[0].code in ("CREDENTIALS", "UNKNOWN")


def test_a_bug_is_not_mistaken_for_an_answer_of_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: Any) -> Any:
        raise TypeError("ours")

    monkeypatch.setattr("portside.aws.service_reading.describe_services", mistaken)
    with pytest.raises(TypeError, match="ours"):
        collected(AnsweringAws(deployed()))


def test_what_is_not_answered_in_time_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr("portside.aws.task_logs.read_lines", lambda *_: never.wait(30))
    began = time.monotonic()
    found = collected(crashed_once(), within_seconds=2.0)
    never.set()
    assert time.monotonic() - began < 10
    assert any("log of task" in each.what and "no answer in time" in each.why for each in found.unknown)


def test_an_operation_is_looked_back_on_to_where_it_began_and_no_further() -> None:
    aws = AnsweringAws(deployed())
    account = aws.account
    account.stacks[APP_STACK]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
    stack_event(account, APP_STACK, 15, "UPDATE_FAILED", "long ago", of=("Earlier", "AWS::EC2::EIP"))
    stack_event(account, APP_STACK, 14, "UPDATE_IN_PROGRESS")
    stack_event(account, APP_STACK, 13, "UPDATE_FAILED", "Circuit Breaker was triggered", of=("S", "AWS::ECS::Service"))
    stack_event(account, APP_STACK, 12, "UPDATE_FAILED", "Resource update cancelled", of=("O", "AWS::EC2::EIP"))
    stack_event(account, APP_STACK, 11.5, "UPDATE_FAILED")
    stack_event(account, APP_STACK, 11, "UPDATE_ROLLBACK_COMPLETE")
    found = collected(aws).stack(APP_STACK)
    assert found is not None
    assert [each.logical_id for each in found.failures] == ["S"]
    assert (found.began, found.ended) == (account.at(14), account.at(11))


def test_an_operation_that_continues_has_no_end() -> None:
    aws = AnsweringAws(deployed())
    aws.account.stacks[APP_STACK]["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"
    stack_event(aws.account, APP_STACK, 6, "UPDATE_IN_PROGRESS")
    stack_event(aws.account, APP_STACK, 3, "UPDATE_ROLLBACK_IN_PROGRESS")
    found = collected(aws).stack(APP_STACK)
    assert found is not None
    assert (found.began, found.ended) == (aws.account.at(6), None)


def test_tasks_of_a_service_that_was_deleted_again_are_found_by_the_name_of_its_stack() -> None:
    aws = crashed_once()
    del aws.account.services[APP]
    aws.account.stacks[APP_STACK] |= {"resources": [], "Outputs": [], "StackStatus": "ROLLBACK_COMPLETE"}
    app = service(aws)
    assert app.status == ""
    assert any(task.has_failed and task.log for task in app.tasks)
    assert not [task for task in app.tasks if "next" in task.definition]


def test_a_service_is_read_with_everything_that_it_calls_and_nothing_else() -> None:
    found = collected(crashed_once(), only=APP)
    assert {each.name for each in found.services} == {APP, "agora-api"}


def test_a_service_may_be_named_in_short_and_a_missing_one_is_not_searched_for() -> None:
    assert diagnose(crashed_once().target(), CONFIGURATION, service="app").snapshot.only == APP
    with pytest.raises(UsageError, match="no service") as refused:
        diagnose(target({}), CONFIGURATION, service="ap")
    assert "Did you mean" in refused.value.hint


def test_a_diagnosis_says_whether_anything_is_wrong() -> None:
    found = diagnose(crashed_once().target(), CONFIGURATION)
    answer = json.loads(json.dumps(found.as_json()))
    assert (answer["wrong"], answer["verdicts"][0]["cause"]) == (False, "HEALED")
    assert datetime.fromisoformat(answer["at"]) == found.at


@pytest.mark.parametrize("name", [stack.name for stack in stacks_of(CONFIGURATION, "dev")])
def test_a_stuck_stack_of_any_kind_is_reported(name: str) -> None:
    aws = AnsweringAws(deployed())
    aws.account.stacks[name]["StackStatus"] = "UPDATE_ROLLBACK_FAILED"
    found = diagnose(aws.target(), CONFIGURATION)
    assert (found.verdicts[0].code, found.verdicts[0].stack) == ("STACK_STUCK", name)


def test_a_log_group_that_no_longer_exists_is_an_answer_and_the_program_is_not_said_to_have_been_silent() -> None:
    aws = crashed_once()
    deleted = ("ResourceNotFoundException", "The specified log group does not exist.")
    aws.account.refused["logs.GetLogEvents"] = deleted
    found = collected(aws)
    assert found.unknown == ()
    assert "its log was deleted" in judge(found)[0].what


def test_what_was_collected_before_it_went_is_not_lost() -> None:
    aws = crashed_once()
    earlier = collected(aws)
    aws.account.tasks = [task for task in aws.account.tasks if task["lastStatus"] != "STOPPED"]
    later = collected(aws)
    app = with_earlier(later, earlier).service(APP)
    assert app is not None
    assert [task.log[-1] for task in app.tasks if task.has_failed] == ["Error: boom"]
    assert not [task for each in later.services for task in each.tasks if task.has_failed]


def test_an_export_that_is_in_use_is_explained_by_the_stack_itself_and_counts_as_its_failure() -> None:
    aws, network = AnsweringAws(deployed()), "agora-dev-network"
    reason = "Export agora-dev-vpc cannot be deleted as it is in use by agora-dev-old"
    aws.account.stacks[network]["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE"
    stack_event(aws.account, network, 8, "UPDATE_IN_PROGRESS", "User Initiated")
    stack_event(aws.account, network, 7, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
    stack_event(aws.account, network, 6, "UPDATE_ROLLBACK_COMPLETE")
    found = collected(aws).stack(network)
    assert found is not None
    assert [each.reason for each in found.failures] == [reason]
