"""One read of an environment: its contents, the number of calls, and the result without a permission."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from portside.aws.health import health
from portside.aws.model import Service
from portside.aws.reader import Look, Reader
from portside.findings.collect import collect
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import Account, deployed, deployment
from tests.unit.configuration_support import service as props_of
from tests.unit.operations_support import write_task_or_warn

CONFIGURATION = agora()
SERVICES = CONFIGURATION.services_of("dev")
# Of a healthy environment of five services and ten stacks.
MOST_CALLS = 8
# Nothing checks api-next: its image has no shell, and no load balancer asks it.
AS_DEPLOYED = {props.container_name: "healthy" for props in SERVICES} | {"agora-api-next": "running"}


def reader(aws: AnsweringAws) -> Reader:
    environment = aws.account.environment
    return Reader(aws.client, environment, CONFIGURATION.services_of(environment.name))


def states(look: Look) -> dict[str, str]:
    return {each.name: str(health(each)) for each in look.services}


def service(look: Look, name: str = "agora-app") -> Service:
    return next(each for each in look.services if each.name == name)


def test_a_healthy_environment_of_five_services_and_ten_stacks_takes_few_calls() -> None:
    aws = AnsweringAws(deployed())
    write_task_or_warn(aws.account)
    assert (len(aws.account.services), len(aws.account.stacks)) == (5, 10)
    found = reader(aws).look(stopped=True).whole()
    assert len(aws.calls) <= MOST_CALLS
    assert Counter(aws.calls) == {
        "cloudformation.DescribeStacks": 1,
        "ecs.DescribeServices": 1,
        "ecs.ListTasks": 2,
        "ecs.DescribeTasks": 1,
        "elbv2.DescribeTargetHealth": 1,
    }
    assert len(found.stacks or {}) == 10
    assert states(found) == AS_DEPLOYED


def test_a_diagnosis_of_a_healthy_environment_takes_few_calls() -> None:
    aws = AnsweringAws(deployed())
    write_task_or_warn(aws.account)
    found = collect(aws.target(), SERVICES)
    assert found.unknown == ()
    assert len(aws.calls) <= MOST_CALLS, Counter(aws.calls)


def test_more_services_than_ecs_describes_at_once_are_described_in_parts() -> None:
    many = tuple(props_of(container_name=f"agora-s{number}") for number in range(23))
    configuration = replace(CONFIGURATION, services={**CONFIGURATION.services, "dev": many})
    aws = AnsweringAws(deployed(configuration=configuration))
    found = Reader(aws.client, aws.account.environment, many).look().whole()
    assert len(found.services) == 23
    assert set(states(found).values()) == {"running"}
    assert Counter(aws.calls)["ecs.DescribeServices"] == 3


def test_what_a_stack_does_not_publish_is_listed() -> None:
    aws = AnsweringAws(deployed())
    for stack in aws.account.stacks.values():
        stack["Outputs"] = []
    assert states(reader(aws).look().whole()) == AS_DEPLOYED
    assert Counter(aws.calls)["ecs.ListServices"] == 1


def test_while_a_stack_changes_what_it_published_is_not_relied_on() -> None:
    aws = AnsweringAws(deployed())
    stack = aws.account.stack_of("agora-app")
    stack["StackStatus"], stack["Outputs"][0]["OutputValue"] = "UPDATE_IN_PROGRESS", "agora-dev-app-Service-of-old"
    assert states(reader(aws).look().whole())["agora-app"] == "healthy"


def test_a_service_that_was_deleted_by_hand_keeps_its_name_and_is_not_deployed() -> None:
    aws = AnsweringAws(deployed())
    name = aws.account.services.pop("agora-app")["serviceName"]
    found = service(reader(aws).look().whole())
    assert (found.ecs_name, found.status, found.known) == (name, "", True)


def test_a_service_without_a_stack_is_not_deployed_and_costs_no_call() -> None:
    aws = AnsweringAws(deployed())
    del aws.account.services["agora-app"], aws.account.stacks["agora-dev-app"]
    assert states(reader(aws).look().whole())["agora-app"] == "not deployed"
    assert "ecs.ListServices" not in aws.calls


def test_an_account_without_the_environment_is_asked_for_its_stacks_only() -> None:
    aws = AnsweringAws(deployed())
    aws.account.stacks.clear()
    assert set(states(reader(aws).look().whole()).values()) == {"not deployed"}
    assert aws.calls == ["cloudformation.DescribeStacks"]


def test_a_role_that_may_not_list_all_stacks_reads_the_configured_ones_and_says_which_right_is_missing() -> None:
    aws = AnsweringAws(deployed())
    said = "User: arn:aws:iam::1:role/x is not authorized to perform: cloudformation:ListStacks"
    aws.account.refused_lists["cloudformation.DescribeStacks"] = ("AccessDenied", said)
    look = reader(aws).look().whole()
    assert states(look) == AS_DEPLOYED
    assert look.unlisted is not None
    assert look.unlisted.why == "these credentials lack the right cloudformation:ListStacks"
    assert len(look.stacks or {}) == 10


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("cloudformation.DescribeStacks", "stacks of dev"),
        ("ecs.DescribeServices", "services "),
        ("ecs.ListTasks", "running tasks"),
        ("ecs.DescribeTasks", "tasks of cluster"),
        ("elbv2.DescribeTargetHealth", "target group"),
    ],
)
def test_what_could_not_be_read_is_named_and_nothing_is_reported_about_it(operation: str, what: str) -> None:
    aws = AnsweringAws(deployed())
    aws.account.refused[operation] = ("AccessDenied", f"not authorized to perform: {operation.replace('.', ':')}")
    look = reader(aws).look()
    assert any(what in each.what for each in look.unread), look.unread
    assert all("lack the right" in each.why for each in look.unread)
    with pytest.raises(ClientError, match="AccessDenied"):
        look.whole()
    assert "not deployed" not in states(look).values()


def test_a_service_that_cannot_be_read_is_unknown() -> None:
    aws = AnsweringAws(deployed())
    aws.account.refused["ecs.DescribeServices"] = ("AccessDenied", "no")
    assert set(states(reader(aws).look()).values()) == {"unknown"}


def _sick(account: Account) -> None:
    account.tasks[0]["healthStatus"] = "UNHEALTHY"


def _sick_target(account: Account) -> None:
    next(iter(account.targets.values()))[0]["TargetHealth"] = {"State": "unhealthy"}


def _unchecked(account: Account) -> None:
    account.tasks[0]["healthStatus"] = "UNKNOWN"


def _of_first(**changes: Any) -> Callable[[Account], None]:
    return lambda account: account.services[SERVICES[0].container_name].update(changes)


def _rolling_out(account: Account) -> None:
    account.services[SERVICES[0].container_name]["deployments"][0]["rolloutState"] = "IN_PROGRESS"


def _failed(account: Account) -> None:
    account.services[SERVICES[0].container_name]["deployments"][0]["rolloutState"] = "FAILED"


def _old_tasks_stop(account: Account) -> None:
    first = account.services[SERVICES[0].container_name]
    first["deployments"].append(deployment(account, "ecs-svc/0", first["taskDefinition"], status="ACTIVE"))


@pytest.mark.parametrize(
    ("change", "said", "stable"),
    [
        (lambda _: None, "healthy", True),
        (_sick, "unhealthy: 1 of 1 tasks", False),
        (_unchecked, "running", True),
        (_of_first(runningCount=0), "0 of 1 running", False),
        (_of_first(pendingCount=1), "1 of 1 running", False),
        (_of_first(status="DRAINING"), "draining", False),
        (_of_first(desiredCount=0, runningCount=0), "scaled to zero", True),
        (_rolling_out, "rolling out", False),
        (_failed, "failed", False),
        (_old_tasks_stop, "tasks of an earlier deployment are stopping", False),
    ],
)
def test_the_health_of_a_service(change: Callable[[Account], None], said: str, stable: bool) -> None:
    aws = AnsweringAws(deployed())
    change(aws.account)
    found = service(reader(aws).look().whole(), SERVICES[0].container_name)
    assert (str(health(found)), health(found).is_stable) == (said, stable)


def test_a_service_with_an_unhealthy_target_is_unhealthy() -> None:
    aws = AnsweringAws(deployed())
    _sick_target(aws.account)
    assert states(reader(aws).look())["agora-apex"] == "unhealthy: 1 of 1 targets"
