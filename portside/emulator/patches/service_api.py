"""ECS's API for services and their tasks, with the properties and checks that ministack lacks."""

from __future__ import annotations

import json
from typing import Any

from portside.emulator.ministack_modules import ecs, responses
from portside.emulator.patches import rollout, service_discovery
from portside.emulator.patches.deployments import primary_id, reconciling
from portside.emulator.patches.load_balancer_description import balancers_of
from portside.emulator.patches.patching import replaces

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


@replaces("services.ecs._create_service")
def create_completely(original: Any, data: dict[str, Any]) -> Any:
    """CreateService stores all properties, and creates no missing cluster."""
    cluster = _cluster(data)
    if cluster not in ecs._clusters:
        return responses.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
    if problem := _refusal(data, ecs._clusters[cluster]):
        return responses.error_response_json("InvalidParameterException", problem, 400)
    with reconciling:
        answer = original(data)
        service = ecs._services.get(f"{cluster}/{data.get('serviceName')}")
        return _completed(service, data) if answer[0] < 400 and service else answer


@replaces("services.ecs._update_service")
def update_completely(original: Any, data: dict[str, Any]) -> Any:
    """UpdateService starts a deployment for changes other than the task definition too."""
    service = _service(data)
    if service and any(name in data and data[name] != service.get(name) for name in STARTS_DEPLOYMENT):
        data = data | {"forceNewDeployment": True}
    with reconciling:
        if service:
            _store_too(service, data)
        before = primary_id(service)
        answer = original(data)
        if answer[0] < 400 and service:
            # ministack adds this event on every update, with an invented number.
            service["events"][:] = [each for each in service["events"] if _DRAINING not in each["message"]]
            answer = _completed(service, data)
            if primary_id(service) != before:
                rollout.notify()
    return answer


@replaces("services.ecs._delete_service")
def delete_with_discovery(original: Any, data: dict[str, Any]) -> Any:
    """DeleteService deletes the service's Cloud Map services too."""
    service = _service(data)
    with reconciling:
        answer = original(data)
    if answer[0] < 400 and service:
        service_discovery.register(service)
    rollout.notify()
    return answer


@replaces("services.ecs._list_tasks")
def list_tasks_by_any_name(original: Any, data: dict[str, Any]) -> Any:
    """ListTasks accepts a service's ARN as well as its name."""
    if service := data.get("serviceName"):
        name = ecs._resolve_service_ref(service)
        if not name or f"{_cluster(data)}/{name[0]}" not in ecs._services:
            return responses.error_response_json("ServiceNotFoundException", "Service not found.", 400)
        data = data | {"serviceName": name[0]}
    return original(data)


@replaces("services.ecs._stop_task", only_api=True)
def replace_stopped(original: Any, data: dict[str, Any]) -> Any:
    """After StopTask a service starts a new task; the scheduler replaces the tasks that it stops."""
    answer = original(data)
    if answer[0] < 400:
        kind, _, service = json.loads(answer[2])["task"].get("group", "").partition(":")
        if kind == "service":
            cluster = _cluster(data)
            ecs._reconcile_service_tasks(cluster, f"{cluster}/{service}")
    return answer


def _cluster(request: dict[str, Any]) -> str:
    return str(ecs._resolve_cluster_name(request.get("cluster", "default")))


def _service(request: dict[str, Any]) -> dict[str, Any] | None:
    reference = request.get("service", "")
    name = ecs._resolve_service_ref(reference)
    return ecs._services.get(f"{_cluster(request)}/{name[0] if name else reference}")


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


def _refusal(request: dict[str, Any], cluster: dict[str, Any]) -> str | None:
    """The message of CreateService's InvalidParameterException; None if the service is valid."""
    for each in request.get("capacityProviderStrategy") or []:
        if each["capacityProvider"] not in cluster.get("capacityProviders", []):
            return (
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated "
                f"with the cluster. Associate {each['capacityProvider']} with the cluster and try again."
            )
    definition = ecs._task_defs.get(ecs._resolve_td_key(request.get("taskDefinition", ""))) or {}
    ports = {each["name"]: each.get("portMappings", []) for each in definition.get("containerDefinitions", [])}
    named = {port.get("name") for mappings in ports.values() for port in mappings}
    for each in (request.get("serviceConnectConfiguration") or {}).get("services", []):
        if each.get("portName") not in named:
            return f"portName {each.get('portName')!r} does not refer to any named PortMapping in the task definition."
    return _load_balancer_refusal(request.get("loadBalancers") or [], ports)


def _load_balancer_refusal(load_balancers: list[dict[str, Any]], ports: dict[str, list[dict[str, Any]]]) -> str | None:
    for each in load_balancers:
        container, port = each.get("containerName"), each.get("containerPort")
        if container not in ports:
            return f"The container {container} does not exist in the task definition."
        if port not in {mapping.get("containerPort") for mapping in ports[container]}:
            return f"The container {container} did not have a container port {port} defined."
    for each in load_balancers:
        arn = each.get("targetGroupArn")
        if arn and not balancers_of(arn):
            return f"The target group with targetGroupArn {arn} does not have an associated load balancer."
    return None
