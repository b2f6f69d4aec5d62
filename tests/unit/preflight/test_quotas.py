"""Verifying quotas: what a deployment adds, against what the account may have and has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from portside.config.configuration import Configuration
from portside.config.service_props import Call
from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import quotas
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.operations_support import NOON, client_error
from tests.unit.verification_support import (
    DENIED,
    NETWORK,
    THROTTLED,
    FakeClient,
    by_subject,
    configuration_with,
    context,
    deployed,
    resource_of,
    running_service,
)

SERVICE = "arn:aws:ecs:us-east-1:607346494281:service/cluster/app"
RUNNING = {"agora-dev-app": deployed(resources=[resource_of("AWS::ECS::Service", SERVICE)])}


def quota(value: float) -> FakeClient:
    return FakeClient(get_service_quota={"Quota": {"Value": value}})


def found(
    subject: str,
    quotas_of: FakeClient,
    *,
    stacks: Any = None,
    configuration: Configuration | None = None,
    **clients: Any,
) -> Finding:
    about = context({"service-quotas": quotas_of, **clients}, stacks=stacks, configuration=configuration)
    return by_subject([each for each in quotas.questions(about) if each.subject == f"quota: {subject}"], about)[
        f"quota: {subject}"
    ]


NOW, FULL = "Fargate vCPUs", "Fargate vCPUs, full scale"


def vcpus(subject: str, *, allowed: float, used: float | None, running: int = 0) -> Finding:
    """The one service has half a vCPU and one to two tasks: a rolling update needs one to two vCPUs."""
    configuration = configuration_with({"public": True, "cpu": 512, "auto_scale_max_capacity": 2})
    points = [] if used is None else [{"Timestamp": NOON, "Maximum": used}]
    points += [{"Timestamp": NOON - timedelta(minutes=5), "Maximum": 999.0}] if points else []
    clients = {
        "cloudwatch": FakeClient(get_metric_statistics={"Datapoints": points}),
        "ecs": running_service(running),
        "elbv2": None,
    }
    return found(subject, quota(allowed), stacks=RUNNING if running else {}, configuration=configuration, **clients)


@pytest.mark.parametrize(
    ("subject", "allowed", "used", "running", "state"),
    [
        (FULL, 2, None, 0, OK),
        (FULL, 1.5, None, 0, FAIL),
        (FULL, 6, 4, 0, OK),
        (FULL, 6, 4.5, 0, FAIL),
        # Of what is in use, its own task's half is part of what it may need.
        (FULL, 6, 4.5, 1, OK),
        (NOW, 1, None, 0, OK),
        (NOW, 0.5, None, 0, FAIL),
        (NOW, 2, 1, 2, OK),
        (NOW, 1.5, 1, 2, FAIL),
    ],
)
def test_vcpus_must_hold_what_others_use_and_a_rolling_update(
    subject: str, allowed: float, used: float | None, running: int, state: str
) -> None:
    check = vcpus(subject, allowed=allowed, used=used, running=running)
    assert check.state == state
    assert ("--quota-code L-3032A538" in check.fix) == (state == FAIL)


def test_usage_that_contradicts_what_runs_is_not_known() -> None:
    assert vcpus(NOW, allowed=100, used=None, running=1).state == SKIP


def test_spot_has_its_own_quota() -> None:
    spot = check_configuration(environments(dev={}), lambda _: [service(public=True, spot_weight=1)])
    about = context(configuration=spot)
    assert "quota: Fargate Spot vCPUs, full scale" in [each.subject for each in quotas.questions(about)]
    assert "quota: Fargate Spot vCPUs, full scale" not in [each.subject for each in quotas.questions(context())]


VPCS = FakeClient(describe_vpcs=[{"Vpcs": [1, 2]}, {"Vpcs": [3, 4, 5]}])


@pytest.mark.parametrize(("allowed", "state"), [(6, OK), (5, FAIL)])
def test_a_new_environment_adds_a_vpc(allowed: int, state: str) -> None:
    check = found("VPCs", quota(allowed), ec2=VPCS)
    assert (check.state, check.what) == (state, f"1 more would be made; 5 of {allowed} VPCs are used by others")


def test_an_environment_that_has_its_vpc_adds_none_and_asks_nothing() -> None:
    refusing = FakeClient()
    assert found("VPCs", refusing, stacks=NETWORK).what == "the deployment adds none"


def test_a_quota_that_was_never_raised_is_that_of_every_account() -> None:
    usual = FakeClient(
        get_service_quota=client_error("NoSuchResourceException", "none"),
        get_aws_default_service_quota={"Quota": {"Value": 5.0}},
    )
    assert found("VPCs", usual, ec2=VPCS).state == FAIL


@pytest.mark.parametrize("refusal", [DENIED, THROTTLED])
def test_a_quota_that_can_not_be_asked_for_is_not_known(refusal: Exception) -> None:
    assert found("VPCs", FakeClient(get_service_quota=refusal), ec2=VPCS).state == SKIP


@pytest.mark.parametrize(("allowed", "state"), [(5, OK), (4, FAIL)])
def test_each_new_nat_gateway_needs_an_address(allowed: int, state: str) -> None:
    ec2 = FakeClient(describe_addresses={"Addresses": [1, 2, 3]})
    assert (
        found("elastic addresses", quota(allowed), configuration=configuration_with(NAT_GATEWAYS=2), ec2=ec2).state
        == state
    )


def test_nat_gateways_that_are_there_add_no_address() -> None:
    gateways = [resource_of("AWS::EC2::NatGateway", f"nat-{number}") for number in (1, 2)]
    stacks = {"agora-dev-network": deployed(resources=gateways)}
    assert (
        found("elastic addresses", FakeClient(), configuration=configuration_with(NAT_GATEWAYS=2), stacks=stacks).state
        == OK
    )


@pytest.mark.parametrize(("in_first_zone", "state"), [(4, OK), (5, FAIL)])
def test_nat_gateways_are_counted_by_zone(in_first_zone: int, state: str) -> None:
    ec2 = FakeClient(
        describe_nat_gateways=[
            {"NatGateways": [{"SubnetId": "s-a"}] * in_first_zone},
            {"NatGateways": [{"SubnetId": "s-c"}] * 5},
        ],
        describe_subnets=[
            {"Subnets": [{"SubnetId": f"s-{zone}", "AvailabilityZone": f"us-east-1{zone}"}]} for zone in "abc"
        ],
        describe_availability_zones={"AvailabilityZones": [{"ZoneName": f"us-east-1{zone}"} for zone in "cba"]},
    )
    assert found("NAT gateways", quota(5), ec2=ec2).state == state


@pytest.mark.parametrize(("allowed", "state"), [(2, OK), (1, FAIL)])
def test_only_application_load_balancers_count_among_load_balancers(allowed: int, state: str) -> None:
    balancers = [{"Type": "application"}, {"Type": "network"}]
    elbv2 = FakeClient(describe_load_balancers=[{"LoadBalancers": balancers}])
    assert found("load balancers", quota(allowed), elbv2=elbv2).state == state


def test_a_rehearsal_is_asked_as_aws_is() -> None:
    about = context({"service-quotas": quota(4), "ec2": VPCS}, is_local=True)
    (asked,) = [each for each in quotas.questions(about) if each.subject == "quota: VPCs"]
    assert by_subject([asked], about)["quota: VPCs"].state == FAIL


def many_callers(count: int) -> Configuration:
    callees = [service(container_name=f"callee-{number}", public=not number) for number in range(5)]
    calls = [Call(f"callee-{number}", 443) for number in range(5)]
    callers = [service(container_name=f"caller-{number}", calls=calls) for number in range(count)]
    written = environments(dev={"VPC_CIDR": "10.20.0.0/16"})
    return check_configuration(written, lambda _: [*callees, *callers])


@pytest.mark.parametrize(("allowed", "state"), [(61, OK), (60, FAIL)])
def test_a_callee_has_a_rule_for_each_caller_with_many_calls(allowed: int, state: str) -> None:
    # 59 callers, the group of all others, and the load balancer.
    check = found("rules of a security group", quota(allowed), configuration=many_callers(59))
    assert check.state == state
    assert "the security group of callee-0 needs 61 inbound rules" in check.what


def test_rules_that_every_account_has_are_not_asked_for() -> None:
    subjects = [each.subject for each in quotas.questions(context(configuration=many_callers(58)))]
    assert "quota: rules of a security group" not in subjects
