"""AWS::ApplicationAutoScaling::ScalableTarget and ::ScalingPolicy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import provisioners
from portside.emulator.resources import Created, ResourceType, again
from portside.emulator.services import application_autoscaling as autoscaling

_TARGET_KEY = ("ResourceId", "ScalableDimension", "ServiceNamespace")


def _target(properties: Mapping[str, Any]) -> dict[str, Any]:
    given = (*_TARGET_KEY, "RoleARN", "SuspendedState")
    capacity = {name: int(properties[name]) for name in ("MinCapacity", "MaxCapacity")}
    return {name: properties[name] for name in given if name in properties} | capacity


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    target = autoscaling.register_target(_target(properties))
    physical_id = "|".join(str(properties[name]) for name in _TARGET_KEY)
    return physical_id, {"Id": physical_id, "ScalableTargetARN": target["ScalableTargetARN"]}


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    autoscaling.deregister_target({name: properties[name] for name in _TARGET_KEY})


def _policy(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> dict[str, Any]:
    policy = dict(properties)
    target_key = str(policy.pop("ScalingTargetId", ""))
    if target_key:
        policy |= dict(zip(_TARGET_KEY, target_key.split("|"), strict=True))
    policy.setdefault("PolicyName", provisioners._physical_name(stack_name, logical_id))
    return policy


def create_policy(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    policy = autoscaling.put_policy(_policy(logical_id, properties, stack_name))
    return policy["PolicyARN"], {"Arn": policy["PolicyARN"], "PolicyName": policy["PolicyName"]}


def delete_policy(physical_id: str, properties: Mapping[str, Any]) -> None:
    autoscaling.delete_policy(physical_id)


TYPES = (
    ResourceType("AWS::ApplicationAutoScaling::ScalableTarget", create, again(create), delete),
    ResourceType("AWS::ApplicationAutoScaling::ScalingPolicy", create_policy, again(create_policy), delete_policy),
)
