"""What differs between environments, as everything downstream reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portside.config.identity import Identity, short_name
from portside.config.kind import Kind as Kind  # app.py imports it from here

OWNER_TAG = "portside:owner"
"""The tag, `APP/ENVIRONMENT`, by which a stack says whose it is."""

FIRST_DATABASE_STACK = "docdb-v8"
LATEST = "latest"
"""In place of a moment: the last one to which a cluster can be restored."""


@dataclass(frozen=True)
class Bastion:
    """A machine in the private network for people to reach the database from."""

    key_name: str
    ami_id: str
    instance_type: str = "t3.micro"


@dataclass(frozen=True, kw_only=True)
class DatabaseOrigin:
    """The engine of a database, and the backup that it was made from: a cluster as it was at a moment, or a snapshot.

    `time` is a moment in UTC, such as `2026-11-20T10:00:00Z`, or `LATEST`. Without a backup the database began empty.
    """

    engine_version: str = "8.0.0"
    cluster: str | None = None
    time: str | None = None
    snapshot: str | None = None

    @property
    def is_restored(self) -> bool:
        """Whether it was made from a backup."""
        return bool(self.cluster or self.snapshot)

    @property
    def family(self) -> str:
        """The family of the engine's parameters, such as `docdb8.0`."""
        return "docdb" + self.engine_version.rpartition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment; `portside.config.environments` makes it of what stands in `app.py`."""

    name: str
    identity: Identity
    kind: Kind
    branch: str
    """The git branch that stands for it."""
    proved_by: str | None = None
    """The environment whose runs prove what this one may run; None where it needs no proof, or none is asked."""
    proof_waived: str = ""
    """Why a production environment that no other proves may run what it names."""
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
    database_stack: str = FIRST_DATABASE_STACK
    databases: Mapping[str, DatabaseOrigin] = field(default_factory=dict)
    """The stacks of databases beside the first, by the end of their names; services use that of `database_stack`."""
    database_instance_class: str = "r5.large"
    database_instances: int = 1
    database_username: str = "master"
    database_name: str
    database_port: int = 27017
    bastion: Bastion | None = None
    ecs_exec: bool = True
    log_retention_days: int = 90
    container_insights: bool = False
    alarm_emails: Sequence[str] = ()
    adopted_stacks: str = ""
    """Why deployed stacks without an owner tag are this app's; without it they are taken for another's."""
    keep_exports: bool = False
    """Whether the stacks still export, by name, all that the earlier app's stacks import from each other."""

    def __str__(self) -> str:
        return self.name

    @property
    def app(self) -> str:
        """The app's name: parameters and topics are named after it, and the owner tag names it."""
        return self.identity.app

    @property
    def stack_prefix(self) -> str:
        """How the names of all its stacks begin, such as `my-app-dev`."""
        return self.identity.stack_prefix_in(self.name)

    @property
    def owner(self) -> str:
        """What its stacks carry as their owner tag: the app, and which of its environments."""
        return f"{self.app}/{self.name}"

    def stack_name(self, part: str) -> str:
        """The name of this environment's stack for a part, such as `network`."""
        return f"{self.stack_prefix}-{part}"

    def parameter_name(self, what: str) -> str:
        """The SSM parameter in which this environment keeps something, such as `deployment`."""
        return f"/{self.app}/{self.name}/{what}"

    def short_name(self, container_name: str) -> str:
        """The name of a service as people use it, and as its stack's name ends: `api` of `my-app-api`."""
        return short_name(self.app, container_name)

    @property
    def alarm_topic_name(self) -> str:
        """The name of the topic that all alarms of this environment tell."""
        return f"{self.app}-{self.name}-alarms"

    @property
    def alarm_topic_arn(self) -> str:
        """Its ARN, which nobody needs to ask AWS for."""
        return f"arn:aws:sns:{self.region}:{self.account}:{self.alarm_topic_name}"

    @property
    def database_stacks(self) -> tuple[str, ...]:
        """The ends of the names of all database stacks, that of the services' database first."""
        return tuple(dict.fromkeys((self.database_stack, *self.databases)))

    @property
    def is_production(self) -> bool:
        """Whether people depend on it: it is protected, and what it runs must be proven."""
        return self.kind is Kind.PRODUCTION

    @property
    def confirmation(self) -> str:
        """What a person types to agree to a change of it."""
        return self.name if self.is_production else "yes"

    @property
    def is_released(self) -> bool:
        """Whether this environment runs releases only."""
        return self.kind is not Kind.DEVELOPMENT
