"""The costs of resources in a template: each sum is calculated by hand."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.cost_assumptions import ASSUMPTIONS
from portside.costs.estimate import Costs, Difference, environment_costs, template_costs
from portside.costs.prices import BY_USE, EACH, PRICES, UNPRICED
from portside.costs.quantities import is_known
from tests.apps import agora, desk, hello, portal, press, shop
from tests.unit.operations_support import resource
from tests.unit.stacks_support import read_templates, shared_synthesis_with

BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
NO_USAGE = dict.fromkeys(ASSUMPTIONS, 0.0)
QUIET = {**NO_USAGE, "scaled_up": 0.1}

SERVICE = {
    "Task": resource("AWS::ECS::TaskDefinition", Cpu="512", Memory="1024"),
    "Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}),
    "Target": resource(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        MinCapacity=2,
        MaxCapacity=4,
        ResourceId={"Fn::GetAtt": ["Service", "Name"]},
    ),
}


def costs(assumed: dict[str, float] | None = None, **resources: dict[str, Any]) -> Costs:
    return environment_costs([{"Resources": resources}], NO_USAGE | (assumed or {}))


def quantities(found: Costs) -> dict[str, tuple[float, float]]:
    return {line.name: (line.least, line.expected) for line in found.lines}


def templates(configuration: Configuration, name: str) -> list[dict[str, Any]]:
    return list(read_templates(shared_synthesis_with(None, configuration, name)).values())


@pytest.mark.parametrize("app", [agora, desk, hello, portal, press, shop])
def test_every_type_in_the_templates_is_priced_or_free_or_known_to_be_unpriced(app: Any) -> None:
    for name in app().environments:
        types = {each["Type"] for template in templates(app(), name) for each in template["Resources"].values()}
        assert {each for each in types if not is_known(each)} == set()


def test_a_type_in_no_table_is_named_and_not_free() -> None:
    found = costs(Thing=resource("AWS::Redshift::Cluster"), Other=resource("AWS::SQS::Queue"))
    assert found.unpriced == ("AWS::Redshift::Cluster", "AWS::SQS::Queue")
    assert found.as_json()["unpriced"] == {"AWS::Redshift::Cluster": "unknown", "AWS::SQS::Queue": "by requests"}


def test_the_tables_name_only_what_exists() -> None:
    assert {name for each in EACH.values() for name in each} | set(BY_USE) <= set(PRICES)
    assert {row["assumption"] for row in BY_USE.values()} <= set(ASSUMPTIONS)
    assert not set(EACH) & set(UNPRICED)


def test_own_stacks_are_priced_with_the_others_and_what_has_no_price_is_named() -> None:
    found = environment_costs(templates(shop(), "dev"), {})
    unpriced = ("EFS::FileSystem", "ElastiCache::ServerlessCache", "S3::Bucket", "SQS::Queue")
    assert found.unpriced == tuple(f"AWS::{each}" for each in unpriced)


# By hand, at $0.04048 a vCPU and $0.004445 a GB an hour: 0.5 vCPU and 1 GB are $18.02 a month of 730 hours.
@pytest.mark.parametrize(
    ("changes", "least", "dollars"),
    [
        ({}, 14.78 * 2 + 3.24 * 2, 36.04 * 2.2 / 2),
        ({"Target": resource("AWS::SNS::Topic")}, 18.02, 18.02),
        (
            {"Service": resource("AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, DesiredCount=3), "Target": {}},
            54.06,
            54.06,
        ),
        ({"Service": {}}, 0, 0),
    ],
)
def test_a_service_costs_what_its_fewest_and_its_expected_tasks_cost(
    changes: dict[str, Any], least: float, dollars: float
) -> None:
    found = costs({"scaled_up": 0.1}, **(SERVICE | changes))
    assert [found.least, found.dollars] == pytest.approx([least, dollars], abs=0.03)


def test_a_resource_whose_quantity_the_template_does_not_show_is_named() -> None:
    assert costs(Api=resource("AWS::ECS::Service", TaskDefinition="arn")).unpriced == ("AWS::ECS::Service Api",)
    elsewhere = resource("AWS::ECS::Service", TaskDefinition={"Ref": "Parameter"})
    assert costs(Api=elsewhere).unpriced == ("AWS::ECS::Service Api",)
    chosen = resource("AWS::WAFv2::WebACL", Rules=5)
    assert costs(Acl=chosen).unpriced == ("AWS::WAFv2::WebACL Acl",)


@pytest.mark.parametrize(
    ("strategy", "on_demand", "spot"),
    [
        ([{"CapacityProvider": "FARGATE", "Base": 1, "Weight": 1}], 4, 0),
        ([{"CapacityProvider": "FARGATE", "Base": 1}, {"CapacityProvider": "FARGATE_SPOT", "Weight": 1}], 1, 3),
        ([{"CapacityProvider": "FARGATE", "Weight": 1}, {"CapacityProvider": "FARGATE_SPOT", "Weight": 3}], 1, 3),
        ([{"CapacityProvider": "FARGATE_SPOT", "Base": 2}, {"CapacityProvider": "FARGATE", "Weight": 1}], 2, 2),
    ],
)
def test_tasks_on_spot_have_their_own_price(strategy: list[dict[str, Any]], on_demand: float, spot: float) -> None:
    service = resource(
        "AWS::ECS::Service", TaskDefinition={"Ref": "Task"}, DesiredCount=4, CapacityProviderStrategy=strategy
    )
    found = costs(Task=SERVICE["Task"], Service=service)
    assert found.line("Fargate, vCPU").least == on_demand / 2
    assert found.line("Fargate Spot, vCPU").least == spot / 2
    assert found.line("Fargate Spot, GB of memory").least == spot
    # By hand: 730 hours of half a vCPU and 1 GB, on demand and on Spot.
    assert found.dollars == pytest.approx(on_demand * 18.02 + spot * (4.869 + 1.069), abs=0.03)


def test_arm_and_more_storage_have_their_own_prices() -> None:
    task = resource(
        "AWS::ECS::TaskDefinition",
        Cpu="1024",
        Memory="2048",
        RuntimePlatform={"CpuArchitecture": "ARM64"},
        EphemeralStorage={"SizeInGiB": 50},
    )
    found = costs(Task=task, Service=SERVICE["Service"])
    assert quantities(found) == {
        "Fargate, GB of storage": (30, 30),
        "Fargate ARM, vCPU": (1, 1),
        "Fargate ARM, GB of memory": (2, 2),
    }
    assert [line.dollars for line in found.lines] == [2.43, 23.64, 5.20]


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        (resource("AWS::SNS::Topic"), 20),
        (resource("AWS::Scheduler::Schedule", ScheduleExpression="rate(1 hour)", Target={"T": {"Ref": "Task"}}), 730),
        (resource("AWS::Scheduler::Schedule", ScheduleExpression="at(2026-12-01)", Target={"T": {"Ref": "Task"}}), 1),
    ],
)
def test_tasks_that_end_cost_their_assumed_minutes(schedule: dict[str, Any], runs: float) -> None:
    found = costs({"job_runs": 20, "run_minutes": 30}, Task=SERVICE["Task"], Schedule=schedule)
    # 0.5 vCPU for half an hour each.
    assert found.line("Fargate, vCPU").dollars == pytest.approx(runs * 0.5 * 0.5 * 0.04048, abs=0.01)
    assert found.least == 0


# Each switch alone, with what it adds a month: hours are 730.
@pytest.mark.parametrize(
    ("added", "least", "expected"),
    [
        (resource("AWS::EC2::NatGateway"), 32.85, 32.85 + 0.90),
        (resource("AWS::EC2::EIP"), 3.65, 3.65),
        (resource("AWS::DocDB::DBInstance", DBInstanceClass="db.r5.large"), 202.21, 202.21),
        (resource("AWS::DocDB::DBInstance", DBInstanceClass="db.t3.medium"), 56.94, 56.94),
        (resource("AWS::DocDB::DBCluster"), 0, 0.50 + 1.00 + 0.10),
        (resource("AWS::WAFv2::WebACL", Rules=[{}, {}, {}]), 8, 8 + 1.80),
        (resource("AWS::EC2::VPCEndpoint", VpcEndpointType="Interface", SubnetIds=["a", "b"]), 14.60, 14.60),
        (resource("AWS::EC2::VPCEndpoint", VpcEndpointType="Gateway"), 0, 0),
        (resource("AWS::EC2::VPCEndpoint", VpcEndpointType="Interface", ServiceName="a.guardduty-data"), 0, 0),
        (resource(BALANCER, Scheme="internet-facing", Subnets=["a", "b"]), 16.43 + 7.30, 23.73 + 2.92 + 1.80),
        (resource(BALANCER, Scheme="internal", Subnets=["a", "b"]), 16.43, 16.43 + 2.92 + 1.80),
        (resource("AWS::CloudWatch::Alarm"), 0.10, 0.10),
        (resource("AWS::CloudWatch::Alarm", Metrics=[{"MetricStat": {}}, {"MetricStat": {}}, {}]), 0.20, 0.20),
        (resource("AWS::ApplicationAutoScaling::ScalingPolicy"), 0.20, 0.20),
        (resource("AWS::CloudWatch::Dashboard"), 3, 3),
        (resource("AWS::KMS::Key"), 1, 1),
        (resource("AWS::SecretsManager::Secret"), 0.40, 0.40),
        (resource("AWS::ServiceDiscovery::PrivateDnsNamespace"), 0.50, 0.50),
        (resource("AWS::EC2::Instance", InstanceType="t3.micro"), 7.59 + 0.64, 7.59 + 0.64),
        (resource("AWS::SSM::Parameter", Tier="Advanced"), 0.05, 0.05),
        (resource("AWS::SSM::Parameter"), 0, 0),
        (resource("AWS::Logs::LogGroup", RetentionInDays=90), 0, 1.25 + 0.22),
        (resource("AWS::Logs::LogGroup", RetentionInDays=30), 0, 1.25 + 0.07),
        (resource("AWS::Logs::LogGroup"), 0, 1.25 + 0.91),
    ],
)  # fmt: skip
def test_a_switch_adds_its_known_price(added: dict[str, Any], least: float, expected: float) -> None:
    before, after = environment_costs([], {}), environment_costs([{"Resources": {"Added": added}}], {})
    assert before.dollars == 0
    assert [after.least, Difference(before, after).dollars] == pytest.approx([least, expected])


def test_guardduty_and_container_insights_cost_by_tasks_and_services() -> None:
    enabled, enhanced, off = (
        resource("AWS::ECS::Cluster", ClusterSettings=[{"Name": "containerInsights", "Value": value}])
        for value in ("enabled", "enhanced", "disabled")
    )
    without = costs(QUIET, **SERVICE)
    # 2.2 tasks of half a vCPU, at $1.50.
    assert costs({**QUIET, "guardduty": 1}, **SERVICE).dollars == pytest.approx(without.dollars + 1.65)
    # 20 metrics of one service, at $0.30 and at $0.07.
    for cluster, dollars in ((enabled, 6), (enhanced, 1.40), (off, 0)):
        found = costs({**QUIET, "insights_metrics": 20}, **SERVICE, Cluster=cluster)
        assert found.dollars == pytest.approx(without.dollars + dollars)


def test_access_logs_are_priced_and_other_buckets_are_named() -> None:
    attributes = [{"Key": "access_logs.s3.bucket", "Value": {"Ref": "Logs"}}]
    balancer = resource(BALANCER, LoadBalancerAttributes=attributes)
    rules = {"Rules": [{"Status": "Enabled"}, {"ExpirationInDays": 60}]}
    bucket = resource("AWS::S3::Bucket", LifecycleConfiguration=rules)
    found = costs({"access_logs_gb": 100}, Balancer=balancer, Logs=bucket)
    assert (found.line("access logs, kept").dollars, found.unpriced) == (4.60, ())
    assert costs(Logs=bucket).unpriced == ("AWS::S3::Bucket",)


def test_a_secret_of_no_stack_is_counted_once() -> None:
    secret = {"ValueFrom": "arn:aws:secretsmanager:us-east-1:607346494281:secret:app-key"}
    login = {"CredentialsParameter": secret["ValueFrom"].replace("app-key", "registry-login")}
    containers = [{"Secrets": [secret, secret], "RepositoryCredentials": login}]
    task = resource("AWS::ECS::TaskDefinition", ContainerDefinitions=containers)
    own = resource("AWS::SecretsManager::Secret")
    assert costs(One=task, Two=task, Own=own).line("secret").least == 3


def test_a_single_stack_is_priced_without_the_usage_of_the_environment() -> None:
    found = template_costs(
        {"Resources": {"Gateway": resource("AWS::EC2::NatGateway"), "Key": resource("AWS::KMS::Key")}}
    )
    assert (found.least, found.dollars, found.sentence) == (33.85, 33.85, "$33.85 a month")
    host = template_costs({"Resources": {"Host": resource("AWS::EC2::Instance", InstanceType="t9.huge")}})
    assert host.sentence == "$0.64 a month, and EC2 t9.huge, whose price is unknown"
    assert template_costs({}).sentence == "$0.00 a month"
