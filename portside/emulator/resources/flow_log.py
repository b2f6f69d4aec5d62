"""AWS::EC2::FlowLog: a record without traffic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ec2, provisioners
from portside.emulator.resources import Change, Created, ResourceType


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    known = set(ec2._flow_logs)
    given = ("ResourceType", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName")
    request = {name: [properties[name]] for name in given if properties.get(name)}
    ec2._create_flow_logs(request | {"ResourceId.1": [properties["ResourceId"]]})
    identifier = next(each for each in ec2._flow_logs if each not in known)
    provisioners._ec2_apply_tags(identifier, properties)
    return identifier, {"Id": identifier}


def update(change: Change) -> Created:
    provisioners._ec2_apply_tags(change.physical_id, change.new, change.old)
    return change.physical_id, {"Id": change.physical_id}


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    ec2._flow_logs.pop(physical_id, None)
    ec2._tags.pop(physical_id, None)


TYPES = (ResourceType("AWS::EC2::FlowLog", create, update, delete, tagged=True),)
