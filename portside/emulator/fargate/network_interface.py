"""The elastic network interface of a task."""

from __future__ import annotations

import ipaddress
import uuid

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.ministack_modules import ec2


def attach(launch: Launch, platform: Platform) -> str:
    """Attach an interface in one of the service's subnets, in rotation; returns its private address."""
    number = next(platform.interface_numbers)
    subnet_id = subnet_of(launch, number)
    subnet = ec2._subnets.get(subnet_id) or {}
    in_use = {each.address for each in platform.tasks.stubs(launch.account)}
    address = _free_address(subnet.get("CidrBlock") or "10.255.0.0/24", number, in_use)
    interface = f"eni-{uuid.uuid4().hex[:17]}"
    launch.task["attachments"] = [
        {
            "id": str(uuid.uuid4()),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [
                {"name": "subnetId", "value": subnet_id},
                {"name": "networkInterfaceId", "value": interface},
                {"name": "macAddress", "value": "02:00:00:00:00:00"},
                {"name": "privateIPv4Address", "value": address},
            ],
        }
    ]
    launch.task["availabilityZone"] = subnet.get("AvailabilityZone", f"{launch.region}a")
    launch.task.pop("containerInstanceArn", None)
    for container in launch.task["containers"]:
        container["networkInterfaces"] = [{"attachmentId": interface, "privateIpv4Address": address}]
    return address


def subnet_of(launch: Launch, number: int) -> str:
    """The subnet of the task with this number, among the subnets of the service or of RunTask."""
    network = (launch.service or {}).get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    subnets = network.get("subnets") or [launch.task.get("_subnet") or ""]
    return str(subnets[number % len(subnets)])


def _free_address(cidr: str, number: int, in_use: set[str]) -> str:
    hosts = ipaddress.ip_network(cidr, strict=False)
    # AWS reserves the first four addresses of a subnet and the last.
    usable = max(hosts.num_addresses - 5, 1)
    candidates = (str(hosts[4 + (number + offset) % usable]) for offset in range(usable))
    return next((each for each in candidates if each not in in_use), str(hosts[-2]))
