"""A task of one container: its definition, its roles, its logs and what it may reach."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from portside.config.deferred_values import (
    DatabaseHost,
    DatabaseName,
    DatabasePort,
    DatabaseSecret,
    DatabaseUser,
    ImageCommit,
    ImageVersion,
    StackOutput,
    parts_of,
)
from portside.config.environment_values import RETENTION_DAYS
from portside.config.image_reference import (
    IMAGE_COMMIT_OUTPUT,
    IMAGE_DIGEST_OUTPUT,
    IMAGE_OUTPUT,
    LOCAL_BUILD,
    UNKNOWN_COMMIT,
    ecr_repository,
    parse_reference,
    stub_reference,
)
from portside.config.service_groups import MOST_CALLERS_GROUPS
from portside.config.service_props import DATABASE, HealthCheck, ServiceProps, ServiceSecret
from portside.errors import UsageError
from portside.images.resolved_image import ResolvedImage
from portside.stacks.acknowledgment import acknowledge
from portside.stacks.database_stack import Database
from portside.stacks.own_stacks import OwnResources
from portside.stacks.service_roles import execution_role, task_role

RETENTION = dict(zip(RETENTION_DAYS, logs.RetentionDays, strict=False))
# The free storage of Fargate, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
_FREE_STORAGE_GIB = 20
# The folders of the agent of ECS exec, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
_EXEC_AGENT_PATHS = ("/var/lib/amazon", "/var/log/amazon")
# Enough for bursts of logs, as AWS measured:
# https://aws.amazon.com/blogs/containers/preventing-log-loss-with-non-blocking-mode-in-the-awslogs-container-log-driver/
_LOG_BUFFER = cdk.Size.mebibytes(25)

# The CDK runs in another process, so each call takes a part of a millisecond.
seconds = functools.cache(cdk.Duration.seconds)


@dataclass(frozen=True)
class TaskSettings:
    """The settings of a task, which follow from its environment.

    `own` are the team's own stacks, by the end of their names. `ecs_exec` is the default for the props. `image` is the
    resolved image; without it the location of the props is deployed. In a rehearsal (`rehearsed`) a stub replaces an
    image that would be built from a folder. Alarms notify `alarm_topic_arn`.
    """

    database: Database | None = None
    own: Mapping[str, OwnResources] = field(default_factory=dict)
    ecs_exec: bool = True
    log_retention_days: int = 90
    image: ResolvedImage | None = None
    rehearsed: bool = False
    alarm_topic_arn: str | None = None


class TaskStack(cdk.Stack):
    """The definition of a task of one container, with its roles and logs; something else starts the task."""

    def __init__(
        self, scope: Construct, construct_id: str, props: ServiceProps, settings: TaskSettings, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._settings = settings
        self._name = self.stack_name
        # Services keep the CDK's default, because a change would replace their task definition.
        self._family: str | None = None if props.is_service else self.stack_name
        self._log_retention = RETENTION[settings.log_retention_days]
        # Of log groups only, which the CDK creates for the drivers, because the running log groups are those.
        cdk.RemovalPolicies.of(self).destroy(apply_to_resource_types=["AWS::Logs::LogGroup"])
        self.ecs_exec = settings.ecs_exec if props.ecs_exec is None else props.ecs_exec
        self._task_role = task_role(self, props.permissions, ecs_exec=self.ecs_exec)
        self._execution_role = execution_role(self, ecr_repository(props.container_location))
        self.task_definition = self._task_definition(props)
        self.container = self._container(props)
        self._mount_volumes(props)
        self._mount_durable_volumes(props)
        for grant in props.grants:
            self._settings.own[grant.stack].grants[grant.name](self._task_role)

    def _task_definition(self, props: ServiceProps) -> ecs.FargateTaskDefinition:
        storage = sum(volume.size for volume in props.container_volumes)
        definition = ecs.FargateTaskDefinition(
            self,
            "TaskDef",
            family=self._family,
            cpu=props.task_size.cpu,
            memory_limit_mib=props.task_size.memory,
            ephemeral_storage_gib=storage if storage > _FREE_STORAGE_GIB else None,
            task_role=self._task_role,
            execution_role=self._execution_role,
        )
        if props.container_env_vars:
            acknowledge(
                definition,
                "AwsSolutions-ECS2",
                "addresses, names and versions are no secrets; the form refuses a variable that looks like one, and "
                "secrets come from Secrets Manager",
            )
        return definition

    def _container(self, props: ServiceProps) -> ecs.ContainerDefinition:
        return self.task_definition.add_container(
            props.container_name,
            image=self._image(props),
            memory_reservation_mib=props.memory_reservation,
            memory_limit_mib=props.container_memory,
            environment={key: self._late(value, props) for key, value in props.container_env_vars.items()},
            secrets={secret.environment_key: self._secret(secret) for secret in props.container_secrets},
            command=list(props.container_command) if props.container_command else None,
            health_check=_health_check(props.container_healthcheck),
            port_mappings=[
                ecs.PortMapping(name=props.container_name, container_port=port, protocol=ecs.Protocol.TCP)
                for port in filter(None, [props.container_port])
            ],
            readonly_root_filesystem=props.read_only_root or None,
            user=props.user,
            # An init process that reaps child processes and forwards signals, which the images' processes don't.
            linux_parameters=ecs.LinuxParameters(self, "LinuxParameters", init_process_enabled=True),
            stop_timeout=seconds(props.stop_timeout_seconds),
            logging=self._log_driver(),
        )

    def _image(self, props: ServiceProps) -> ecs.ContainerImage:
        location = self._settings.image.reference if self._settings.image else props.container_location
        if location.startswith(LOCAL_BUILD) and not self._settings.rehearsed:
            # The platform of Fargate, also where the machine that builds has another one.
            return ecs.ContainerImage.from_asset(str(_build_folder(location)), platform=ecr_assets.Platform.LINUX_AMD64)
        if location.startswith(LOCAL_BUILD):
            location = stub_reference(location)
        secret = props.registry_credentials
        login = secretsmanager.Secret.from_secret_name_v2(self, "RegistryCredentials", secret) if secret else None
        return ecs.ContainerImage.from_registry(location, credentials=login)

    def _late(self, value: object, props: ServiceProps) -> str:
        """A variable's text, with the values for the deferred values in it."""
        return "".join(self._known(part, props) for part in parts_of(value))

    def _known(self, value: object, props: ServiceProps) -> str:
        match value:
            case DatabaseHost():
                return _existing(self._settings.database).host
            case DatabasePort():
                return str(_existing(self._settings.database).port)
            case DatabaseName():
                return _existing(self._settings.database).name
            case DatabaseUser():
                return _existing(self._settings.database).user
            case StackOutput():
                return self._output(value)
            case ImageVersion():
                return self._settings.image.tag if self._settings.image else _tag_of(props.container_location)
            case ImageCommit():
                return (self._settings.image and self._settings.image.short_commit) or UNKNOWN_COMMIT
        return str(value)

    def _output(self, read: StackOutput) -> str:
        """The output of an own stack: a reference by its name, so that this template only changes with the name."""
        producer = self._settings.own[read.stack].stack
        self.add_stack_dependency(producer)
        return cdk.Fn.get_stack_output(producer.stack_name, read.output, self.region)

    def _add_image_outputs(self) -> None:
        """Outputs with the image's tag, digest and commit."""
        if self._settings.image:
            cdk.CfnOutput(self, IMAGE_OUTPUT, value=f"{self._settings.image.name}:{self._settings.image.tag}")
            cdk.CfnOutput(self, IMAGE_DIGEST_OUTPUT, value=self._settings.image.digest)
            cdk.CfnOutput(self, IMAGE_COMMIT_OUTPUT, value=self._settings.image.commit or UNKNOWN_COMMIT)

    def _secret(self, secret: ServiceSecret) -> ecs.Secret:
        if isinstance(secret.secret_name, DatabaseSecret):
            return ecs.Secret.from_secrets_manager(_existing(self._settings.database).secret)
        if isinstance(secret.secret_name, StackOutput):
            given = secretsmanager.Secret.from_secret_complete_arn(
                self, f"Secret-{secret.environment_key}", self._output(secret.secret_name)
            )
            return ecs.Secret.from_secrets_manager(given, secret.json_field)
        named = secretsmanager.Secret.from_secret_name_v2(self, f"Secret-{secret.environment_key}", secret.secret_name)
        return ecs.Secret.from_secrets_manager(named, secret.json_field)

    def _mount_volumes(self, props: ServiceProps) -> None:
        mounts = [(volume.path, volume.read_only) for volume in props.container_volumes]
        if self.ecs_exec and props.read_only_root:
            mounted = {path for path, _ in mounts}
            mounts += [(path, False) for path in _EXEC_AGENT_PATHS if path not in mounted]
        for number, (path, read_only) in enumerate(mounts, start=1):
            name = f"{props.container_name}-{number}"
            self.task_definition.add_volume(name=name)
            self.container.add_mount_points(
                ecs.MountPoint(container_path=path, read_only=read_only, source_volume=name)
            )

    def _mount_durable_volumes(self, props: ServiceProps) -> None:
        """Mount access points with TLS, and as the task's role, which may mount these alone."""
        for volume in props.durable_volumes:
            point = self._settings.own[volume.stack].volumes[volume.name]
            name = f"{volume.stack}-{volume.name}"
            self.task_definition.add_volume(
                name=name,
                efs_volume_configuration=ecs.EfsVolumeConfiguration(
                    file_system_id=point.file_system.file_system_id,
                    transit_encryption="ENABLED",
                    authorization_config=ecs.AuthorizationConfig(access_point_id=point.access_point_id, iam="ENABLED"),
                ),
            )
            self.container.add_mount_points(
                ecs.MountPoint(container_path=volume.path, read_only=volume.read_only, source_volume=name)
            )
            # https://docs.aws.amazon.com/efs/latest/ug/iam-access-control-nfs-efs.html
            rights = ["ClientMount"] if volume.read_only else ["ClientMount", "ClientWrite"]
            self._task_role.add_to_policy(
                iam.PolicyStatement(
                    actions=[f"elasticfilesystem:{each}" for each in rights],
                    resources=[point.file_system.file_system_arn],
                    conditions={"StringEquals": {"elasticfilesystem:AccessPointArn": point.access_point_arn}},
                )
            )

    def _groups_of_calls(
        self,
        props: ServiceProps,
        callers: Mapping[str, ec2.ISecurityGroup],
        calls_group: ec2.ISecurityGroup | None,
    ) -> list[ec2.ISecurityGroup]:
        """The security groups with which the tasks can connect to their callees."""
        called = props.callees
        others = {part: each.callers for part, each in self._settings.own.items() if each.callers}
        if DATABASE in called:
            others[DATABASE] = _existing(self._settings.database).callers
        if calls_group and len(called) > MOST_CALLERS_GROUPS:
            return [*(others[each] for each in called if each in others), calls_group]
        return [others[each] if each in others else callers[each] for each in called]

    def _log_driver(self) -> ecs.LogDriver:
        """Logs are sent through a buffer: while CloudWatch is slow, the program doesn't wait, and lines can be lost."""
        return ecs.LogDrivers.aws_logs(
            stream_prefix=self._name,
            log_retention=self._log_retention,
            mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            max_buffer_size=_LOG_BUFFER,
        )


def _build_folder(location: str) -> Path:
    """The folder of a `path://` image. Raises `ValueError` and `FileNotFoundError`."""
    folder = Path(location.removeprefix(LOCAL_BUILD))
    if not folder.is_dir():
        raise ValueError(f"{location}: {folder} is not a valid directory")
    if not (folder / "Dockerfile").is_file():
        raise FileNotFoundError(f"{location}: No Dockerfile found in {folder}")
    return folder


def _health_check(check: HealthCheck | ecs.HealthCheck | None) -> ecs.HealthCheck | None:
    if not isinstance(check, HealthCheck):
        return check
    return ecs.HealthCheck(
        command=list(check.command),
        interval=seconds(check.interval_seconds),
        timeout=seconds(check.timeout_seconds),
        retries=check.retries,
        start_period=seconds(check.start_period_seconds),
    )


def _tag_of(location: str) -> str:
    reference = parse_reference(location)
    return (reference and reference.tag) or "unversioned"


def _existing(database: Database | None) -> Database:
    if database is None:
        raise UsageError(
            "a service uses the database, but its stack has no database",
            "Pass the database in its settings.",
        )
    return database
