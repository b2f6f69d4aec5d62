"""What differs between dev, stage and prod, as everything downstream reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Names of environments whose images must not change under them.
_RELEASED = ("stage", "staging", "prod", "production")


@dataclass(frozen=True)
class Bastion:
    """A machine in the private network for people to reach the database from."""

    key_name: str
    ami_id: str
    instance_type: str = "t3.micro"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment; `src.environment_form` makes it of what stands in `app.py`."""

    name: str
    account: str
    region: str = "us-east-1"
    vpc_cidr: str
    fqdn: str
    certificate_arn: str
    tags: Mapping[str, str]
    ghcr_package_version: str
    auto_scale_min: int
    auto_scale_max: int
    nat_gateways: int = 2
    database_stack: str = "docdb-v8"
    database_instance_class: str = "r5.large"
    database_instances: int = 1
    database_username: str = "master"
    database_name: str = "agora"
    database_port: int = 27017
    bastion: Bastion | None = None
    ecs_exec: bool = True
    log_retention_days: int = 90
    keep_exports: bool = False
    """Whether the stacks still export, by name, all that the earlier app's stacks import from each other."""

    def stack_name(self, part: str) -> str:
        """The name of this environment's stack for a part, such as `network`."""
        return f"agora-{self.name}-{part}"

    @property
    def is_released(self) -> bool:
        """Whether this environment runs releases only."""
        return is_released(self.name)


def is_released(name: str) -> bool:
    """Whether the environment of a name runs releases only."""
    return name in _RELEASED
