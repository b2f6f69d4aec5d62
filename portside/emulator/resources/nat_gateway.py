"""AWS::EC2::NatGateway."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ec2, provisioners
from portside.emulator.resources import Change, Created, ResourceType, again
from portside.emulator.resources.failure import ResourceFailed


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    subnet = ec2._subnets.get(properties.get("SubnetId", ""))
    if not subnet:
        raise ResourceFailed(f"The subnet ID '{properties.get('SubnetId')}' does not exist", "NotFound")
    address = ec2._addresses.get(properties.get("AllocationId", ""))
    if properties.get("AllocationId") and not address:
        raise ResourceFailed(f"Elastic IP address could not be found: {properties['AllocationId']}", "NotFound")
    known = set(ec2._nat_gateways)
    given = ("SubnetId", "AllocationId", "ConnectivityType")
    ec2._create_nat_gateway({name: [properties[name]] for name in given if properties.get(name)})
    nat_id = next(each for each in ec2._nat_gateways if each not in known)
    if address:
        address["AssociationId"] = f"eipassoc-{uuid.uuid4().hex[:17]}"
    provisioners._ec2_apply_tags(nat_id, properties)
    return nat_id, {"NatGatewayId": nat_id}


def update(change: Change) -> Created:
    if change.physical_id not in ec2._nat_gateways:
        return again(create)(change)
    provisioners._ec2_apply_tags(change.physical_id, change.new, change.old)
    return change.physical_id, {"NatGatewayId": change.physical_id}


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    """Deleted at once; AWS shows it as deleted for an hour."""
    gateway = ec2._nat_gateways.pop(physical_id, None)
    ec2._tags.pop(physical_id, None)
    if gateway and (address := ec2._addresses.get(gateway.get("AllocationId", ""))):
        address["AssociationId"] = None


TYPES = (ResourceType("AWS::EC2::NatGateway", create, update, delete, tagged=True),)
