"""Application Auto Scaling, which ministack lacks: targets and policies are stored and shown; load never changes.

A desired count outside its target's limits is changed at once, as on AWS.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from portside.emulator import services
from portside.emulator.ministack_modules import ecs, responses

SERVICE = "application-autoscaling"

_targets: Any = responses.AccountRegionScopedDict()
_policies: Any = responses.AccountRegionScopedDict()

_TARGET_KEY = ("ServiceNamespace", "ResourceId", "ScalableDimension")


def install() -> None:
    """Add this service to ministack."""
    tables = {"targets": _targets, "policies": _policies}
    services.install(SERVICE, "AnyScaleFrontendService", _ACTIONS, "ObjectNotFoundException", tables)


def _key(data: Mapping[str, Any]) -> str:
    return "|".join(str(data.get(name)) for name in _TARGET_KEY)


def register_target(data: Mapping[str, Any]) -> dict[str, Any]:
    """Register or change a target. Raises ValueError for contradicting limits."""
    known: dict[str, Any] = _targets.get(_key(data)) or {}
    identifier = uuid.uuid4().hex
    where = f"{responses.get_region()}:{responses.get_account_id()}"
    target: dict[str, Any] = {
        "CreationTime": time.time(),
        "ScalableTargetARN": f"arn:aws:application-autoscaling:{where}:scalable-target/{identifier}",
        "RoleARN": f"arn:aws:iam::{responses.get_account_id()}:role/aws-service-role/ecs.application-autoscaling"
        ".amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService",
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    }
    target |= known | {name: value for name, value in data.items() if value is not None and name != "Tags"}
    if not 0 <= target.get("MinCapacity", -1) <= target.get("MaxCapacity", -1):
        raise ValueError("Maximum capacity cannot be less than minimum capacity")
    _targets[_key(data)] = target
    _apply_limits(target)
    return target


def deregister_target(data: Mapping[str, Any]) -> bool:
    """Deregister a target and delete its policies; False if it doesn't exist."""
    for arn, policy in list(_policies.items()):
        if _key(policy) == _key(data):
            _policies.pop(arn, None)
    return _targets.pop(_key(data), None) is not None


def put_policy(data: Mapping[str, Any]) -> dict[str, Any]:
    """Add or change a policy. Raises LookupError if its target isn't registered."""
    if _key(data) not in _targets:
        raise LookupError(
            f"No scalable target registered for namespace: {data.get('ServiceNamespace')}, "
            f"resource ID: {data.get('ResourceId')}"
        )
    same = (policy for policy in _policies.values() if _key(policy) == _key(data))
    known: dict[str, Any] = next((policy for policy in same if policy["PolicyName"] == data["PolicyName"]), {})
    where = f"{responses.get_region()}:{responses.get_account_id()}"
    arn = (
        f"arn:aws:autoscaling:{where}:scalingPolicy:{uuid.uuid4()}:resource/"
        f"{data['ServiceNamespace']}/{data['ResourceId']}:policyName/{data['PolicyName']}"
    )
    policy = {"PolicyARN": arn, "CreationTime": time.time(), "Alarms": []} | known | dict(data)
    _policies[policy["PolicyARN"]] = policy
    return policy


def delete_policy(arn: str) -> bool:
    """Delete a policy; False if it doesn't exist."""
    return _policies.pop(arn, None) is not None


def _apply_limits(target: Mapping[str, Any]) -> None:
    if target["ServiceNamespace"] != "ecs":
        return
    _, cluster, name = str(target["ResourceId"]).split("/")
    service = ecs._services.get(f"{cluster}/{name}")
    if not service or service["status"] != "ACTIVE":
        return
    desired = min(max(service["desiredCount"], target["MinCapacity"]), target["MaxCapacity"])
    if desired != service["desiredCount"]:
        ecs._update_service({"cluster": cluster, "service": name, "desiredCount": desired})


def _register(data: dict[str, Any]) -> dict[str, Any]:
    return {"ScalableTargetARN": register_target(data)["ScalableTargetARN"]}


def _deregister(data: dict[str, Any]) -> dict[str, Any]:
    if not deregister_target(data):
        raise LookupError(f"No scalable target found for service namespace: {data.get('ServiceNamespace')}")
    return {}


def _matching(store: Any, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    resources = data.get("ResourceIds") or ([data["ResourceId"]] if data.get("ResourceId") else None)
    return [
        each
        for each in store.values()
        if each["ServiceNamespace"] == data.get("ServiceNamespace")
        and (not resources or each["ResourceId"] in resources)
        and data.get("ScalableDimension") in (None, each["ScalableDimension"])
        and (not data.get("PolicyNames") or each.get("PolicyName") in data["PolicyNames"])
    ]


def _delete_policy(data: dict[str, Any]) -> dict[str, Any]:
    found = [each for each in _matching(_policies, data) if each["PolicyName"] == data.get("PolicyName")]
    if not found:
        raise LookupError(f"No scaling policy found for service namespace: {data.get('ServiceNamespace')}")
    delete_policy(found[0]["PolicyARN"])
    return {}


_ACTIONS: dict[str, services.Action] = {
    "RegisterScalableTarget": _register,
    "DeregisterScalableTarget": _deregister,
    "DescribeScalableTargets": lambda data: {"ScalableTargets": _matching(_targets, data)},
    "PutScalingPolicy": lambda data: {"PolicyARN": put_policy(data)["PolicyARN"], "Alarms": []},
    "DeleteScalingPolicy": _delete_policy,
    "DescribeScalingPolicies": lambda data: {"ScalingPolicies": _matching(_policies, data)},
    "DescribeScalingActivities": lambda data: {"ScalingActivities": []},
    "DescribeScheduledActions": lambda data: {"ScheduledActions": []},
    "ListTagsForResource": lambda data: {"Tags": {}},
    "TagResource": lambda data: {},
    "UntagResource": lambda data: {},
}
