"""An environment's CloudWatch dashboard, and who is notified."""

from __future__ import annotations

import functools
import json
from typing import Any

import aws_cdk as cdk
import pytest

from portside.stacks.monitoring_stack import alarm_widgets
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    SERVICES,
    Json,
    configuration_with,
    environment,
    of_type,
    properties,
    read_templates,
    shared_synthesis,
    stack,
    templates,
)


@functools.cache
def body(name: str) -> Any:
    """The dashboard, with a word for each value that CloudFormation fills in."""
    written = properties(stack(name, "monitoring"), "AWS::CloudWatch::Dashboard")["DashboardBody"]
    return json.loads("".join(part if isinstance(part, str) else "known-later" for part in written["Fn::Join"][1]))


def widgets(name: str) -> list[Json]:
    return list(body(name)["widgets"])


def every_alarm(name: str) -> list[Json]:
    return [
        each["Properties"]
        for template in templates(name).values()
        for each in of_type(template, "AWS::CloudWatch::Alarm").values()
    ]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_alarm_tells_the_one_topic_when_it_goes_off_and_when_it_is_over(name: str) -> None:
    topic = properties(stack(name, "monitoring"), "AWS::SNS::Topic")
    assert environment(name).alarm_topic_arn.rpartition(":")[2] == topic["TopicName"] == f"agora-{name}-alarms"
    for alarm in every_alarm(name):
        assert alarm["AlarmActions"] == alarm["OKActions"] == [environment(name).alarm_topic_arn], alarm["AlarmName"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_what_can_go_wrong_has_an_alarm(name: str) -> None:
    database = environment(name).database_stack
    assert {each["AlarmName"].removeprefix(f"agora-{name}-") for each in every_alarm(name)} == {
        "load-balancer-server-errors",
        "load-balancer-slow-answers",
        "apex-unhealthy-targets",
        *(f"{part}-too-few-tasks" for part in SERVICES),
        *(f"{database}-{what}" for what in ("cpu", "connections", "storage", "local-storage")),
    }


def test_alarms_of_the_database_wait_until_a_load_has_lasted() -> None:
    found = of_type(stack("dev", environment("dev").database_stack), "AWS::CloudWatch::Alarm").values()
    assert {each["Properties"]["EvaluationPeriods"] for each in found} == {10}


def test_cloudwatch_of_this_account_can_publish_to_the_topic_and_no_one_without_tls() -> None:
    statements = properties(stack("dev", "monitoring"), "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    [allowed] = [each for each in statements if each["Effect"] == "Allow"]
    assert (allowed["Principal"], allowed["Condition"]) == (
        {"Service": "cloudwatch.amazonaws.com"},
        {"StringEquals": {"aws:SourceAccount": environment("dev").account}},
    )
    [refused] = [each for each in statements if each["Effect"] == "Deny"]
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_those_whom_the_configuration_names_get_an_e_mail_and_no_one_else() -> None:
    assert of_type(stack("dev", "monitoring"), "AWS::SNS::Subscription") == {}
    reported = read_templates(shared_synthesis(configuration_with("dev", alarm_emails=("team@example.org",)), "dev"))
    subscription = properties(reported["agora-dev-monitoring"], "AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "team@example.org")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_dashboard_begins_with_what_is_wrong(name: str) -> None:
    title, alarms = widgets(name)[:2]
    assert environment(name).fqdn in title["properties"]["markdown"]
    shown = {arn.rpartition(":")[2] for arn in alarms["properties"]["alarms"]}
    assert shown == {each["AlarmName"] for each in every_alarm(name)}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_dashboard_has_rows_without_gaps_or_overlaps(name: str) -> None:
    rows: dict[int, list[Json]] = {}
    for widget in widgets(name):
        rows.setdefault(widget["y"], []).append(widget)
    for row in rows.values():
        assert sum(widget["width"] for widget in row) == 24
        assert len({widget["height"] for widget in row}) == 1
    heights = [max(widget["height"] for widget in rows[y]) for y in sorted(rows)]
    assert sorted(rows) == [sum(heights[:number]) for number in range(len(rows))]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_service_has_a_line_under_its_name_in_each_graph_of_services(name: str) -> None:
    for title in ("Running tasks", "CPU in use, %", "Memory in use, %"):
        [graph] = [each["properties"] for each in widgets(name) if each["properties"].get("title") == title]
        assert [metric[-1]["label"] for metric in graph["metrics"]] == [
            "agora-api",
            "agora-api-next",
            "agora-api-docs",
            "agora-app",
            "agora-apex",
        ]


def test_no_stack_waits_for_the_stack_of_the_topic() -> None:
    waited_for = json.dumps({name: each for name, each in templates("dev").items() if "monitoring" not in name})
    assert "agora-dev-monitoring" not in waited_for


@pytest.mark.parametrize(("alarms", "expected"), [(100, [100]), (101, [100, 1])])
def test_a_widget_shows_at_most_100_alarms(alarms: int, expected: list[int]) -> None:
    stack = cdk.Stack(cdk.App(), "monitoring")
    widgets = alarm_widgets(stack, [f"alarm-{number}" for number in range(alarms)])
    shown = [stack.resolve(widget.to_json())[0]["properties"]["alarms"] for widget in widgets]
    assert list(map(len, shown)) == expected
