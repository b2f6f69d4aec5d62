"""The Cloud Map services that Service Connect keeps for an ECS service."""

from __future__ import annotations

import json
from typing import Any

from portside.emulator.ministack_modules import servicediscovery


def register(service: dict[str, Any]) -> None:
    """Create a Cloud Map service for each discovery name, and delete those that are not needed."""
    configuration = service.get("serviceConnectConfiguration") or {}
    namespace = _namespace_id(configuration.get("namespace"))
    names = {
        each.get("discoveryName") or each.get("portName")
        for each in configuration.get("services", [])
        if configuration.get("enabled") and namespace and service.get("status") == "ACTIVE"
    }
    owner = service["serviceArn"]
    for identifier, record in list(servicediscovery._services.items()):
        if record.get("_ecs_service") == owner and record["Name"] not in names:
            servicediscovery._delete_service({"Id": identifier})
        elif record.get("_ecs_service") == owner:
            names.discard(record["Name"])
    for name in sorted(names):
        created = servicediscovery._create_service({"NamespaceId": namespace, "Name": name})
        if created[0] < 400:
            identifier = json.loads(created[2])["Service"]["Id"]
            servicediscovery._services[identifier]["_ecs_service"] = owner


def _namespace_id(reference: str | None) -> str | None:
    for identifier, namespace in servicediscovery._namespaces.items():
        if reference and reference in (identifier, namespace["Arn"], namespace["Name"]):
            return str(identifier)
    return None
