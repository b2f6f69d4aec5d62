"""Real boto3 clients that are answered on this machine, from the values of an `Account`.

    aws = AnsweringAws(deployed()) diagnose(aws.target(), form) assert aws.calls == [...]                  #
    "ecs.DescribeServices", …, in the order in which they were made

botocore makes and checks the request as for AWS, and then asks this instead of the network. What is answered is
checked against botocore's description of the operation, so that no field is answered that AWS does not have.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any

from portside.aws.target import Target
from tests.aws_account import Account

_PAGE = 100


@cache
def _session() -> Any:
    """One for all: it keeps the descriptions of AWS's services, which take long to load."""
    import boto3

    return boto3.Session("AKIDEXAMPLE", "not-a-key")


class NotThere(Exception):
    """An error that AWS answers with: its code and its words."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class AnsweringAws:
    """Clients for an account, which may be exchanged; `calls` are the operations asked for so far."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.calls: list[str] = []
        self._clients: dict[str, _ReusedClient] = {}
        self._lock = threading.Lock()

    def client(self, service: str) -> Any:
        """The client of an AWS service; always the same during a test."""
        with self._lock:
            if service not in self._clients or self._clients[service].answering is not self:
                self._clients[service] = _client_for(self, service)
            return self._clients[service].client

    def target(self) -> Target:
        """The account's environment, as what acts on AWS is given it."""
        return Target(self.account.environment, False, self.client, {})

    def answer(self, model: Any, context: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The status and the content of the answer to a call."""
        operation = f"{model.service_model.service_name}.{model.name}"
        with self._lock:
            self.calls.append(operation)
        try:
            if operation in self.account.refused:
                raise NotThere(*self.account.refused[operation])
            if operation in self.account.refused_lists and not context["parameters"]:
                raise NotThere(*self.account.refused_lists[operation])
            if operation not in _ANSWERS:
                raise AssertionError(f"no answer to {operation} yet; add it to tests/answering_aws.py")
            answer = _ANSWERS[operation](self.account, context["parameters"])
        except NotThere as error:
            said = {"Error": {"Code": error.code, "Message": error.message}}
            return SimpleNamespace(status_code=400), said | {"ResponseMetadata": {"HTTPStatusCode": 400}}
        if model.output_shape is not None:
            _check(answer, model.output_shape, operation)
        return SimpleNamespace(status_code=200), answer | {"ResponseMetadata": {"HTTPStatusCode": 200}}


class _ReusedClient:
    """A boto3 client, which takes 15 ms to make, and who answers it in the current test."""

    def __init__(self, service: str, region: str) -> None:
        self.answering: AnsweringAws | None = None
        self.client = _session().client(service, region_name=region)
        self.client.meta.events.register("provide-client-params", _keep_parameters)
        self.client.meta.events.register("before-call", self._answer)

    def _answer(self, model: Any, context: Mapping[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        assert self.answering, "a client outlived its test"
        return self.answering.answer(model, context)


_made: dict[tuple[str, str], list[_ReusedClient]] = {}
_lock_of_made = threading.Lock()


def _client_for(aws: AnsweringAws, service: str) -> _ReusedClient:
    """A client of the service and region that no one uses in the current test."""
    region = aws.account.environment.region
    with _lock_of_made:
        clients = _made.setdefault((service, region), [])
        free = next((each for each in clients if each.answering is None), None)
        if free is None:
            free = _ReusedClient(service, region)
            clients.append(free)
        free.answering = aws
        return free


def release_clients() -> None:
    """Let the next test use the clients of this one."""
    with _lock_of_made:
        for clients in _made.values():
            for each in clients:
                each.answering = None


def _keep_parameters(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context["parameters"] = params


def _check(value: Any, shape: Any, where: str) -> None:
    """Raise `AssertionError` where an answer is none that AWS could give."""
    if shape.type_name == "structure":
        for name, each in value.items():
            assert name in shape.members, f"{where} has no {name}"
            _check(each, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), f"{where} is a list"
        for each in value:
            _check(each, shape.member, where)
    elif shape.type_name == "map":
        for each in value.values():
            _check(each, shape.value, where)
    else:
        kinds: dict[str, Any] = {
            "string": str,
            "timestamp": datetime,
            "boolean": bool,
            "float": int | float,
            "double": int | float,
        }
        found = kinds.get(shape.type_name, int)
        assert isinstance(value, found), f"{where} is a {shape.type_name}, not {value!r}"


def _page(
    values: Sequence[Any], parameters: Mapping[str, Any], names: tuple[str, str, str], size: int = _PAGE
) -> dict[str, Any]:
    """A page of values under the first name; the second is that of the token that is given, the third of the next."""
    under, given, following = names
    start = int(parameters.get(given) or 0)
    found: dict[str, Any] = {under: list(values[start : start + size])}
    return found | ({following: str(start + size)} if len(values) > start + size else {})


def _without(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: each for name, each in value.items() if name not in names}


# CloudFormation


def _stack(account: Account, name: str) -> dict[str, Any]:
    found = next((each for each in account.stacks.values() if name in (each["StackName"], each["StackId"])), None)
    if found is None:
        raise NotThere("ValidationError", f"Stack with id {name} does not exist")
    return found


def _describe_stacks(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    stacks = [_stack(account, asked["StackName"])] if asked.get("StackName") else list(account.stacks.values())
    shown = [_without(each, "resources", "events", "template") for each in stacks]
    return _page(shown, asked, ("Stacks", "NextToken", "NextToken"))


def _list_stacks(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    expected = asked.get("StackStatusFilter")
    names = ("StackName", "StackId", "StackStatus", "StackStatusReason", "CreationTime", "LastUpdatedTime")
    shown = [{name: each[name] for name in names if name in each} for each in account.stacks.values()]
    found = [each for each in shown if not expected or each["StackStatus"] in expected]
    return _page(found, asked, ("StackSummaries", "NextToken", "NextToken"))


def _resources(account: Account, name: str) -> list[dict[str, Any]]:
    stack = _stack(account, name)
    status = {"ResourceStatus": "CREATE_COMPLETE"}
    return [status | each for each in stack["resources"]]


def _describe_stack_resources(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    if "StackName" in asked:
        name = asked["StackName"]
    else:
        physical = asked["PhysicalResourceId"]
        holders = (
            each
            for each in account.stacks.values()
            if any(one["PhysicalResourceId"] == physical for one in each["resources"])
        )
        name = next((each["StackName"] for each in holders), "")
    at = {"Timestamp": _stack(account, name)["CreationTime"], "StackName": name}
    return {"StackResources": [at | each for each in _resources(account, name)]}


def _list_stack_resources(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    at = {"LastUpdatedTimestamp": _stack(account, asked["StackName"])["CreationTime"]}
    found = [at | each for each in _resources(account, asked["StackName"])]
    return _page(found, asked, ("StackResourceSummaries", "NextToken", "NextToken"))


def _describe_stack_events(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    return _page(_stack(account, asked["StackName"])["events"], asked, ("StackEvents", "NextToken", "NextToken"))


def _get_template(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"TemplateBody": json.dumps(_stack(account, asked["StackName"])["template"])}


# ECS


def _named(
    values: Sequence[Mapping[str, Any]], asked: Sequence[str], arn: str, name: str
) -> tuple[list[Any], list[Any]]:
    """The items found and the items missing, of those requested."""
    found = [each for each in values if asked and {each[arn], each.get(name, "")} & set(asked)]
    known = {each[key] for each in found for key in (arn, name) if key in each}
    return found, [{"arn": each, "reason": "MISSING"} for each in asked if each not in known]


def _describe_services(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    assert len(asked["services"]) <= 10, "DescribeServices takes ten services"
    found, missing = _named(list(account.services.values()), asked["services"], "serviceArn", "serviceName")
    return {"services": found, "failures": missing}


def _list_services(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    arns = [each["serviceArn"] for each in account.services.values()]
    return _page(arns, asked, ("serviceArns", "nextToken", "nextToken"), asked.get("maxResults") or 10)


def _list_tasks(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    state, service = asked.get("desiredStatus", "RUNNING"), asked.get("serviceName", "").rpartition("/")[2]
    family = asked.get("family")
    arns = [
        each["taskArn"]
        for each in account.tasks
        if each["desiredStatus"] == state
        and (not service or each["group"] == f"service:{service}")
        and (not family or f"/{family}:" in each["taskDefinitionArn"])
    ]
    return _page(arns, asked, ("taskArns", "nextToken", "nextToken"), asked.get("maxResults") or _PAGE)


def _describe_tasks(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    assert 0 < len(asked["tasks"]) <= 100, "DescribeTasks takes a hundred tasks"
    short = [{"id": each["taskArn"].rpartition("/")[2]} | each for each in account.tasks]
    found, missing = _named(short, asked["tasks"], "taskArn", "id")
    return {"tasks": [_without(each, "id") for each in found], "failures": missing}


def _describe_task_definition(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    name = asked["taskDefinition"]
    found = [each for arn, each in account.definitions.items() if name in (arn, arn.rpartition("/")[2], each["family"])]
    if not found:
        raise NotThere("ClientException", "Unable to describe task definition.")
    return {"taskDefinition": max(found, key=lambda each: each["revision"])}


def _describe_clusters(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    found, missing = _named(account.clusters, asked.get("clusters", ["default"]), "clusterArn", "clusterName")
    return {"clusters": found, "failures": missing}


# Load balancer, network, database, logs, parameters


def _describe_target_groups(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    expected = asked.get("TargetGroupArns")
    found = [each for arn, each in account.target_groups.items() if not expected or arn in expected]
    if expected and len(found) < len(set(expected)):
        raise NotThere("TargetGroupNotFound", "One or more target groups not found")
    return _page(found, asked, ("TargetGroups", "Marker", "NextMarker"))


def _describe_target_health(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked["TargetGroupArn"] not in account.target_groups:
        raise NotThere("TargetGroupNotFound", "One or more target groups not found")
    return {"TargetHealthDescriptions": account.targets[asked["TargetGroupArn"]]}


def _all(
    under: str,
    values: Callable[[Account], Sequence[Mapping[str, Any]]],
    key: str,
    by: str = "",
    tokens: tuple[str, str] = ("NextToken", "NextToken"),
) -> Any:
    """An operation that describes existing items, or those that are named under `by`."""

    def answer(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
        expected = asked.get(by)
        names = [expected] if isinstance(expected, str) else expected
        found = [each for each in values(account) if not names or each[key] in names]
        return _page(found, asked, (under, *tokens))

    return answer


def _get_log_events(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    lines = account.logs.get((asked["logGroupName"], asked["logStreamName"]))
    if lines is None:
        raise NotThere("ResourceNotFoundException", "The specified log stream does not exist.")
    kept = (
        lines[-asked.get("limit", 10_000) :] if not asked.get("startFromHead") else lines[: asked.get("limit", 10_000)]
    )
    end = int(account.at(10).timestamp() * 1000)
    events = [
        {"timestamp": end - len(kept) + number, "message": line, "ingestionTime": end}
        for number, line in enumerate(kept)
    ]
    return {"events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"}


def _get_parameter(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"Parameter": _versions(account, asked["Name"])[-1]}


def _get_parameter_history(account: Account, asked: Mapping[str, Any]) -> dict[str, Any]:
    return _page(_versions(account, asked["Name"]), asked, ("Parameters", "NextToken", "NextToken"), 50)


def _versions(account: Account, name: str) -> list[dict[str, Any]]:
    if name not in account.parameters:
        raise NotThere("ParameterNotFound", "")
    return [
        {"Name": name, "Value": value, "Version": number} for number, value in enumerate(account.parameters[name], 1)
    ]


_ANSWERS: dict[str, Callable[[Account, Mapping[str, Any]], dict[str, Any]]] = {
    "cloudformation.DescribeStacks": _describe_stacks,
    "cloudformation.ListStacks": _list_stacks,
    "cloudformation.DescribeStackResources": _describe_stack_resources,
    "cloudformation.ListStackResources": _list_stack_resources,
    "cloudformation.DescribeStackEvents": _describe_stack_events,
    "cloudformation.GetTemplate": _get_template,
    "ecs.DescribeServices": _describe_services,
    "ecs.ListServices": _list_services,
    "ecs.ListTasks": _list_tasks,
    "ecs.DescribeTasks": _describe_tasks,
    "ecs.DescribeTaskDefinition": _describe_task_definition,
    "ecs.DescribeClusters": _describe_clusters,
    "elbv2.DescribeTargetGroups": _describe_target_groups,
    "elbv2.DescribeTargetHealth": _describe_target_health,
    "elbv2.DescribeLoadBalancers": _all(
        "LoadBalancers",
        lambda account: account.load_balancers,
        "LoadBalancerArn",
        "LoadBalancerArns",
        ("Marker", "NextMarker"),
    ),
    "ec2.DescribeSecurityGroups": _all(
        "SecurityGroups", lambda account: account.security_groups, "GroupId", "GroupIds"
    ),
    "ec2.DescribeSubnets": _all("Subnets", lambda account: account.subnets, "SubnetId", "SubnetIds"),
    "docdb.DescribeDBClusters": _all(
        "DBClusters",
        lambda account: account.databases,
        "DBClusterIdentifier",
        "DBClusterIdentifier",
        ("Marker", "Marker"),
    ),
    "cloudwatch.DescribeAlarms": _all("MetricAlarms", lambda account: account.alarms, "AlarmName", "AlarmNames"),
    "logs.GetLogEvents": _get_log_events,
    "ssm.GetParameter": _get_parameter,
    "ssm.GetParameterHistory": _get_parameter_history,
}
