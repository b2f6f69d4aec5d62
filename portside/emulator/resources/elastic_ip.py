"""AWS::EC2::EIP. `Ref` is the address, not the allocation ID."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ec2, provisioners
from portside.emulator.resources import Change, Created, ResourceType, again


def _allocation(physical_id: str) -> dict[str, Any] | None:
    return next((each for each in ec2._addresses.values() if each["PublicIp"] == physical_id), None)


def _created(address: Mapping[str, Any]) -> Created:
    return address["PublicIp"], {"AllocationId": address["AllocationId"], "PublicIp": address["PublicIp"]}


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    known = set(ec2._addresses)
    ec2._allocate_address({"Domain": [properties.get("Domain", "vpc")]})
    allocation_id = next(each for each in ec2._addresses if each not in known)
    provisioners._ec2_apply_tags(allocation_id, properties)
    return _created(ec2._addresses[allocation_id])


def update(change: Change) -> Created:
    address = _allocation(change.physical_id)
    if address is None:
        return again(create)(change)
    provisioners._ec2_apply_tags(address["AllocationId"], change.new, change.old)
    return _created(address)


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    if address := _allocation(physical_id):
        ec2._release_address({"AllocationId": [address["AllocationId"]]})


TYPES = (ResourceType("AWS::EC2::EIP", create, update, delete, replacing=("Domain",), tagged=True),)
