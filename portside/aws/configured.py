"""What the configuration asks for a service, as plain values that can be written down."""

from __future__ import annotations

from dataclasses import dataclass

from portside.config.service_props import ServiceProps


@dataclass(frozen=True)
class ConfiguredSecret:
    """A secret that the form names; that of the database has no name there."""

    name: str | None
    variable: str
    field: str | None


@dataclass(frozen=True)
class ConfiguredCall:
    """A service, or the database, that the form lets a service call."""

    service: str
    port: int


@dataclass(frozen=True)
class ConfiguredService:
    """What the form asks for a service. CPU units and MiB of memory are the task's."""

    image: str
    port: int
    cpu: int
    memory: int
    tasks: int
    public: bool
    health_path: str
    health_command: str
    secrets: tuple[ConfiguredSecret, ...] = ()
    calls: tuple[ConfiguredCall, ...] = ()
    spot_weight: int = 0


def configured(props: ServiceProps) -> ConfiguredService:
    """What the configuration asks for a service."""
    check = props.container_healthcheck
    return ConfiguredService(
        image=props.container_location,
        port=props.container_port,
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
        ),
        calls=tuple(ConfiguredCall(call.service, call.port) for call in props.calls),
        spot_weight=props.spot_weight,
    )
