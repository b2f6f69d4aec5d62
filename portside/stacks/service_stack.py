"""The service of a container."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
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
    parse_reference,
    stub_reference,
)
from portside.config.service_groups import MOST_CALLERS_GROUPS
from portside.config.service_props import DATABASE, HealthCheck, ServiceProps, ServiceSecret
from portside.errors import UsageError
from portside.images.resolved_image import ResolvedImage
from portside.stacks.acknowledgment import acknowledge
from portside.stacks.alarms import EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.database_stack import Database
from portside.stacks.own_stacks import OwnResources
from portside.stacks.service_roles import execution_role, task_role

SCALING_CPU_PERCENT = 50
RETENTION = dict(zip(RETENTION_DAYS, logs.RetentionDays, strict=False))
# The free storage of Fargate, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-storage.html
_FREE_STORAGE_GIB = 20
# The folders of the agent of ECS exec, https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
_EXEC_AGENT_PATHS = ("/var/lib/amazon", "/var/log/amazon")
# Long enough for ECS to replace a lost task.
_TOO_FEW_TASKS_MINUTES = 5
# Enough for bursts of logs, as AWS measured:
# https://aws.amazon.com/blogs/containers/preventing-log-loss-with-non-blocking-mode-in-the-awslogs-container-log-driver/
_LOG_BUFFER = cdk.Size.mebibytes(25)

# The CDK runs in another process, so each call takes a part of a millisecond.
seconds = functools.cache(cdk.Duration.seconds)
_tcp = functools.cache(ec2.Port.tcp)


class ServiceStack(cdk.Stack):
    """A Fargate service of one container, reached by its name through Service Connect.

    `callers` has the security group of the callers of each callee: this service has a rule for its own, and its tasks
    are in those of the services that it calls. A service with more calls than a task can have groups uses its
    `calls_group` instead; `many_callers` are the groups of such callers by name. `own` are the
    team's own stacks, by the end of their names. `ecs_exec` is the default for the props. `deployment_alarms` are names
    of alarms that roll back a deployment; the service's alarms, whose names are `alarms`, notify `alarm_topic_arn`.
    `open_to` is a network that can call the service without a group, for an environment whose callers don't have theirs
    yet. `image` is the resolved image; without it the location of the props is deployed. In a rehearsal (`rehearsed`) a
    stub replaces an image that would be built from a folder.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        cluster: ecs.ICluster,
        props: ServiceProps,
        *,
        callers: Mapping[str, ec2.ISecurityGroup] | None = None,
        calls_group: ec2.ISecurityGroup | None = None,
        many_callers: Mapping[str, ec2.ISecurityGroup] | None = None,
        database: Database | None = None,
        own: Mapping[str, OwnResources] | None = None,
        ecs_exec: bool = True,
        log_retention_days: int = 90,
        deployment_alarms: Sequence[str] = (),
        alarm_topic_arn: str | None = None,
        open_to: str | None = None,
        image: ResolvedImage | None = None,
        rehearsed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._name = self.stack_name
        self._resolved = image
        self._rehearsed = rehearsed
        self._own = own or {}
        self._log_retention = RETENTION[log_retention_days]
        # Of log groups only, which the CDK creates for the drivers, because the running log groups are those.
        cdk.RemovalPolicies.of(self).destroy(apply_to_resource_types=["AWS::Logs::LogGroup"])
        self.ecs_exec = ecs_exec if props.ecs_exec is None else props.ecs_exec
        self._task_role = task_role(self, props.permissions, ecs_exec=self.ecs_exec)
        self._execution_role = execution_role(self)
        self.task_definition = self._task_definition(props)
        self.container = self._container(props, database)
        self._mount_volumes(props)
        for grant in props.grants:
            self._own[grant.stack].grants[grant.name](self._task_role)
        self.service = self._service(cluster, props)
        self._finish(self.cfn_service, props)
        alarms = [*deployment_alarms, *self._own_deployment_alarms()]
        if alarms:
            self.service.enable_deployment_alarms(alarms, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
        self.own_group = self.service.connections.security_groups[0]
        self._add_ingress(props, callers or {}, many_callers or {}, open_to)
        self._carry(self._groups_of_calls(props, callers or {}, calls_group, database))
        self._scale(props)
        self.alarms = [self._alarm_on_too_few_tasks(cluster, props, alarm_topic_arn)]
        self._add_image_outputs()

    @functools.cached_property
    def cfn_service(self) -> ecs.CfnService:
        # The construct has no default child, because it also contains the log group.
        return cast(ecs.CfnService, self.service.node.find_child("Service"))

    def _task_definition(self, props: ServiceProps) -> ecs.FargateTaskDefinition:
        storage = sum(volume.size for volume in props.container_volumes)
        definition = ecs.FargateTaskDefinition(
            self,
            "TaskDef",
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

    def _container(self, props: ServiceProps, database: Database | None) -> ecs.ContainerDefinition:
        return self.task_definition.add_container(
            props.container_name,
            image=self._image(props.container_location),
            memory_reservation_mib=props.memory_reservation,
            memory_limit_mib=props.container_memory,
            environment={key: self._late(value, props, database) for key, value in props.container_env_vars.items()},
            secrets={secret.environment_key: self._secret(secret, database) for secret in props.container_secrets},
            command=list(props.container_command) if props.container_command else None,
            health_check=_health_check(props.container_healthcheck),
            port_mappings=[
                ecs.PortMapping(
                    name=props.container_name, container_port=props.container_port, protocol=ecs.Protocol.TCP
                )
            ],
            readonly_root_filesystem=props.read_only_root or None,
            user=props.user,
            # An init process that reaps child processes and forwards signals, which the images' processes don't.
            linux_parameters=ecs.LinuxParameters(self, "LinuxParameters", init_process_enabled=True),
            stop_timeout=seconds(props.stop_timeout_seconds),
            logging=self._log_driver(),
        )

    def _image(self, location: str) -> ecs.ContainerImage:
        if self._resolved:
            return ecs.ContainerImage.from_registry(self._resolved.reference)
        if location.startswith(LOCAL_BUILD) and self._rehearsed:
            return ecs.ContainerImage.from_registry(stub_reference(location))
        if location.startswith(LOCAL_BUILD):
            return ecs.ContainerImage.from_asset(str(_build_folder(location)))
        return ecs.ContainerImage.from_registry(location)

    def _late(self, value: object, props: ServiceProps, database: Database | None) -> str:
        """A variable's text, with the values for the deferred values in it."""
        return "".join(self._known(part, props, database) for part in parts_of(value))

    def _known(self, value: object, props: ServiceProps, database: Database | None) -> str:
        match value:
            case DatabaseHost():
                return _existing(database).host
            case DatabasePort():
                return str(_existing(database).port)
            case DatabaseName():
                return _existing(database).name
            case DatabaseUser():
                return _existing(database).user
            case StackOutput():
                return self._output(value)
            case ImageVersion():
                return self._resolved.tag if self._resolved else _tag_of(props.container_location)
            case ImageCommit():
                return (self._resolved and self._resolved.short_commit) or UNKNOWN_COMMIT
        return str(value)

    def _output(self, read: StackOutput) -> str:
        """The output of an own stack: a reference by its name, so that this template only changes with the name."""
        producer = self._own[read.stack].stack
        self.add_stack_dependency(producer)
        return cdk.Fn.get_stack_output(producer.stack_name, read.output, self.region)

    def _add_image_outputs(self) -> None:
        """Outputs with the image's tag, digest and commit."""
        if self._resolved:
            cdk.CfnOutput(self, IMAGE_OUTPUT, value=f"{self._resolved.name}:{self._resolved.tag}")
            cdk.CfnOutput(self, IMAGE_DIGEST_OUTPUT, value=self._resolved.digest)
            cdk.CfnOutput(self, IMAGE_COMMIT_OUTPUT, value=self._resolved.commit or UNKNOWN_COMMIT)

    def _secret(self, secret: ServiceSecret, database: Database | None) -> ecs.Secret:
        if isinstance(secret.secret_name, DatabaseSecret):
            return ecs.Secret.from_secrets_manager(_existing(database).secret)
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

    def _service(self, cluster: ecs.ICluster, props: ServiceProps) -> ecs.FargateService:
        return ecs.FargateService(
            self,
            "Service",
            cluster=cluster,
            task_definition=self.task_definition,
            assign_public_ip=False,
            capacity_provider_strategies=_capacity(props.spot_weight),
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            enable_execute_command=self.ecs_exec,
            enable_ecs_managed_tags=True,
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.ENABLED,
            min_healthy_percent=100,
            max_healthy_percent=200,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            service_connect_configuration=ecs.ServiceConnectProps(
                log_driver=self._log_driver(),
                services=[
                    ecs.ServiceConnectService(
                        port_mapping_name=props.container_name,
                        dns_name=props.container_name,
                        port=props.container_port,
                    )
                ],
            ),
        )

    def _finish(self, service: ecs.CfnService, props: ServiceProps) -> None:
        # Tasks that start without their permissions fail, and the circuit breaker counts them.
        service.node.add_dependency(self._execution_role)
        service.add_property_override(
            "DeploymentConfiguration.DeploymentCircuitBreaker.ThresholdConfiguration",
            {"Type": "COUNT", "Value": props.deployment_failure_threshold},
        )

    def _add_ingress(
        self,
        props: ServiceProps,
        callers: Mapping[str, ec2.ISecurityGroup],
        many_callers: Mapping[str, ec2.ISecurityGroup],
        open_to: str | None,
    ) -> None:
        port = _tcp(props.container_port)
        if props.container_name in callers:
            self.own_group.add_ingress_rule(
                callers[props.container_name], port, f"From the callers of {props.container_name}"
            )
        for caller, group in many_callers.items():
            self.own_group.add_ingress_rule(group, port, f"From {caller}, which has many calls")
        if open_to:
            self.own_group.add_ingress_rule(ec2.Peer.ipv4(open_to), port, "From callers that run without their group")

    def _groups_of_calls(
        self,
        props: ServiceProps,
        callers: Mapping[str, ec2.ISecurityGroup],
        calls_group: ec2.ISecurityGroup | None,
        database: Database | None,
    ) -> list[ec2.ISecurityGroup]:
        """The security groups with which the tasks can connect to their callees."""
        called = [call.service for call in props.calls]
        others = {part: each.callers for part, each in self._own.items() if each.callers}
        if DATABASE in called:
            others[DATABASE] = _existing(database).callers
        if calls_group and len(props.calls) > MOST_CALLERS_GROUPS:
            return [*(others[each] for each in called if each in others), calls_group]
        return [others[each] if each in others else callers[each] for each in called]

    def _carry(self, groups: Sequence[ec2.ISecurityGroup]) -> None:
        # Not through the construct: it would add its rules for the service to these groups too, which are shared.
        self.cfn_service.add_property_override(
            "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
            [self.own_group.security_group_id, *(_id(cast(Any, group)) for group in groups)],
        )

    def _scale(self, props: ServiceProps) -> None:
        # With a scalable target the template has no desired count, so that a deployment doesn't change the running one.
        # Memory is not a measure of load: Node and Java don't release it.
        scaling = self.service.auto_scale_task_count(
            min_capacity=props.auto_scale_min_capacity, max_capacity=props.auto_scale_max_capacity
        )
        scaling.scale_on_cpu_utilization("CpuScaling", target_utilization_percent=SCALING_CPU_PERCENT)

    def _own_deployment_alarms(self) -> list[str]:
        """The names of alarms of this stack that roll back a deployment."""
        return []

    def _alarm_on_too_few_tasks(self, cluster: ecs.ICluster, props: ServiceProps, topic_arn: str | None) -> str:
        # Every running task reports its CPU once a minute, so the number of samples is the number of tasks:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
        running = cloudwatch.Metric(
            namespace="AWS/ECS",
            metric_name="CPUUtilization",
            dimensions_map={"ClusterName": cluster.cluster_name, "ServiceName": self.service.service_name},
            statistic="SampleCount",
            period=EVERY_MINUTE,
        )
        return add_alarm(
            self,
            "TooFewTasksAlarm",
            running,
            AlarmProps(
                name=f"{self._name}-too-few-tasks",
                description=f"Fewer tasks of {props.container_name} run than it is to have at least",
                below=props.auto_scale_min_capacity,
                minutes=_TOO_FEW_TASKS_MINUTES,
                without_data=cloudwatch.TreatMissingData.BREACHING,
            ),
            topic_arn,
        )

    def _log_driver(self) -> ecs.LogDriver:
        """Logs are sent through a buffer: while CloudWatch is slow, the program doesn't wait, and lines can be lost."""
        return ecs.LogDrivers.aws_logs(
            stream_prefix=self._name,
            log_retention=self._log_retention,
            mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            max_buffer_size=_LOG_BUFFER,
        )


@functools.lru_cache(maxsize=1000)
def _id(group: ec2.SecurityGroup) -> str:
    return group.security_group_id


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


def _capacity(spot_weight: int) -> list[ecs.CapacityProviderStrategy]:
    always = ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=1, weight=0 if spot_weight else 1)
    spot = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=spot_weight)
    return [always, spot] if spot_weight else [always]


def _tag_of(location: str) -> str:
    reference = parse_reference(location)
    return (reference and reference.tag) or "unversioned"


def _existing(database: Database | None) -> Database:
    if database is None:
        raise UsageError(
            "a service uses the database, but its stack has no database", "Pass database=docdb_stack.database."
        )
    return database
