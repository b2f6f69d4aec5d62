"""Verifying the network: addresses that are no one else's, and enough of them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.config.environment import OWNER_TAG
from portside.findings.check import FAIL, OK, SKIP
from portside.findings.finding import Finding
from portside.preflight import network
from portside.preflight.network import overlapping
from tests.unit.verification_support import (
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

OURS = "10.254.172.0/24"


def vpc(name: str, *cidrs: str) -> dict[str, Any]:
    blocks = [{"CidrBlock": cidr, "CidrBlockState": {"State": "associated"}} for cidr in cidrs]
    return {"VpcId": name, "CidrBlock": cidrs[0], "CidrBlockAssociationSet": blocks}


def found(
    subject: str,
    *,
    vpcs: Any = (),
    peerings: Any = (),
    routes: Any = (),
    is_deployed: bool = False,
    **more: Any,
) -> Finding:
    """Each VPC on a separate page."""
    tables = [{"RouteTableId": "rtb-1", "VpcId": "vpc-2", "Routes": list(routes)}]
    ec2 = FakeClient(
        describe_vpcs=vpcs if isinstance(vpcs, Exception) else [{"Vpcs": [each]} for each in vpcs],
        describe_vpc_peering_connections=[{"VpcPeeringConnections": [each]} for each in peerings],
        describe_route_tables=[{"RouteTables": tables}],
    )
    about = context({"ec2": ec2}, stacks=NETWORK if is_deployed else {}, **more)
    return by_subject([each for each in network.questions() if each.subject == subject], about)[subject]


VPCS = "addresses: other VPCs"


def test_addresses_of_no_one_else_are_ok() -> None:
    check = found(VPCS, vpcs=[vpc("vpc-1", "172.31.0.0/16"), vpc("vpc-2", "10.254.173.0/24")])
    assert (check.state, check.what) == (OK, f"{OURS}: shared with none of 2 other VPCs")


def test_addresses_of_another_vpc_fail_also_its_later_ones() -> None:
    check = found(VPCS, vpcs=[vpc("vpc-1", "172.31.0.0/16"), vpc("vpc-2", "10.0.0.0/16", "10.254.0.0/16")])
    assert (check.state, check.what) == (FAIL, f"{OURS} is shared with vpc-2 (10.254.0.0/16)")
    assert 'ENVIRONMENTS["dev"]["VPC_CIDR"]' in check.fix


def test_the_environments_own_vpc_is_no_other() -> None:
    assert found(VPCS, vpcs=[vpc("vpc-own", OURS)], is_deployed=True).state == OK
    assert found(VPCS, vpcs=[vpc("vpc-own", OURS)], is_deployed=False).state == FAIL


def test_throttled_midway_nothing_is_known() -> None:
    check = found(VPCS, vpcs=THROTTLED)
    assert (check.state, "AWS throttles the calls" in check.what) == (SKIP, True)


def peering(cidr: str, status: str = "active", other: str = "vpc-2") -> dict[str, Any]:
    return {
        "VpcPeeringConnectionId": "pcx-1",
        "Status": {"Code": status},
        "RequesterVpcInfo": {"VpcId": other, "CidrBlock": cidr, "CidrBlockSet": [{"CidrBlock": cidr}]},
        "AccepterVpcInfo": {"VpcId": "vpc-3", "CidrBlock": "172.20.0.0/16"},
    }


@pytest.mark.parametrize(
    ("connection", "is_deployed", "state"),
    [
        (peering("10.253.0.0/16"), False, OK),
        (peering("10.254.0.0/16"), False, FAIL),
        (peering("10.254.0.0/16", "deleted"), False, OK),
        (peering(OURS, other="vpc-own"), True, OK),
    ],
)
def test_networks_that_are_peered_count_while_they_are(
    connection: dict[str, Any], is_deployed: bool, state: str
) -> None:
    assert found("addresses: peerings", peerings=[connection], is_deployed=is_deployed).state == state


@pytest.mark.parametrize(
    ("route", "is_deployed", "state"),
    [
        ({"DestinationCidrBlock": "10.254.172.128/25", "TransitGatewayId": "tgw-1"}, True, FAIL),
        ({"DestinationCidrBlock": "10.254.0.0/16", "GatewayId": "vgw-1"}, False, FAIL),
        ({"DestinationCidrBlock": "10.0.0.0/8", "TransitGatewayId": "tgw-1"}, False, OK),
        ({"DestinationCidrBlock": OURS, "TransitGatewayId": "tgw-1"}, True, OK),
        ({"DestinationCidrBlock": OURS, "TransitGatewayId": "tgw-1"}, False, FAIL),
        ({"DestinationCidrBlock": OURS, "GatewayId": "local"}, False, OK),
        ({"DestinationPrefixListId": "pl-1", "GatewayId": "vgw-1"}, False, OK),
    ],
)
def test_routes_that_lead_our_addresses_elsewhere_fail(route: dict[str, str], is_deployed: bool, state: str) -> None:
    assert found("addresses: routes", routes=[route], is_deployed=is_deployed).state == state


ENOUGH = "addresses: rolling update"
SERVICE = "arn:aws:ecs:us-east-1:607346494281:service/cluster/app"


def room(subject: str, free: int, *, running: int = 1, is_local: bool = False) -> Finding:
    """The one service has one to two tasks, so a rolling update runs two to four."""
    subnets = [
        {"AvailableIpAddressCount": free, "MapPublicIpOnLaunch": False},
        {"AvailableIpAddressCount": 200, "MapPublicIpOnLaunch": True},
    ]
    ecs = running_service(running)
    clients = {"ec2": FakeClient(describe_subnets=[{"Subnets": subnets}]), "ecs": ecs, "elbv2": None}
    app = deployed(resources=[resource_of("AWS::ECS::Service", SERVICE)])
    configuration = configuration_with({"public": True, "auto_scale_max_capacity": 2})
    about = context(clients, stacks={**NETWORK, "agora-dev-app": app}, configuration=configuration, is_local=is_local)
    return by_subject([each for each in network.questions() if each.subject == subject], about)[subject]


@pytest.mark.parametrize(
    ("subject", "free", "running", "state"),
    [
        (ENOUGH, 1, 1, OK),
        (ENOUGH, 0, 1, FAIL),
        (ENOUGH, 1, 2, FAIL),
        (ENOUGH, 2, 2, OK),
        ("addresses: full scale", 3, 1, OK),
        ("addresses: full scale", 2, 1, FAIL),
        ("addresses: full scale", 2, 2, OK),
    ],
)
def test_free_addresses_of_private_subnets_must_hold_what_a_rolling_update_adds(
    subject: str, free: int, running: int, state: str
) -> None:
    check = room(subject, free, running=running)
    assert check.state == state
    assert bool(check.fix) == (state == FAIL)


def test_before_there_is_a_network_the_configuration_checks_are_enough() -> None:
    assert found(ENOUGH).state == OK


@pytest.mark.parametrize(("free", "state"), [(1, OK), (0, FAIL)])
def test_a_rehearsal_is_asked_as_aws_is(free: int, state: str) -> None:
    assert room(ENOUGH, free, is_local=True).state == state


NETWORKS = st.builds(
    lambda address, bits: IPv4Network((int(address), bits), strict=False),
    st.ip_addresses(v=4),
    st.integers(min_value=8, max_value=30),
)


@given(NETWORKS, st.lists(NETWORKS, max_size=4))
def test_a_network_is_shared_where_one_holds_the_others_first_address(
    ours: IPv4Network, others: list[IPv4Network]
) -> None:
    shared = overlapping(str(ours), [(str(index), str(other)) for index, other in enumerate(others)])
    expected = [
        f"{index} ({other})"
        for index, other in enumerate(others)
        if ours.network_address in other or other.network_address in ours
    ]
    assert shared == expected


@given(NETWORKS.filter(lambda network: network.prefixlen < 30))
def test_the_halves_of_a_network_overlap_with_it_and_not_with_each_other(ours: IPv4Network) -> None:
    first, second = map(str, ours.subnets())
    assert overlapping(first, [("the other half", second)]) == []
    assert overlapping(str(ours), [("half", first)]) == [f"half ({first})"]
    assert IPv4Address(second.partition("/")[0]) in ours


def test_addresses_are_not_compared_with_the_network_of_another_app() -> None:
    theirs = {"agora-dev-network": {**deployed(), "tags": {OWNER_TAG: "model-ad/dev"}}}
    about = context({"ec2": FakeClient()}, stacks=theirs)
    checks = by_subject(network.questions(), about)
    assert {check.state for check in checks.values()} == {SKIP}
    assert {check.what for check in checks.values()} == {
        "stack agora-dev-network belongs to model-ad/dev, by its tag portside:owner"
    }
