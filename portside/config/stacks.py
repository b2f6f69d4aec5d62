"""The stacks of an environment, from its configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.config.environment import Environment
    from portside.config.service_props import ServiceProps


class StackKind(StrEnum):
    """The purpose of a stack."""

    NETWORK = "network"
    DATABASE = "database"
    ECS_CLUSTER = "ecs cluster"
    LOAD_BALANCER = "load balancer"
    OWN = "own"
    """A stack that the team's function `stacks` creates."""
    TASK = "task"
    """The task of a container that does not run always."""
    SERVICE = "service"
    MONITORING = "monitoring"
    BASTION = "bastion"


# The end of the name of a stack that is the only one of its kind.
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
    """A stack of the configuration; `container_name` is set for a service or task."""

    name: str
    kind: StackKind
    part: str
    """The end of its name, after the environment's prefix."""
    container_name: str = ""
    retained: tuple[str, ...] = ()
    """The types of an own stack's resources that are retained when it is deleted."""
    uses_network: bool = False
    """Whether the network must outlive it."""

    @property
    def outlives_its_environment(self) -> bool:
        """Whether it contains data, or is the network of the database or of an own stack with data."""
        return self.kind in _WITH_DATA or bool(self.retained)


def stacks_of(configuration: Configuration, environment: Environment | str) -> tuple[ConfiguredStack, ...]:
    """The stacks of an environment in the order of their deployment.

    Raises `UsageError` for the name of an environment that does not exist.
    """
    found = configuration.environment(environment) if isinstance(environment, str) else environment
    return stacks_for(found, configuration.services_of(found.name))


def stacks_for(environment: Environment, services: Sequence[ServiceProps]) -> tuple[ConfiguredStack, ...]:
    """The same for an environment with these services."""
    kinds = [StackKind.ECS_CLUSTER, *([StackKind.LOAD_BALANCER] if environment.load_balancer else [])]
    last = [StackKind.MONITORING, *([StackKind.BASTION] if environment.bastion else [])]
    return (
        only_stack(environment, StackKind.NETWORK),
        *database_stacks(environment),
        *(only_stack(environment, kind) for kind in kinds),
        *own_stacks(environment),
        *(task_stack(environment, props.container_name) for props in services if not props.is_service),
        *(service_stack(environment, props.container_name) for props in services if props.is_service),
        *(only_stack(environment, kind) for kind in last),
    )


def only_stack(environment: Environment, kind: StackKind) -> ConfiguredStack:
    """The only stack of a kind. Raises KeyError for databases and services."""
    part = _PARTS[kind]
    return ConfiguredStack(environment.stack_name(part), kind, part)


def database_stacks(environment: Environment) -> tuple[ConfiguredStack, ...]:
    """The stacks of its databases, the stack of the services' database first."""
    return tuple(
        ConfiguredStack(environment.stack_name(part), StackKind.DATABASE, part) for part in environment.database_stacks
    )


def own_stacks(environment: Environment) -> tuple[ConfiguredStack, ...]:
    """The team's own stacks, those that others use first."""
    return tuple(
        ConfiguredStack(
            environment.stack_name(each.part),
            StackKind.OWN,
            each.part,
            retained=each.retained,
            uses_network=each.uses_network,
        )
        for each in environment.own_stacks or ()
    )


def service_stack(environment: Environment, container_name: str) -> ConfiguredStack:
    part = environment.short_name(container_name)
    return ConfiguredStack(environment.stack_name(part), StackKind.SERVICE, part, container_name)


def task_stack(environment: Environment, container_name: str) -> ConfiguredStack:
    """The stack of a container that does not run always."""
    return replace(service_stack(environment, container_name), kind=StackKind.TASK)


def request_parameter(environment: Environment, props: ServiceProps) -> str:
    """The parameter with the request that starts a container that does not run always."""
    return environment.parameter_name(f"run/{environment.short_name(props.container_name)}")


def reserved_parts(environment: Environment) -> tuple[str, ...]:
    """The ends of names that a service's stack and a team's own can't have, because other stacks can have them."""
    return (*_PARTS.values(), *environment.database_stacks)
