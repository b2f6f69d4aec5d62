"""AWS::EC2::SecurityGroupIngress and ::SecurityGroupEgress: one rule each, in a group made elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ec2, provisioners
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed


def _rule_type(name: str, direction: str) -> ResourceType:
    def rules(properties: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        group = ec2._security_groups.get(properties.get("GroupId", ""))
        return group.setdefault(direction, []) if group else None

    def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
        present = rules(properties)
        if present is None:
            raise ResourceFailed(f"The security group '{properties.get('GroupId')}' does not exist", "NotFound")
        (rule,) = provisioners._ec2_sg_permissions([properties])
        for side in ("SourceSecurityGroupId", "DestinationSecurityGroupId"):
            if properties.get(side) and properties[side] not in ec2._security_groups:
                raise ResourceFailed(f"The security group '{properties[side]}' does not exist", "NotFound")
        if rule in present:
            raise ResourceFailed("the specified rule already exists", "AlreadyExists")
        present.append(rule)
        identifier = f"sgr-{uuid.uuid4().hex[:17]}"
        return identifier, {"Id": identifier}

    def update(change: Change) -> Created:
        delete(change.physical_id, change.old)
        create(change.logical_id or change.physical_id, change.new, change.stack_name)
        return change.physical_id, {"Id": change.physical_id}

    def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
        present = rules(properties)
        (rule,) = provisioners._ec2_sg_permissions([properties])
        if present and rule in present:
            present.remove(rule)

    return ResourceType(name, create, update, delete)


TYPES = (
    _rule_type("AWS::EC2::SecurityGroupIngress", "IpPermissions"),
    _rule_type("AWS::EC2::SecurityGroupEgress", "IpPermissionsEgress"),
)
