"""Tests for portside/costs/estimate.py, and for the page that says what an environment costs."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from portside.cli.costs import costs
from portside.costs.estimate import PRICES, Line, assumed, standing, total
from portside.errors import UsageError
from tests.apps import agora, shop
from tests.unit.configuration_support import service
from tests.unit.documents import ROOT
from tests.unit.stacks_support import ENVIRONMENTS, Json, every_resource

PAGE = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")


def of(name: str) -> list[Line]:
    configuration = agora()
    return standing(configuration.environment(name), configuration.services_of(name))


def quantity(lines: Sequence[Line], name: str) -> float:
    return next(line.quantity for line in lines if line.name == name)


def test_tasks_cost_what_they_are_sized_at_for_as_many_as_there_are() -> None:
    environment = agora().environment("dev")
    lines = standing(environment, [service(cpu=512, memory=1024, auto_scale_min_capacity=3, auto_scale_max_capacity=4)])
    assert quantity(lines, "Fargate, vCPU") == 1.5
    assert quantity(lines, "Fargate, GB of memory") == 3
    assert Line("Fargate, vCPU", 1.5).dollars == 44.33


def test_a_class_without_a_price_is_not_guessed() -> None:
    environment = dataclasses.replace(agora().environment("dev"), database_instance_class="r6g.large")
    with pytest.raises(UsageError, match=r"the price of DocumentDB r6g\.large is unknown"):
        standing(environment, [service()])


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_quantities_are_those_of_the_templates(name: str) -> None:
    lines = of(name)
    found = {
        "NAT gateway": count(name, "AWS::EC2::NatGateway"),
        "load balancer": count(name, "AWS::ElasticLoadBalancingV2::LoadBalancer"),
        "DocumentDB r5.large": count(name, "AWS::DocDB::DBInstance"),
        "firewall": count(name, "AWS::WAFv2::WebACL"),
        "firewall, rule": sum(len(acl["Rules"]) for acl in properties(name, "AWS::WAFv2::WebACL")),
        "alarm, metric": sum(map(metrics, properties(name, "AWS::CloudWatch::Alarm")))
        + 2 * count(name, "AWS::ApplicationAutoScaling::ScalingPolicy"),
        "public IPv4 address": count(name, "AWS::EC2::EIP")
        + sum(len(each["Subnets"]) for each in properties(name, "AWS::ElasticLoadBalancingV2::LoadBalancer")),
    }
    assert {each: quantity(lines, each) for each in found} == found


def count(name: str, kind: str) -> int:
    return len(properties(name, kind))


def properties(name: str, kind: str) -> list[Json]:
    return [each.get("Properties", {}) for _, _, each in every_resource(name) if each["Type"] == kind]


def metrics(alarm: Json) -> int:
    return sum("MetricStat" in each for each in alarm["Metrics"]) if "Metrics" in alarm else 1


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_dashboard_is_one_of_those_that_cost_nothing(name: str) -> None:
    [board] = properties(name, "AWS::CloudWatch::Dashboard")
    # https://aws.amazon.com/cloudwatch/pricing/
    assert json.dumps(board).count('\\"label\\"') <= 50


def test_the_page_has_the_estimate_s_figures() -> None:
    dev, prod = of("dev"), of("prod")
    assert [dataclasses.astuple(line) for line in of("stage")] == [dataclasses.astuple(line) for line in prod]
    rows = [
        [here.name, f"{here.quantity:g}", money(here.dollars), f"{there.quantity:g}", money(there.dollars)]
        for here, there in zip(dev, prod, strict=True)
    ]
    assert table("Fixed costs") == [
        *rows,
        ["**a month**", "", f"**{money(total(dev))}**", "", f"**{money(total(prod))}**"],
    ]
    lines = assumed(agora().environment("dev"))
    assert [(row[0], row[2]) for row in table("Usage costs")] == [
        *((line.name, money(line.dollars)) for line in lines),
        ("**a month**", f"**{money(total(assumed(agora().environment('dev'))))}**"),
    ]
    use = total(lines)
    assert f"some ${money(total(dev) + use)} a month for dev, and ${money(total(prod) + use)} each" in PAGE


def test_the_page_has_every_price_with_its_source() -> None:
    assert table("Prices") == [
        [name, f"{price.dollars:g}", price.unit, f"<{price.source}>"] for name, price in PRICES.items()
    ]


def test_the_command_adds_up() -> None:
    reported = json.loads(CliRunner().invoke(costs, ["dev", "--json"], catch_exceptions=False).stdout)
    assert reported["total"] == round(
        sum(each["dollars"] for part in ("standing", "by use") for each in reported[part]), 2
    )


def test_own_stacks_are_named_with_the_resources_that_the_total_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portside.cli.costs.read_configuration", lambda **_: shop())
    done = CliRunner().invoke(costs, ["dev"], catch_exceptions=False)
    assert "cache: an own stack, whose AWS::ElastiCache::ServerlessCache the total does not include" in done.stderr
    reported = json.loads(CliRunner().invoke(costs, ["dev", "--json"], catch_exceptions=False).stdout)
    assert reported["own stacks, not priced"] == {
        "cache": ["AWS::ElastiCache::ServerlessCache"],
        "orders": ["AWS::SQS::Queue"],
        "storage": ["AWS::S3::Bucket"],
    }
    monkeypatch.setattr("portside.cli.costs.read_configuration", lambda **_: agora())
    assert "own stack" not in CliRunner().invoke(costs, ["dev", "--json"], catch_exceptions=False).stdout


def money(dollars: float) -> str:
    return f"{dollars:,.2f}"


def table(section: str) -> list[list[str]]:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [re.split(r" *\| *", line.strip("| ")) for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]
