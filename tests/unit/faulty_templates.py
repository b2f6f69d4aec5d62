"""Templates of dev with a fault in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


class FaultyTemplates:
    """The templates of dev, to be changed in place."""

    def __init__(self, templates: Mapping[str, Json]) -> None:
        self.templates = templates

    def resources(self, part: str) -> Json:
        """The resources of a stack by logical ID."""
        found: Json = self.templates[f"agora-dev-{part}"]["Resources"]
        return found

    def ids(self, part: str, kind: str) -> list[str]:
        """The logical IDs of a stack's resources of one type."""
        return [key for key, each in self.resources(part).items() if each["Type"].endswith(kind)]

    def of(self, part: str, kind: str, index: int = 0) -> Json:
        """The properties of a resource."""
        found: Json = self.resources(part)[self.ids(part, kind)[index]]["Properties"]
        return found

    def container(self, part: str) -> Json:
        """The container of a service's task definition."""
        found: Json = self.of(part, "ECS::TaskDefinition")["ContainerDefinitions"][0]
        return found

    def service(self, part: str) -> Json:
        """A service."""
        return self.of(part, "ECS::Service")

    def statements(self, part: str, role: str) -> list[Json]:
        """The statements of the policy of a role, by the beginning of its logical ID."""
        [key] = [each for each in self.ids(part, "IAM::Policy") if each.startswith(role)]
        found: list[Json] = self.resources(part)[key]["Properties"]["PolicyDocument"]["Statement"]
        return found

    def drop(self, part: str, key: str) -> None:
        """Leave a resource out, and the dependencies on it."""
        resources = self.resources(part)
        del resources[key]
        for each in resources.values():
            each["DependsOn"] = [name for name in each.get("DependsOn", ()) if name != key]

    def add(self, part: str, key: str, kind: str, **properties: Any) -> None:
        """Add a resource."""
        self.resources(part)[key] = {"Type": f"AWS::{kind}", "Properties": properties}
