"""The number of free addresses of a subnet, from the interfaces in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.runtime import Fargate
from portside.emulator.ministack_modules import alb, ec2, ecs, responses
from portside.emulator.patches.patching import replaces

# AWS reserves the first four addresses of a subnet and the last:
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
RESERVED = 5


@replaces("services.ec2._subnet_fields_xml")
def counted(original: Any, subnet: Mapping[str, Any], tag: str = "item", *, fargate: Fargate) -> str:
    """DescribeSubnets shows the number of free addresses; in ministack it is always 251."""
    return str(original({**subnet, "AvailableIpAddressCount": free(subnet, fargate.platform)}, tag))


def free(subnet: Mapping[str, Any], platform: Platform) -> int:
    """The number of free addresses; 0 while a fault is active."""
    identifier = str(subnet["SubnetId"])
    if platform.is_full(responses.get_account_id(), identifier):
        return 0
    size = ipaddress.ip_network(subnet["CidrBlock"], strict=False).num_addresses
    return max(size - RESERVED - sum(each == identifier for each in _subnets_of_interfaces()), 0)


def _subnets_of_interfaces() -> Iterator[str | None]:
    """The subnet of each interface: tasks, load balancers, NAT gateways, instances, and others."""
    for task in list(ecs._tasks.values()):
        if task.get("lastStatus") != "STOPPED":
            for attachment in task.get("attachments", []):
                yield from (each["value"] for each in attachment["details"] if each["name"] == "subnetId")
    for balancer in list(alb._lbs.values()):
        yield from balancer.get("Subnets", [])
    for store in (ec2._nat_gateways, ec2._network_interfaces):
        yield from (each.get("SubnetId") for each in list(store.values()))
    for instance in list(ec2._instances.values()):
        if (instance.get("State") or {}).get("Name") != "terminated":
            yield instance.get("SubnetId")
