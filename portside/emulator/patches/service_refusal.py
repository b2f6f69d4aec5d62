"""Invalid services, which ECS refuses and ministack accepts."""

from __future__ import annotations

from typing import Any

from portside.emulator.ministack_modules import ecs
from portside.emulator.patches.load_balancer_description import balancers_of


def refusal(request: dict[str, Any], cluster: dict[str, Any]) -> str | None:
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
