"""Loads data into an environment's database: runs one task, then redeploys the services that cache.

No stack has a task definition for it. One is registered for the time of the load, from the deployed service that reads
the database: its execution role, network, log group, and the variables with the database's host and password.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from agora_own.load_preconditions import check_preconditions
from agora_own.loader_image import LOADER, database_keys, model_of
from portside.aws import logs
from portside.aws.deployed import find_deployed
from portside.aws.errors import aws_errors
from portside.aws.model import Service
from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.config.task_size import smallest_size
from portside.deploy import redeploy, task_run
from portside.deploy.redeploy import Redeployment
from portside.deploy.task_run import EndedTask, TaskStart
from portside.errors import UserError
from portside.findings.check import FAIL, check_as_json
from portside.findings.finding import Finding
from portside.images.resolved_image import ResolvedImage
from portside.json_fields import JsonFields
from portside.records.deployment_record import USUAL, Terms
from portside.records.environment_lock import expect_unlocked, locked
from portside.records.origin import Origin
from portside.records.parameter_history import put_parameter, read_parameter
from portside.records.task_record import new_record, write_task_or_warn
from portside.terminal.console import say

CACHING = ("agora-api",)
"""The services that cache what they read until they stop."""

DATA_FILE = "syn13363290"

_MEMORY_MIB, _CPU = 2048, 1024
_LONGEST_SECONDS = 3 * 60 * 60
_STREAM_PREFIX = "agora-data-load"


@dataclass(frozen=True)
class LoadPlan:
    """The task to run: the request to RegisterTaskDefinition, cluster and network. Secrets appear by ARN only."""

    environment: str
    image: ResolvedImage
    data_version: str
    cluster: str
    definition: Mapping[str, Any]
    network: Mapping[str, Any]
    source: logs.LogSource
    checks: tuple[Finding, ...] = ()
    caching: tuple[str, ...] = CACHING

    def as_json(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "image": self.image.reference,
            "version": self.image.tag,
            "data_version": self.data_version,
            "cluster": self.cluster,
            "task_definition": dict(self.definition),
            "checks": [check_as_json(each) for each in self.checks],
            "then_redeployed": list(self.caching),
        }


@dataclass(frozen=True)
class Load(JsonFields):
    """A load that went well."""

    environment: str
    data_version: str
    task: str
    seconds: float
    redeployment: Redeployment | None = field(default=None)


def plan(target: Target, services: Sequence[ServiceProps], image: ResolvedImage, data_version: str) -> LoadPlan:
    """Plan a load and check its preconditions. Raises `UserError` if the service to copy is not deployed."""
    environment = target.environment
    props = model_of(services)
    model = find_deployed(target, props)
    ecs = target.clients("ecs")
    running = ecs.describe_task_definition(taskDefinition=model.definition)["taskDefinition"]
    source = logs.source_of(running, model.name)
    container = next(each for each in running["containerDefinitions"] if each["name"] == model.name)
    host_key, secret_key = database_keys(props) or ("", "")
    host = next((each["value"] for each in container.get("environment", ()) if each["name"] == host_key), None)
    password = next((each["valueFrom"] for each in container.get("secrets", ()) if each["name"] == secret_key), None)
    if source is None or host is None or password is None:
        raise UserError(
            f"{model.name} as it is deployed in {environment.name} does not say where the database or its log is",
            f"Deploy today's app.py first: {target.commands.tool('deploy')}",
        )
    network = _network_of(model)
    role = str(running.get("executionRoleArn", ""))
    token, checks = check_preconditions(target, network, role)
    variables = {
        "DB_HOST": host,
        "DB_PORT": str(environment.database_port),
        "DB_NAME": environment.database_name,
        "DB_USER": environment.database_username,
        "DATA_FILE": DATA_FILE,
        "DATA_VERSION": data_version,
    }
    secrets = {"DB_PASS": password, "SYNAPSE_AUTH_TOKEN": token}
    definition = _definition(environment, image, variables, secrets, role, source)
    return LoadPlan(
        environment.name,
        image,
        data_version,
        model.cluster,
        definition,
        network,
        logs.LogSource(source.group, f"{_STREAM_PREFIX}/{LOADER}/"),
        checks,
        tuple(name for name in CACHING if any(props.container_name == name for props in services)),
    )


def _network_of(service: Service) -> dict[str, Any]:
    """The network of a service's tasks, as RunTask takes it."""
    return {
        "awsvpcConfiguration": {
            "subnets": list(service.subnets),
            "securityGroups": list(service.security_groups),
            "assignPublicIp": "ENABLED" if service.has_public_addresses else "DISABLED",
        }
    }


def load(
    target: Target,
    configuration: Configuration,
    planned: LoadPlan,
    origin: Origin,
    *,
    terms: Terms = USUAL,
    wait: Callable[[float], object] = time.sleep,
) -> Load:
    """Run the planned task until it stops, record its exit code, then redeploy the services that cache.

    Raises `UserError` with the reason if the task fails.
    """
    expect_met(planned)
    ssm, environment = target.clients("ssm"), target.environment
    expect_unlocked(ssm, environment, local=target.is_local)
    with locked(ssm, environment, origin, "load-data", local=target.is_local):
        terms.recheck()
        clock, record = time.monotonic(), new_record(target, LOADER, planned.image, origin)
        with _registered(target, planned) as definition:
            given = _start_of(planned, definition)
            task = task_run.start(target, given)
            say(f"Task {task} loads data version {planned.data_version} …")
            ended = task_run.follow(target, given, task, wait=wait)
            write_task_or_warn(ssm, environment, replace(record, exit_code=ended.exit_code, unproven=terms.unproven))
            _expect_success(planned, ended)
        remember_version(ssm, environment, planned.data_version)
        services = configuration.services_of(environment.name)
        caching = [props for props in services if props.container_name in planned.caching]
        done = redeploy.execute(target, configuration, redeploy.plan(target, caching), wait=wait) if caching else None
        return Load(environment.name, planned.data_version, task, round(time.monotonic() - clock, 1), done)


def expect_met(planned: LoadPlan) -> None:
    """Raise `UserError` with every precondition that is not met."""
    failed = [check for check in planned.checks if check.state == FAIL]
    if failed:
        raise UserError(
            "\n".join(f"{check.subject}: {check.what}" for check in failed),
            "\n".join(dict.fromkeys(check.fix for check in failed if check.fix)),
        )


def parameter_name(environment: Environment) -> str:
    """The parameter that says which version of the data was loaded last."""
    return environment.parameter_name("data-version")


def last_version(ssm: Any, environment: Environment) -> str | None:
    """The version of the data that was loaded last, if any was by this tool."""
    return read_parameter(ssm, parameter_name(environment))


def remember_version(ssm: Any, environment: Environment, version: str) -> None:
    """Write down which version of the data was loaded."""
    description = "The version of the data that was loaded last; written by ./agora"
    put_parameter(ssm, parameter_name(environment), version, description)


def _definition(
    environment: Environment,
    image: ResolvedImage,
    variables: Mapping[str, str],
    secrets: Mapping[str, str],
    role: str,
    source: logs.LogSource,
) -> dict[str, Any]:
    size = smallest_size(_MEMORY_MIB, cpu=_CPU)
    assert size is not None, "Fargate has a size for 2 GB and one vCPU"
    container = {
        "name": LOADER,
        "image": image.reference,
        "essential": True,
        "memory": _MEMORY_MIB,
        "environment": [{"name": name, "value": value} for name, value in variables.items()],
        "secrets": [{"name": name, "valueFrom": value} for name, value in secrets.items()],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": source.group,
                "awslogs-region": environment.region,
                "awslogs-stream-prefix": _STREAM_PREFIX,
            },
        },
    }
    return {
        "family": environment.stack_name("data-load"),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": str(size.cpu),
        "memory": str(size.memory),
        "executionRoleArn": role,
        "containerDefinitions": [container],
        "tags": [{"key": key, "value": value} for key, value in environment.tags.items()],
    }


@contextmanager
def _registered(target: Target, planned: LoadPlan) -> Iterator[str]:
    """The task definition for as long as the block runs."""
    ecs = target.clients("ecs")
    arn = str(ecs.register_task_definition(**planned.definition)["taskDefinition"]["taskDefinitionArn"])
    try:
        yield arn
    finally:
        try:
            ecs.deregister_task_definition(taskDefinition=arn)
        except aws_errors() as error:
            say(f"The task definition {arn} could not be deregistered: {error}", "yellow")


def _start_of(planned: LoadPlan, definition: str) -> TaskStart:
    return TaskStart(
        container=LOADER,
        request={
            "cluster": planned.cluster,
            "taskDefinition": definition,
            "networkConfiguration": planned.network,
        },
        source=planned.source,
        longest_seconds=_LONGEST_SECONDS,
        doing="load-data",
    )


def _expect_success(planned: LoadPlan, task: EndedTask) -> None:
    if task.exit_code != 0:
        raise UserError(
            f"data version {planned.data_version} was not loaded into {planned.environment}: {task.sentence}",
            _fix(task.exit_code, " ".join(task.reasons), planned),
        )


def _fix(code: object, reasons: str, planned: LoadPlan) -> str:
    if "CannotPullContainerError" in reasons:
        return f"The image could not be pulled: {planned.image.reference}"
    if "ResourceInitializationError" in reasons:
        return "A secret or the log could not be reached with the execution role: the reason says which."
    if code == 137:
        return f"It was killed, most often for its use of memory ({_MEMORY_MIB} MiB)."
    return f"Its lines are above, and in the log group {planned.source.group}. No service was redeployed."
