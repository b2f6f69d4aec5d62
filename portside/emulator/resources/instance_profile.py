"""AWS::IAM::InstanceProfile. `Ref` is its name, not its ARN as in ministack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import iam, provisioners
from portside.emulator.resources import Change, Created, ResourceType


def _named(created: tuple[str, Any]) -> Created:
    arn, attributes = created
    return arn.rsplit("/", 1)[-1], attributes


def _arn(physical_id: str) -> str:
    return str(iam._instance_profiles.get(physical_id, {}).get("Arn", physical_id))


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    return _named(provisioners._iam_ip_create(logical_id, properties, stack_name))


def update(change: Change) -> Created:
    return _named(provisioners._iam_ip_update(*change._replace(physical_id=_arn(change.physical_id))))


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    provisioners._iam_ip_delete(_arn(physical_id), properties)


TYPES = (ResourceType("AWS::IAM::InstanceProfile", create, update, delete),)
