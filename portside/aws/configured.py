"""The configuration of a service as plain, serializable values."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from portside.config.deferred_values import StackOutput
from portside.config.service_props import REGISTRY_FIELDS, ServiceProps


@dataclass(frozen=True)
class ConfiguredSecret:
    """A secret of the configuration; `name` is None for the database's, whose name is not configured.

    `variable` is empty for a login of the image's registry.
    """

    name: str | None
    variable: str
    field: str | None


@dataclass(frozen=True)
class ConfiguredCall:
    """A service, or the database, that a service may call."""

    service: str
    port: int


@dataclass(frozen=True)
class ConfiguredService:
    """A service as configured. `cpu` (units) and `memory` (MiB) are those of the task."""

    image: str
    port: int | None
    cpu: int
    memory: int
    tasks: int
    public: bool
    health_path: str
    health_command: str
    secrets: tuple[ConfiguredSecret, ...] = ()
    calls: tuple[ConfiguredCall, ...] = ()
    spot_weight: int = 0
    is_service: bool = True
    """Whether it runs always; the tasks of the others end."""


def configured(props: ServiceProps, own_stacks: Container[str] = ()) -> ConfiguredService:
    """A service as configured, without what it has of own stacks: secrets without a known name, calls without tasks."""
    check = props.container_healthcheck
    return ConfiguredService(
        image=props.container_location,
        port=props.container_port or 0,
        cpu=props.task_size.cpu,
        memory=props.task_size.memory,
        tasks=props.auto_scale_min_capacity,
        public=props.public,
        health_path=props.health_check_path,
        health_command=" ".join(map(str, check.command)) if check else "",
        secrets=tuple(
            ConfiguredSecret(
                secret.secret_name if isinstance(secret.secret_name, str) else None,
                secret.environment_key,
                secret.json_field,
            )
            for secret in props.container_secrets
            if not isinstance(secret.secret_name, StackOutput)
        )
        + tuple(
            ConfiguredSecret(props.registry_credentials, "", field)
            for field in REGISTRY_FIELDS
            if props.registry_credentials
        ),
        calls=tuple(ConfiguredCall(call.service, call.port) for call in props.calls if call.service not in own_stacks),
        spot_weight=props.spot_weight,
        is_service=props.is_service,
    )
