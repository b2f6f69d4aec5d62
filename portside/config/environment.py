"""The environments of the app, as parsed from the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from portside.config.database_kinds import Bounds, DatabaseKind
from portside.config.identity import Identity, short_name
from portside.config.kind import Kind as Kind  # app.py imports it from here
from portside.config.own_stacks import OwnStack

OWNER_TAG = "portside:owner"
"""The tag that identifies the owner of a stack: `APP/ENVIRONMENT`."""

LATEST = "latest"
"""The latest time to which a cluster can be restored."""


@dataclass(frozen=True)
class Bastion:
    """An instance in the private network from which users can reach the database."""

    key_name: str
    ami_id: str
    instance_type: str = "t3.micro"


@dataclass(frozen=True, kw_only=True)
class DatabaseOrigin:
    """The engine of a database, and the backup from which it was restored.

    The backup is that of a cluster or an instance at a time, or a snapshot. `time` is in UTC, such as
    `2026-11-20T10:00:00Z`, or `LATEST`. Without a backup the database was created empty; without a version it has the
    environment's.
    """

    engine_version: str | None = None
    cluster: str | None = None
    instance: str | None = None
    time: str | None = None
    snapshot: str | None = None

    @property
    def is_restored(self) -> bool:
        return bool(self.cluster or self.instance or self.snapshot)


@dataclass(frozen=True, kw_only=True)
class Environment:
    """One environment; `portside.config.environments` parses it from `app.py`."""

    name: str
    identity: Identity
    kind: Kind
    branch: str
    """The git branch of its deployments."""
    proved_by: str | None = None
    """The environment in which images must have run before they can run in this one; None without such a rule."""
    proof_waived: str = ""
    """Why a production environment can run images that ran in no other environment."""
    account: str
    region: str = "us-east-1"
    vpc_cidr: str
    fqdn: str = ""
    """The host name of the site; without one, users open the load balancer's own name."""
    certificate_arn: str = ""
    """Without a certificate the load balancer serves HTTP only."""
    namespace: str = ""
    load_balancer: bool = True
    """Whether it has a load balancer; without one no service is public."""
    allowed_networks: Sequence[str] = ()
    """The networks whose requests reach the load balancer; empty for everyone."""
    idle_timeout_seconds: int | None = None
    """The time after which the load balancer closes a silent connection; None for AWS's default of 60 seconds."""
    firewall_exceptions: Mapping[str, str] = field(default_factory=dict)
    """The rules of the firewall that only count requests, and why."""
    tags: Mapping[str, str]
    ghcr_package_version: str
    auto_scale_min: int
    auto_scale_max: int
    nat_gateways: int = 2
    database_kind: DatabaseKind | None = None
    """The kind of its database; None for an environment without a database, whose other values then mean nothing."""
    database_stack: str = ""
    databases: Mapping[str, DatabaseOrigin] = field(default_factory=dict)
    """The stacks of the other databases, by the end of their names; services use that of `database_stack`."""
    database_engine_version: str = ""
    database_instance_class: str = ""
    database_instances: int = 1
    database_capacity: Bounds | None = None
    """The capacity units of a serverless instance; None for instances of `database_instance_class`."""
    database_storage_gib: int = 0
    database_username: str = "master"
    database_name: str
    database_port: int = 27017
    database_tls: bool = True
    """Whether the database only accepts encrypted connections."""
    bastion: Bastion | None = None
    ecs_exec: bool = True
    log_retention_days: int = 90
    container_insights: bool = False
    alarm_emails: Sequence[str] = ()
    cost_assumptions: Mapping[str, float] = field(default_factory=dict)
    """The assumed usage by which `costs` differs from its defaults."""
    deploy_role: str = ""
    """The role that GitHub Actions assumes; if empty, it has the default name."""
    adopted_stacks: str = ""
    """Why deployed stacks without an owner tag belong to this app; if empty, they belong to another app."""
    service_stacks: Mapping[str, str] = field(default_factory=dict)
    """By container name, the ends of the names of services' stacks, where they are configured."""
    own_stacks: tuple[OwnStack, ...] | None = ()
    """The team's own stacks, in the order of their deployment; None if they are unknown."""
    keep_exports: bool = False
    """Whether the stacks still have the exports that the stacks of the previous app import."""

    def __str__(self) -> str:
        return self.name

    @property
    def deploy_role_arn(self) -> str:
        """The role that GitHub Actions assumes to deploy."""
        return f"arn:aws:iam::{self.account}:role/{self.deploy_role or self.stack_name('deploy')}"

    @property
    def app(self) -> str:
        """The app's name, which is in the owner tag and in the names of parameters and topics."""
        return self.identity.app

    @property
    def stack_prefix(self) -> str:
        """The prefix of the names of all its stacks, such as `my-app-dev`."""
        return self.identity.stack_prefix_in(self.name)

    @property
    def owner(self) -> str:
        """The value of the owner tag of its stacks: the app and the environment."""
        return f"{self.app}/{self.name}"

    def stack_name(self, part: str) -> str:
        """The name of this environment's stack for a part, such as `network`."""
        return f"{self.stack_prefix}-{part}"

    def parameter_name(self, key: str) -> str:
        """The name of an SSM parameter of this environment, such as `deployment`."""
        return f"/{self.app}/{self.name}/{key}"

    def short_name(self, container_name: str) -> str:
        """The name of a service as people use it, and as its stack's name ends: `api` of `my-app-api`."""
        return self.service_stacks.get(container_name) or short_name(self.app, container_name)

    @property
    def url(self) -> str:
        """The address of the site without a trailing slash; empty without a host name."""
        return f"{'https' if self.certificate_arn else 'http'}://{self.fqdn}" if self.fqdn else ""

    @property
    def unencrypted(self) -> str:
        """The warning about an environment without a certificate; empty with one."""
        if self.certificate_arn or not self.load_balancer:
            return ""
        return f"{self.name} serves HTTP only, as app.py has no CERTIFICATE_ID for it"

    @property
    def service_namespace(self) -> str:
        """The namespace of Service Connect. Another name replaces it, and with it every service's endpoint."""
        return self.namespace or self.fqdn or f"{self.stack_prefix}.internal"

    @property
    def alarm_topic_name(self) -> str:
        """The name of the topic that all alarms of this environment notify."""
        return f"{self.app}-{self.name}-alarms"

    @property
    def alarm_topic_arn(self) -> str:
        return f"arn:aws:sns:{self.region}:{self.account}:{self.alarm_topic_name}"

    @property
    def database_stacks(self) -> tuple[str, ...]:
        """The ends of the names of all database stacks, the stack of the services' database first."""
        if self.database_kind is None:
            return ()
        return tuple(dict.fromkeys((self.database_stack, *self.databases)))

    @property
    def is_production(self) -> bool:
        """Whether it is protected and only runs images that ran in another environment."""
        return self.kind is Kind.PRODUCTION

    @property
    def confirmation(self) -> str:
        """The answer with which the user confirms a change."""
        return self.name if self.is_production else "yes"

    @property
    def is_released(self) -> bool:
        """Whether this environment only runs releases."""
        return self.kind is not Kind.DEVELOPMENT
