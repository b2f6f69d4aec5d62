"""The entries of the configuration in `app.py` that describe a container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any

from portside.config import image_checks, routing
from portside.config import service_agreement as agreement
from portside.config import service_checks as checks
from portside.config.deferred_values import DatabaseSecret, LateValue, StackOutput, is_token
from portside.config.entry import REQUIRED, configuration_entry
from portside.config.image_reference import LOCAL_BUILD
from portside.config.routing import Route as Route  # app.py imports it from here
from portside.config.runs import ALWAYS as ALWAYS
from portside.config.runs import BEFORE_ROLLOUT as BEFORE_ROLLOUT
from portside.config.runs import (
    DEFAULT_TIMEOUT_MINUTES,
    OF_SERVICES,
    Runs,
    check_runs,
    for_services,
    of_services_only,
    timeout_of_task,
)
from portside.config.runs import ON_REQUEST as ON_REQUEST
from portside.config.runs import Schedule as Schedule
from portside.config.task_size import TaskSize, smallest_size

_DEFAULT_RESERVATION_MIB = 512

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html
REGISTRY_FIELDS = ("username", "password")
REGISTRY_LOGIN = '{"username": "…", "password": "…"}'
"""The content of the secret with a registry's login, to fill in."""

DATABASE = "database"
"""The `service` of a `Call` to the environment's database."""


@configuration_entry(
    named_by="secret_name",
    together={
        ("secret_name", "json_field"): agreement.secret_field,
        ("secret_name", "environment_key"): agreement.swapped,
    },
)
class ServiceSecret:
    """A secret of AWS Secrets Manager in an environment variable of the container.

    The value is the whole secret, or its `json_field`. `secret_name` is its name, or the output of an own stack with
    its ARN.
    """

    secret_name: Annotated[str | DatabaseSecret | StackOutput, checks.secret_name]
    environment_key: Annotated[str, checks.secret_variable]
    json_field: Annotated[str | None, checks.json_field] = None


@configuration_entry(named_by="path")
class ContainerVolume:
    """A folder of the task's own storage, `size` GiB, mounted at `path`. It is deleted with the task."""

    path: Annotated[str, checks.mount_path]
    size: Annotated[int, checks.volume_size] = 15
    read_only: Annotated[bool, checks.flag] = False


@configuration_entry(named_by="path")
class DurableVolume:
    """A folder of an EFS file system, mounted at `path`, which tasks share and which outlives them.

    `stack` is the end of the name of one of the team's own stacks, and `name` an access point in its `volumes`.
    """

    path: Annotated[str, checks.mount_path]
    stack: Annotated[str, checks.own_stack]
    name: Annotated[str, checks.offered_name("volumes", "uploads")]
    read_only: Annotated[bool, checks.flag] = False


@configuration_entry(together={("interval_seconds", "timeout_seconds"): agreement.check_times})
class HealthCheck:
    """A command that ECS runs in the container. ECS ignores the HEALTHCHECK of a Dockerfile."""

    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html
    command: Annotated[Sequence[str], checks.health_command]
    interval_seconds: Annotated[int, checks.between(5, 300)] = 10
    timeout_seconds: Annotated[int, checks.between(2, 60)] = 5
    retries: Annotated[int, checks.between(1, 10)] = 3
    start_period_seconds: Annotated[int, checks.between(0, 300)] = 60


@configuration_entry(named_by="service")
class Call:
    """A service, the `DATABASE`, or one of the team's own stacks, to which a container opens connections.

    An own stack is named by the end of its name, and has its resources' security groups in `connections`.
    """

    service: Annotated[str, checks.callee]
    port: Annotated[int, checks.port]


@configuration_entry(together={("actions", "resources", "reason"): agreement.permission})
class Permission:
    """A permission of the container's code in AWS; the task role has no others.

    A permission with a `*` needs a `reason`.
    """

    actions: Annotated[Sequence[str], checks.actions]
    resources: Annotated[Sequence[str], checks.resources]
    reason: Annotated[str, checks.reason] = ""


@configuration_entry(named_by="stack")
class Grant:
    """Rights of the container's code to resources of one of the team's own stacks.

    `stack` is the end of the stack's name, and `name` one of the functions in its `grants`.
    """

    stack: Annotated[str, checks.own_stack]
    name: Annotated[str, checks.offered_name("grants", "read_write")]


@configuration_entry(
    named_by="container_name",
    # Names that other apps of the family use.
    aliases={
        "container_cpu": "cpu",
        "ecs_task_cpu": "cpu",
        "ecs_task_memory": "memory",
    },
    together={
        ("auto_scale_min_capacity", "auto_scale_max_capacity"): agreement.capacities,
        ("one_at_a_time", "auto_scale_max_capacity"): agreement.one_at_a_time,
        ("container_memory_reservation", "cpu", "memory"): agreement.sizes,
        ("container_memory", "container_memory_reservation", "cpu", "memory"): agreement.limit,
        ("container_env_vars", "container_secrets"): agreement.names_once,
        ("container_location", "registry_credentials"): agreement.credentials,
        ("container_volumes", "durable_volumes"): agreement.volumes,
        ("container_name", "calls"): agreement.calls,
        ("container_healthcheck", "no_healthcheck_reason"): agreement.healthcheck,
        ("runs", "container_port", "container_env_vars"): for_services(agreement.own_port),
        ("runs", "container_port", "container_command", "container_env_vars"): for_services(agreement.command_port),
        ("runs", "container_port", "public"): for_services(agreement.public_port),
        ("runs", "public", "routes"): for_services(agreement.routes),
        **{("runs", name): of_services_only(name) for name in OF_SERVICES},
        ("runs", "timeout_minutes"): timeout_of_task,
    },
)
class ServiceProps:
    """One container, and the Fargate service that keeps it running or what else starts its task: `runs`.

    Raises `ConfigurationError` with every mistake. Memory is in MiB, `cpu` in CPU units (1024 is one vCPU). Without
    `cpu` or `memory` the task is the smallest that fits the reservation and the sidecars.
    """

    container_name: Annotated[str, checks.container_name]
    container_port: Annotated[int | None, checks.port] = None
    """The port on which the program listens; None for a worker or job, to which nothing connects."""
    container_memory_reservation: Annotated[int | None, checks.memory_reservation] = field(default=None, kw_only=True)
    container_location: Annotated[str, image_checks.container_location] = REQUIRED
    container_env_vars: Annotated[Mapping[str, str | LateValue], checks.environment_variables] = field(
        default_factory=dict
    )
    container_secrets: Annotated[Sequence[ServiceSecret], checks.entries(ServiceSecret)] = ()
    container_volumes: Annotated[Sequence[ContainerVolume], checks.entries(ContainerVolume)] = ()
    auto_scale_min_capacity: Annotated[int, checks.tasks] = 1
    auto_scale_max_capacity: Annotated[int, checks.tasks] = 1
    container_command: Annotated[Sequence[str] | None, checks.command] = None
    container_healthcheck: Annotated[Any, checks.healthcheck(HealthCheck)] = None
    """Our `HealthCheck` or the CDK's `aws_ecs.HealthCheck`."""
    cpu: Annotated[int | None, checks.cpu] = None
    memory: Annotated[int | None, checks.memory] = None
    calls: Annotated[Sequence[Call], checks.entries(Call)] = ()
    permissions: Annotated[Sequence[Permission], checks.entries(Permission)] = ()
    grants: Annotated[Sequence[Grant], checks.entries(Grant)] = ()
    ecs_exec: Annotated[bool | None, checks.flag] = None
    """Whether `aws ecs execute-command` works; None is the default of the environment."""
    read_only_root: Annotated[bool, checks.flag] = False
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CapacityProviderStrategyItem.html
    spot_weight: Annotated[int, checks.between(0, 1000)] = 0
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
    stop_timeout_seconds: Annotated[int, checks.between(2, 120)] = 30
    deployment_failure_threshold: Annotated[int, checks.between(1, 200)] = 3
    """The number of failed tasks after which a deployment is rolled back."""
    public: Annotated[bool, checks.flag] = False
    """Whether the load balancer sends the internet's requests here."""
    health_check_path: Annotated[str, checks.http_path] = "/"
    """The path of the load balancer's health check of a public service."""
    target_group_port: Annotated[int, checks.port] = 80
    """The port of the load balancer's target group. It has no effect, because ECS registers each task with its
    container's port, but a change replaces the target group and interrupts requests."""
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html
    health_check_grace_seconds: Annotated[int, checks.between(0, 2_147_483_647)] = 60
    no_healthcheck_reason: Annotated[str, checks.reason] = ""
    """Why the container has no health check."""
    container_memory: Annotated[int | None, checks.memory_reservation] = None
    """The memory above which the container is stopped; None is the task's."""
    user: Annotated[str | None, checks.user] = None
    """The user of the container's process, such as `node` or `1000:1000`; None is the default of the image."""
    stack: Annotated[str | None, checks.stack_end] = None
    """The end of the name of its stack; None is the container's name without the app's."""
    routes: Annotated[Sequence[Route], checks.entries(Route)] = ()
    """The requests of a further public service; the one without routes receives all others."""
    target_protocol: Annotated[str, routing.protocol] = "HTTP"
    """The protocol between the load balancer and the tasks; a change replaces the target group, and interrupts."""
    health_check_codes: Annotated[str, routing.success_codes] = "200"
    """The status codes with which the load balancer's check succeeds."""
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    health_check_interval_seconds: Annotated[int, checks.between(6, 300)] = 10
    auto_scale_memory_percent: Annotated[int | None, checks.between(1, 100)] = None
    """The use of memory above which tasks are added, as above 50 % of CPU; None for a program that keeps its memory."""

    runs: Annotated[Runs | Schedule, check_runs] = ALWAYS
    """ALWAYS, BEFORE_ROLLOUT, ON_REQUEST or a `Schedule`."""
    timeout_minutes: Annotated[int, checks.between(1, 1440)] = DEFAULT_TIMEOUT_MINUTES
    """The minutes after which `deploy` and `run` stop a task that they started."""
    durable_volumes: Annotated[Sequence[DurableVolume], checks.entries(DurableVolume)] = ()

    registry_credentials: Annotated[str | None, image_checks.registry_credentials] = None
    """The secret with the `username` and `password` that pull the image, as JSON; None for a public image or ECR."""
    one_at_a_time: Annotated[bool, checks.flag] = False
    """Whether a rollout stops the old task before it starts the new one, which interrupts the service."""

    @property
    def is_service(self) -> bool:
        """Whether it is a service, which runs always; else its tasks end."""
        return self.runs is ALWAYS

    @property
    def runs_when(self) -> str:
        """When it runs, in words: `before a rollout`, or a schedule's expression and time zone."""
        return f"{self.runs.expression} {self.runs.time_zone}" if isinstance(self.runs, Schedule) else str(self.runs)

    @property
    def callees(self) -> tuple[str, ...]:
        """The names of its peers: what it calls, and the own stacks with its durable volumes."""
        return tuple(
            dict.fromkeys([*(call.service for call in self.calls), *(each.stack for each in self.durable_volumes)])
        )

    @property
    def read_secrets(self) -> tuple[tuple[str, str | None], ...]:
        """The secrets that people create, each with the JSON field that ECS reads of it; None for the whole value."""
        secrets = [(each.secret_name, each.json_field) for each in self.container_secrets]
        secrets += [(self.registry_credentials, field) for field in REGISTRY_FIELDS if self.registry_credentials]
        return tuple((name, field) for name, field in secrets if isinstance(name, str))

    @property
    def memory_reservation(self) -> int | None:
        """The container's reservation; without one, and without a size of the task, a small one."""
        is_sized = self.memory is not None or self.container_memory is not None
        return self.container_memory_reservation or (None if is_sized else _DEFAULT_RESERVATION_MIB)

    @property
    def container_location_is_path(self) -> bool:
        """Whether the image is built from a folder."""
        return self.container_location.startswith(LOCAL_BUILD)

    @property
    def task_size(self) -> TaskSize:
        """The task's CPU and memory: as configured, or the smallest that fit the container and its sidecars."""
        reservation, cpu, memory = (
            None if is_token(value) else value
            for value in (self.container_memory or self.memory_reservation, self.cpu, self.memory)
        )
        size = smallest_size(reservation or 0, cpu=cpu, memory=memory)
        assert size is not None, "checked when the entry was created"
        return TaskSize(self.cpu or size.cpu, self.memory or size.memory)
