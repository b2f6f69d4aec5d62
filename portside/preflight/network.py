"""The network: whether its addresses overlap with others, and are enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.preflight.context import Context, Question
from portside.preflight.quotas import Scale, most_tasks

FULL_SCALE = "addresses: full scale"

# No VPC is larger, so a route to more than that leads to several: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
_LARGEST_VPC = 16
_DELETED = ("deleted", "expired", "failed", "rejected", "deleting")


def questions() -> list[Question]:
    return [
        Question("addresses: other VPCs", apart_from_vpcs),
        Question("addresses: peerings", apart_from_peers),
        Question("addresses: routes", apart_from_routes),
        Question("addresses: rolling update", partial(enough, "addresses: rolling update", Scale.NOW)),
        Question(FULL_SCALE, partial(enough, FULL_SCALE, Scale.FULL)),
    ]


def overlapping(cidr: str, others: Iterable[tuple[str, str]]) -> list[str]:
    """The networks, given as (owner, CIDR), that overlap with one."""
    ours = IPv4Network(cidr)
    return [f"{owner} ({other})" for owner, other in others if ours.overlaps(IPv4Network(other))]


def apart_from_vpcs(context: Context) -> Finding:
    """Whether another VPC of the account and region has addresses of the environment's."""
    own = context.vpc()
    pages = context.client("ec2").get_paginator("describe_vpcs").paginate()
    vpcs = [vpc for page in pages for vpc in page["Vpcs"] if vpc["VpcId"] != own]
    networks = [(_name(vpc), cidr) for vpc in vpcs for cidr in _cidrs(vpc)]
    return _said(context, "addresses: other VPCs", networks, f"shared with none of {len(vpcs)} other VPCs")


def apart_from_peers(context: Context) -> Finding:
    """Whether a network that VPCs of the account are peered with has addresses of the environment's.

    Before the environment has a VPC all peerings count, later its own and those that it could not have any more.
    """
    own = context.vpc()
    pages = context.client("ec2").get_paginator("describe_vpc_peering_connections").paginate()
    found = [each for page in pages for each in page["VpcPeeringConnections"]]
    networks = []
    for peering in (each for each in found if each.get("Status", {}).get("Code") not in _DELETED):
        for side in (peering.get("RequesterVpcInfo", {}), peering.get("AccepterVpcInfo", {})):
            if own is None or side.get("VpcId") != own:
                owner = f"{peering['VpcPeeringConnectionId']} to {side.get('VpcId', 'a VPC')}"
                networks += [(owner, cidr) for cidr in _peer_cidrs(side)]
    return _said(context, "addresses: peerings", networks, f"shared with none of {len(found)} peered networks")


def apart_from_routes(context: Context) -> Finding:
    """Whether a VPC of the account sends addresses of the environment's elsewhere: to a transit gateway or a VPN.

    A route to exactly the range of an existing VPC may lead to that VPC; a range larger than a VPC can have does not
    show which of its addresses are used.
    """
    own, ours = context.vpc(), IPv4Network(context.environment.vpc_cidr)
    pages = context.client("ec2").get_paginator("describe_route_tables").paginate()
    networks = []
    for table in (table for page in pages for table in page["RouteTables"]):
        for route in table["Routes"]:
            cidr, way = route.get("DestinationCidrBlock"), _way(route)
            if cidr is None or way is None or IPv4Network(cidr).prefixlen < _LARGEST_VPC:
                continue
            if own is None or IPv4Network(cidr) != ours:
                networks.append((f"{table['RouteTableId']} of {table['VpcId']} to {way}", cidr))
    return _said(context, "addresses: routes", networks, f"{len(networks)} routes to other networks lead elsewhere")


def _way(route: Mapping[str, Any]) -> str | None:
    gateway = route.get("GatewayId", "")
    way = route.get("TransitGatewayId") or (gateway if gateway.startswith("vgw-") else None)
    return str(way) if way else None


def _said(context: Context, subject: str, networks: Sequence[tuple[str, str]], well: str) -> Finding:
    cidr = context.environment.vpc_cidr
    shared = overlapping(cidr, dict.fromkeys(networks))
    if not shared:
        return ok(subject, f"{cidr}: {well}")
    hint = f'Give ENVIRONMENTS["{context.environment.name}"]["VPC_CIDR"] in app.py a range that no other network uses.'
    return fail(subject, f"{cidr} is shared with {', '.join(shared)}", hint)


def _cidrs(vpc: Mapping[str, Any]) -> Iterator[str]:
    blocks = [
        each["CidrBlock"]
        for each in vpc.get("CidrBlockAssociationSet", ())
        if each.get("CidrBlockState", {}).get("State") in ("associated", "associating")
    ]
    yield from dict.fromkeys([vpc["CidrBlock"], *blocks])


def _peer_cidrs(side: Mapping[str, Any]) -> Iterator[str]:
    blocks = [each["CidrBlock"] for each in side.get("CidrBlockSet", ())]
    yield from dict.fromkeys([*([side["CidrBlock"]] if "CidrBlock" in side else []), *blocks])


def _name(vpc: Mapping[str, Any]) -> str:
    named = next((tag["Value"] for tag in vpc.get("Tags", ()) if tag["Key"] == "Name"), None)
    return f"{vpc['VpcId']} {named}" if named else str(vpc["VpcId"])


def enough(subject: str, scale: Scale, context: Context) -> Finding:
    """Whether the private subnets have an address for every task that a rolling update adds."""
    vpc = context.vpc()
    if vpc is None:
        return ok(subject, f"{context.environment.vpc_cidr} has room for every task, as checked with app.py")
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    pages = context.client("ec2").get_paginator("describe_subnets").paginate(Filters=filters)
    private = [each for page in pages for each in page["Subnets"] if not each.get("MapPublicIpOnLaunch")]
    free = sum(int(each["AvailableIpAddressCount"]) for each in private)
    running = context.running()
    most = sum(most_tasks(props, running.get(props.container_name, 0), scale) for props in context.services)
    added = most - sum(running.values())
    found = f"{free} are free in {len(private)} private subnets, and {added} more tasks may run than now"
    if added > free:
        return fail(subject, found, 'Lower AUTO_SCALE_CAPACITY in app.py ("max"), or free addresses of the subnets.')
    return ok(subject, found)
