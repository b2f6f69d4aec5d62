"""Address ranges of VPCs and subnets, and single rules of security groups."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import doubles, known, over, over_assembly, wrong
from portside.findings.templates.values import Handle, Unknown, flag, is_open, many, objects, text, whole

# https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
_LARGEST, _SMALLEST = 16, 28
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
_MOST_RULES = 60
Range = ipaddress.IPv4Network


@over("EC2::VPC")
def ranges(assembly: Assembly, vpc: Resource) -> Iterator[Finding]:
    """Ranges that are none, subnets outside their VPC, and subnets that overlap."""
    whole_range, problem = _range(vpc)
    if problem:
        yield wrong("RANGE", vpc, problem, at="CidrBlock")
    more = [each for each in assembly.of_type("EC2::VPCCidrBlock") if vpc.is_of(each.get("VpcId"))]
    taken: dict[str, Range] = {}
    for subnet in assembly.of_type("EC2::Subnet"):
        if not vpc.is_of(subnet.get("VpcId")):
            continue
        found, problem = _range(subnet)
        if problem:
            yield wrong("RANGE", subnet, problem, at="CidrBlock")
        if found is None:
            continue
        if whole_range is not None and not more and not found.subnet_of(whole_range):
            yield wrong("RANGE", subnet, f"{found} is not in the VPC's {whole_range}", at="CidrBlock")
        for name, other in taken.items():
            if found.overlaps(other) and not subnet.is_conditional:
                yield wrong("RANGE", subnet, f"{found} overlaps with {other} of {name}", at="CidrBlock")
        taken[subnet.logical_id] = found


def _range(resource: Resource) -> tuple[Range | None, str]:
    value = text(resource.get("CidrBlock"))
    if value is None:
        return None, ""
    try:
        found = ipaddress.IPv4Network(value)
    except ValueError:
        return None, f"is no range of addresses, got {value}"
    if not _LARGEST <= found.prefixlen <= _SMALLEST:
        return found, f"must be from /{_LARGEST} to /{_SMALLEST}, got {value}"
    return found, ""


@over("EC2::SecurityGroup")
def inline_rules(assembly: Assembly, group: Resource) -> Iterator[Finding]:
    """Rules in a security group that are incomplete or the wrong way round, or too many."""
    for key in ("SecurityGroupIngress", "SecurityGroupEgress"):
        found = objects(group.get(key))
        for each in found:
            yield from _rule(group, each, "Source" if key.endswith("Ingress") else "Destination")
        if len(found) > _MOST_RULES:
            yield wrong("GROUP_RULE", group, f"has {len(found)} rules, at most {_MOST_RULES} by default", at=key)


@over("EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress")
def separate_rules(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Separate resources with a rule of a security group that is incomplete or the wrong way round."""
    return _rule(each, dict(each.properties), "Source" if each.type.endswith("Ingress") else "Destination")


def _rule(resource: Resource, rule: dict[str, Any], side: str) -> Iterator[Finding]:
    protocol = str(rule.get("IpProtocol")).lower()
    first, last = whole(rule.get("FromPort")), whole(rule.get("ToPort"))
    if protocol in ("tcp", "udp", "6", "17"):
        if "FromPort" not in rule or "ToPort" not in rule:
            yield wrong("GROUP_RULE", resource, f"a rule for {protocol} needs FromPort and ToPort")
        if first is not None and last is not None and (first > last or not 0 <= first <= 65535 or last > 65535):
            yield wrong("GROUP_RULE", resource, f"its ports must be from 0 to 65535, got {first} to {last}")
    names = ("CidrIp", "CidrIpv6", f"{side}SecurityGroupId", f"{side}SecurityGroupName", f"{side}PrefixListId")
    sides = [key for key in names if key in rule]
    if not sides:
        yield wrong("GROUP_RULE", resource, "a rule needs a range or a security group for its other side")
    if len([key for key in sides if not isinstance(rule[key], Unknown)]) > 1:
        yield wrong("GROUP_RULE", resource, f"a rule has one other side, got {', '.join(sides)}")
    cidr = text(rule.get("CidrIp"))
    if cidr is not None and not _is_range(cidr):
        yield wrong("GROUP_RULE", resource, f"CidrIp is no range of addresses, got {cidr}")


def _is_range(value: str) -> bool:
    try:
        ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        return False
    return "/" in value


@over_assembly
def twice(assembly: Assembly) -> Iterator[Finding]:
    """Rules, routes and addresses that two resources have, of which AWS refuses the second."""
    rules = assembly.of_type("EC2::SecurityGroupIngress", "EC2::SecurityGroupEgress")
    for each, _, other in doubles(rules, _same_rule):
        yield wrong("GROUP_RULE_TWICE", each, f"is the same rule as {other.name}")
    for each, (_, destination), other in doubles(assembly.of_type("EC2::Route"), _destination):
        yield wrong("ROUTE_TWICE", each, f"{destination} of the table is also of {other.logical_id}")
    for each, subnet, other in doubles(assembly.of_type("EC2::SubnetRouteTableAssociation"), known("SubnetId")):
        yield wrong("ROUTE_TWICE", each, f"{subnet.logical_id} has a route table by {other.logical_id} already")
    for each, address, other in doubles(assembly.of_type("EC2::NatGateway"), known("AllocationId")):
        yield wrong("NAT_ADDRESS", each, f"its address {address.logical_id} is of {other.logical_id} already")


def _same_rule(resource: Resource) -> str | None:
    rule = {key: value for key, value in sorted(resource.properties.items()) if key != "Description"}
    return f"{resource.type} {rule}" if isinstance(rule.get("GroupId"), Handle) else None


def _destination(route: Resource) -> tuple[Handle, str] | None:
    table, destination = route.get("RouteTableId"), text(route.get("DestinationCidrBlock"))
    return (table, destination) if isinstance(table, Handle) and destination else None


# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html
ROUTE_TARGETS = (
    *("CarrierGatewayId", "CoreNetworkArn", "EgressOnlyInternetGatewayId", "GatewayId", "InstanceId"),
    *("LocalGatewayId", "NatGatewayId", "NetworkInterfaceId", "TransitGatewayId", "VpcEndpointId"),
    "VpcPeeringConnectionId",
)


@over("EC2::Route")
def route_targets(assembly: Assembly, route: Resource) -> Iterator[Finding]:
    """Routes to nothing, or to two things."""
    found = [key for key in ROUTE_TARGETS if key in route.properties]
    certain = [key for key in found if not isinstance(route.get(key), Unknown)]
    if not found or len(certain) > 1:
        yield wrong("ROUTE_TARGET", route, f"must lead to one target, leads to {', '.join(certain) or 'none'}")


@over("EC2::VPC")
def resolvers(assembly: Assembly, vpc: Resource) -> Iterator[Finding]:
    """Tasks in a VPC that resolves no names."""
    if flag(vpc.get("EnableDnsSupport")) is not False:
        return
    for service in assembly.of_type("ECS::Service"):
        subnets = many(service.get("NetworkConfiguration", "AwsvpcConfiguration", "Subnets"))
        found = [assembly.resource(each, "EC2::Subnet") for each in subnets]
        if any(each is not None and vpc.is_of(each.get("VpcId")) for each in found):
            yield wrong("VPC_DNS", vpc, f"resolves no names, and {service.stack} runs in it", at="EnableDnsSupport")
            break


@over("EC2::VPCEndpoint")
def private_names(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Endpoints and namespaces with private names in a VPC whose DNS is off."""
    vpc = assembly.resource(each.get("VpcId"), "EC2::VPC")
    if vpc is None or not flag(each.get("PrivateDnsEnabled")):
        return
    support, hostnames = vpc.get("EnableDnsSupport"), vpc.get("EnableDnsHostnames")
    # Host names are off by default in a VPC that a template makes.
    off = flag(support) is False or (not is_open(hostnames) and not flag(hostnames))
    if off:
        yield wrong("PRIVATE_DNS", each, "private names need EnableDnsSupport and EnableDnsHostnames of its VPC")
