"""How many addresses of a subnet are free, by the interfaces that are in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from portside.emulator.fargate.platform import Platform
from portside.emulator.ministack_modules import alb, ec2, ecs, responses

# AWS keeps the first four addresses of a subnet and its last for itself:
# https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
RESERVED = 5


def counted(platform: Platform) -> Callable[[Any], Callable[..., str]]:
    """A subnet as DescribeSubnets shows it."""

    def make(original: Any) -> Callable[..., str]:
        def subnet_fields_xml(subnet: Mapping[str, Any], tag: str = "item") -> str:
            return str(original({**subnet, "AvailableIpAddressCount": free(subnet, platform)}, tag))

        return subnet_fields_xml

    return make


def free(subnet: Mapping[str, Any], platform: Platform) -> int:
    """The addresses that nothing has; none while a fault says that there are none."""
    identifier = str(subnet["SubnetId"])
    if platform.is_full(responses.get_account_id(), identifier):
        return 0
    size = ipaddress.ip_network(subnet["CidrBlock"], strict=False).num_addresses
    return max(size - RESERVED - sum(each == identifier for each in _subnets_of_interfaces()), 0)


def _subnets_of_interfaces() -> Iterator[str | None]:
    """The subnet of each interface: of tasks, load balancers, NAT gateways, instances, and those made by hand."""
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
