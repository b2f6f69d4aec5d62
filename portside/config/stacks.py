"""The stacks of an environment, as its configuration has them: every walk over stacks begins here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.config.environment import Environment
    from portside.config.service_props import ServiceProps


class StackKind(StrEnum):
    """What a stack is for."""

    NETWORK = "network"
    DATABASE = "database"
    ECS_CLUSTER = "ecs cluster"
    LOAD_BALANCER = "load balancer"
    SERVICE = "service"
    MONITORING = "monitoring"
    BASTION = "bastion"


# How the name of the only stack of a kind ends.
_PARTS = {
    StackKind.NETWORK: "network",
    StackKind.ECS_CLUSTER: "ecs",
    StackKind.LOAD_BALANCER: "load-balancer",
    StackKind.MONITORING: "monitoring",
    StackKind.BASTION: "bastion",
}
_WITH_DATA = (StackKind.NETWORK, StackKind.DATABASE)


@dataclass(frozen=True)
class ConfiguredStack:
    """A stack that the configuration describes; `container_name` is that of a service's container."""

    name: str
    kind: StackKind
    part: str
    """How its name ends, after the environment's prefix."""
    container_name: str = ""

    @property
    def outlives_its_environment(self) -> bool:
        """Whether it holds data, or is the network that they are reached through."""
        return self.kind in _WITH_DATA


def stacks_of(configuration: Configuration, environment: Environment | str) -> tuple[ConfiguredStack, ...]:
    """Every stack of an environment, in the order in which they are made.

    Raises `UsageError` for the name of an environment that the configuration does not have.
    """
    found = configuration.environment(environment) if isinstance(environment, str) else environment
    return stacks_for(found, configuration.services_of(found.name))


def stacks_for(environment: Environment, services: Sequence[ServiceProps]) -> tuple[ConfiguredStack, ...]:
    """The same, of an environment that runs these services."""
    kinds = [StackKind.ECS_CLUSTER, StackKind.LOAD_BALANCER]
    last = [StackKind.MONITORING, *([StackKind.BASTION] if environment.bastion else [])]
    return (
        only_stack(environment, StackKind.NETWORK),
        *database_stacks(environment),
        *(only_stack(environment, kind) for kind in kinds),
        *(service_stack(environment, props.container_name) for props in services),
        *(only_stack(environment, kind) for kind in last),
    )


def only_stack(environment: Environment, kind: StackKind) -> ConfiguredStack:
    """The one stack of a kind of which an environment has one. Raises KeyError for databases and services."""
    part = _PARTS[kind]
    return ConfiguredStack(environment.stack_name(part), kind, part)


def database_stacks(environment: Environment) -> tuple[ConfiguredStack, ...]:
    """The stacks of its databases, that of the services' database first."""
    return tuple(
        ConfiguredStack(environment.stack_name(part), StackKind.DATABASE, part) for part in environment.database_stacks
    )


def service_stack(environment: Environment, container_name: str) -> ConfiguredStack:
    """The stack of a service."""
    part = environment.short_name(container_name)
    return ConfiguredStack(environment.stack_name(part), StackKind.SERVICE, part, container_name)


def reserved_parts(environment: Environment) -> tuple[str, ...]:
    """How the name of no service's stack may end: what the other stacks are, or would be, called."""
    return (*_PARTS.values(), *environment.database_stacks)
