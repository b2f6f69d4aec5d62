"""A task as ministack starts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portside.emulator.fargate import proxy
from portside.emulator.fargate.faults import Fault
from portside.emulator.fargate.proxy import Proxies, Proxy
from portside.emulator.ministack_modules import ecs
from portside.emulator.patches import service_events


@dataclass(frozen=True)
class Launch:
    """A task that ministack starts; `task` is ministack's record, which every step updates.

    `faults` are the faults of its containers, by container.
    """

    task: dict[str, Any]
    task_definition: dict[str, Any]
    account: str
    region: str
    faults: Mapping[str, Fault] = field(default_factory=dict)
    proxies: Proxies = ()

    def fault(self, container: Mapping[str, Any], name: str) -> Fault | None:
        """The container's fault, if it has this name."""
        found = self.faults.get(container["name"])
        return found if found and found.fault == name else None

    def proxy(self, container: Mapping[str, Any]) -> Proxy | None:
        """The proxy that the container is."""
        return proxy.of_container(self.proxies, environment_of(container))

    def report(self, event: str) -> None:
        """Add an event to the task's service, if it has one."""
        if self.service is not None:
            service_events.add(self.service, event)

    @property
    def arn(self) -> str:
        return str(self.task["taskArn"])

    @property
    def task_id(self) -> str:
        return self.arn.rsplit("/", 1)[-1]

    @property
    def address(self) -> str:
        """The private address of its network interface, which must be attached."""
        details = self.task["attachments"][0]["details"]
        return next(str(each["value"]) for each in details if each["name"] == "privateIPv4Address")

    @property
    def cluster(self) -> str:
        return str(self.task["clusterArn"]).rsplit("/", 1)[-1]

    @property
    def service_name(self) -> str | None:
        kind, _, name = str(self.task.get("group", "")).partition(":")
        return name if kind == "service" else None

    @property
    def service_key(self) -> str:
        return f"{self.cluster}/{self.service_name}"

    @property
    def service(self) -> dict[str, Any] | None:
        """ministack's record of the task's service; None if it was deleted or there is no service."""
        return ecs._services.get(self.service_key) if self.service_name else None

    @property
    def deployment_id(self) -> str:
        return str(self.task.get("_deployment_id"))

    @property
    def containers(self) -> list[dict[str, Any]]:
        return list(self.task_definition.get("containerDefinitions", []))


def environment_of(container: Mapping[str, Any]) -> dict[str, str]:
    """The plain variables of a container."""
    return {each["name"]: each["value"] for each in container.get("environment", [])}
