"""The seconds and counts of the page on reliability, against the templates."""

from __future__ import annotations

import re

import pytest

from tests.unit.documents import ROOT
from tests.unit.stacks_support import ENVIRONMENTS, Json, environment, every_resource

PAGE = " ".join((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8").split())


def properties(name: str, kind: str) -> list[Json]:
    return [each.get("Properties", {}) for _, _, each in every_resource(name) if each["Type"] == kind]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_load_balancer_asks_as_often_as_it_says(name: str) -> None:
    [group] = properties(name, "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"] == 30
    assert group["HealthCheckIntervalSeconds"] * group["HealthyThresholdCount"] == 20
    assert "three checks, 10 s apart" in PAGE
    assert "two successful checks (20 s)" in PAGE


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_containers_are_asked_as_often_as_it_says(name: str) -> None:
    asked = {
        container["Name"].removeprefix("agora-"): container.get("HealthCheck")
        for task in properties(name, "AWS::ECS::TaskDefinition")
        for container in task["ContainerDefinitions"]
    }
    assert {each["Interval"] * each["Retries"] for each in asked.values() if each} == {30}
    assert {service for service, check in asked.items() if check} == {"api", "api-docs", "app"}
    assert "the container's for api, api-docs and app" in PAGE


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_deployment_gives_up_after_as_many_tasks_as_it_says(name: str) -> None:
    for service in properties(name, "AWS::ECS::Service"):
        breaker = service["DeploymentConfiguration"]["DeploymentCircuitBreaker"]
        assert breaker["ThresholdConfiguration"]["Value"] == 3
    assert "three failed tasks" in PAGE


@pytest.mark.parametrize(
    ("alarm", "threshold", "minutes", "said"),
    [
        ("server-errors", 25, 2, "25 errors a minute for two minutes roll it back"),
        ("slow-answers", 3, 2, "1 in 20 responses over 3 s for two minutes"),
        ("unhealthy-targets", 1, 2, "`unhealthy-targets` after two minutes"),
        ("too-few-tasks", None, 5, "`too-few-tasks` after five"),
    ],
)
def test_alarms_are_on_when_it_says(alarm: str, threshold: float | None, minutes: int, said: str) -> None:
    found = [each for each in properties("prod", "AWS::CloudWatch::Alarm") if each["AlarmName"].endswith(alarm)]
    assert found
    assert {each["EvaluationPeriods"] for each in found} == {minutes}
    assert threshold is None or {each["Threshold"] for each in found} == {threshold}
    assert said in PAGE


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_database_is_as_alone_as_it_says(name: str) -> None:
    assert len(properties(name, "AWS::DocDB::DBInstance")) == 1
    assert "**There is one instance, in one zone**" in PAGE


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_networks_are_as_large_as_it_says(name: str) -> None:
    assert environment(name).vpc_cidr.endswith("/24")
    private = [
        each["CidrBlock"] for each in properties(name, "AWS::EC2::Subnet") if not each.get("MapPublicIpOnLaunch")
    ]
    assert [each.rpartition("/")[2] for each in private] == ["26", "26"]
    assert "two private subnets of 64" in PAGE


def test_every_failure_of_the_table_has_its_section() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[[^\]]+\]\(#([\w-]+)\)", text, re.M)
    assert len(listed) == len(set(listed)) == 13
