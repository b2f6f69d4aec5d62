"""AWS::ECS::Service with all properties. As on AWS, a change is complete when the service is stable or has failed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from portside.emulator.fargate.platform import time_scale
from portside.emulator.ministack_modules import ecs, provisioners
from portside.emulator.patches import rollout
from portside.emulator.patches.deployments import primary_id
from portside.emulator.patches.patching import replaces
from portside.emulator.resources import Change, Created, ResourceType, again
from portside.emulator.resources.failure import ResourceFailed, checked
from portside.emulator.resources.secret import random_suffix
from portside.emulator.resources.task_definition import camel_case

NAME = "AWS::ECS::Service"
_DELETED_AFTER_SECONDS = 2.0
_NOT_SENT = frozenset({"Tags", "ServiceName", "Cluster", "TaskDefinition"})
_DEFAULT_DEPLOYMENT_CONFIGURATION = {
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
}


@replaces("services.cloudformation.stacks._runs_on_worker_thread")
@replaces("services.cloudformation.stacks._sends_back_failed_update")
def also_for_services(original: Any, resource_type: str) -> bool:
    """A service is waited for without blocking the server; a failed update is sent back to its previous properties."""
    return resource_type == NAME or bool(original(resource_type))


def _cluster(properties: Mapping[str, Any]) -> str:
    return str(ecs._resolve_cluster_name(properties.get("Cluster", "default")))


def _created(key: str) -> Created:
    service = ecs._services[key]
    return service["serviceArn"], {"ServiceArn": service["serviceArn"], "Name": service["serviceName"]}


def _api_name(name: str) -> str:
    return name[0].lower() + name[1:]


def _request(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {_api_name(name): camel_case(value) for name, value in properties.items() if name not in _NOT_SENT}


def _wait_until_stable(key: str, deployment: str | None) -> None:
    try:
        rollout.wait_until_stable(key, deployment)
    except rollout.RolloutFailed as failed:
        raise ResourceFailed(str(failed)) from failed


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = properties.get("ServiceName") or f"{stack_name}-{logical_id}-{random_suffix(12)}"
    cluster = _cluster(properties)
    request = _request(properties) | {
        "cluster": cluster,
        "serviceName": name,
        "taskDefinition": properties.get("TaskDefinition", ""),
        "desiredCount": int(properties.get("DesiredCount", 1)),
        "tags": camel_case(properties.get("Tags") or []),
    }
    checked(ecs._create_service(request))
    key = f"{cluster}/{name}"
    try:
        _wait_until_stable(key, None)
    except ResourceFailed:
        # CloudFormation deletes a failed resource after minutes, in which its events can be read; ministack keeps it.
        time.sleep(_DELETED_AFTER_SECONDS * time_scale())
        ecs._delete_service({"cluster": cluster, "service": name, "force": True})
        raise
    return _created(key)


def update(change: Change) -> Created:
    physical_id, old, new, *_ = change
    name = physical_id.rsplit("/", 1)[-1]
    cluster = _cluster(new)
    key = f"{cluster}/{name}"
    if key not in ecs._services:
        return again(create)(change)
    changed = {each for each in old.keys() | new.keys() if old.get(each) != new.get(each)}
    request: dict[str, Any] = {"cluster": cluster, "service": name}
    full_request = _request(new)
    for each in changed - _NOT_SENT:
        camel = _api_name(each)
        if each in new:
            request[camel] = full_request[camel]
        elif each == "DeploymentConfiguration":
            request[camel] = _DEFAULT_DEPLOYMENT_CONFIGURATION
        elif each != "DesiredCount":
            request[camel] = _EMPTY.get(each)
    if "DesiredCount" in request:
        request["desiredCount"] = int(new["DesiredCount"])
    # Always sent: after a rollback by the circuit breaker the stack's value differs from the service's.
    request["taskDefinition"] = new.get("TaskDefinition", "")
    checked(ecs._update_service(request))
    provisioners._reconcile_tag_list(ecs._tags.setdefault(physical_id, []), old, new, key="key", value="value")
    _wait_until_stable(key, primary_id(ecs._services.get(key)))
    return _created(key)


_EMPTY: dict[str, Any] = {
    "CapacityProviderStrategy": [],
    "EnableExecuteCommand": False,
    "HealthCheckGracePeriodSeconds": 0,
    "LoadBalancers": [],
    "ServiceConnectConfiguration": {"enabled": False},
    "ServiceRegistries": [],
    "VolumeConfigurations": [],
}


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    cluster, name = _cluster(properties), physical_id.rsplit("/", 1)[-1]
    service = ecs._services.get(f"{cluster}/{name}")
    if service and service["status"] == "ACTIVE":
        checked(ecs._delete_service({"cluster": cluster, "service": name, "force": True}))


TYPES = (ResourceType(NAME, create, update, delete, replacing=("LaunchType",)),)
