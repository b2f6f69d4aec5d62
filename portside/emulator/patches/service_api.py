"""ECS's API for services and their tasks, with the properties and checks that ministack lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from portside.emulator.ministack_modules import ecs, responses
from portside.emulator.patches import rollout, service_discovery
from portside.emulator.patches.deployments import primary_id, reconciling
from portside.emulator.patches.service_refusal import refusal

Action = Callable[[dict[str, Any]], Any]

# Changes of these start a new deployment, by the API reference of UpdateService.
STARTS_DEPLOYMENT = (
    "capacityProviderStrategy",
    "enableExecuteCommand",
    "loadBalancers",
    "networkConfiguration",
    "platformVersion",
    "serviceConnectConfiguration",
    "serviceRegistries",
    "volumeConfigurations",
)
# Properties of a service that ministack drops.
STORED_TOO = ("serviceConnectConfiguration", "volumeConfigurations", "availabilityZoneRebalancing")

_DRAINING = "has begun draining connections"


def create_completely(original: Action) -> Action:
    """CreateService."""

    def create_service(request: dict[str, Any]) -> Any:
        cluster = _cluster(request)
        if cluster not in ecs._clusters:
            return responses.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
        if problem := refusal(request, ecs._clusters[cluster]):
            return responses.error_response_json("InvalidParameterException", problem, 400)
        with reconciling:
            answer = original(request)
            service = ecs._services.get(f"{cluster}/{request.get('serviceName')}")
            if answer[0] < 400 and service:
                answer = _completed(service, request)
        return answer

    return create_service


def update_completely(original: Action) -> Action:
    """UpdateService."""

    def update_service(request: dict[str, Any]) -> Any:
        service = _service(request)
        if service and any(name in request and request[name] != service.get(name) for name in STARTS_DEPLOYMENT):
            request = request | {"forceNewDeployment": True}
        with reconciling:
            if service:
                _store_too(service, request)
            before = primary_id(service)
            answer = original(request)
            if answer[0] < 400 and service:
                # ministack adds this event on every update, with an invented number.
                service["events"][:] = [each for each in service["events"] if _DRAINING not in each["message"]]
                answer = _completed(service, request)
                if primary_id(service) != before:
                    rollout.notify()
        return answer

    return update_service


def delete_with_discovery(original: Action) -> Action:
    """DeleteService."""

    def delete_service(request: dict[str, Any]) -> Any:
        service = _service(request)
        with reconciling:
            answer = original(request)
        if answer[0] < 400 and service:
            service_discovery.register(service)
        rollout.notify()
        return answer

    return delete_service


def list_tasks_by_any_name(original: Action) -> Action:
    """ListTasks, with a service's ARN as well as its name."""

    def list_tasks(request: dict[str, Any]) -> Any:
        if service := request.get("serviceName"):
            name = ecs._resolve_service_ref(service)
            if not name or f"{_cluster(request)}/{name[0]}" not in ecs._services:
                return responses.error_response_json("ServiceNotFoundException", "Service not found.", 400)
            request = request | {"serviceName": name[0]}
        return original(request)

    return list_tasks


def replace_stopped(original: Action) -> Action:
    """StopTask, after which a service starts a new task."""

    def stop_task(request: dict[str, Any]) -> Any:
        answer = original(request)
        if answer[0] < 400:
            kind, _, service = json.loads(answer[2])["task"].get("group", "").partition(":")
            if kind == "service":
                cluster = _cluster(request)
                ecs._reconcile_service_tasks(cluster, f"{cluster}/{service}")
        return answer

    return stop_task


def _cluster(request: dict[str, Any]) -> str:
    return str(ecs._resolve_cluster_name(request.get("cluster", "default")))


def _service(request: dict[str, Any]) -> dict[str, Any] | None:
    reference = request.get("service", "")
    name = ecs._resolve_service_ref(reference)
    found: dict[str, Any] | None = ecs._services.get(f"{_cluster(request)}/{name[0] if name else reference}")
    return found


def _store_too(service: dict[str, Any], request: dict[str, Any]) -> None:
    service.update({name: request[name] for name in STORED_TOO if name in request})


def _completed(service: dict[str, Any], request: dict[str, Any]) -> Any:
    """The answer about a service, after its dropped properties are added to it and its deployment."""
    _store_too(service, request)
    if primary := ecs._primary_deployment(service):
        for name in (*STORED_TOO, "networkConfiguration", "platformVersion", "platformFamily"):
            if service.get(name):
                primary[name] = service[name]
    service_discovery.register(service)
    return responses.json_response({"service": ecs._sanitize(service)})
