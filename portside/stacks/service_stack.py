"""The service of a container."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from portside.config.service_props import ServiceProps
from portside.stacks.alarms import EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.task_stack import TaskSettings, TaskStack

SCALING_CPU_PERCENT = 50
# Long enough for ECS to replace a lost task.
_TOO_FEW_TASKS_MINUTES = 5

_tcp = functools.cache(ec2.Port.tcp)


@dataclass(frozen=True)
class ServiceSettings(TaskSettings):
    """The settings of a service, which follow from its environment.

    `callers` has the security group of the callers of each callee: a service has a rule for its own, and its tasks are
    in those of the services that it calls. A service with more calls than a task can have groups uses its `calls_group`
    instead; `many_callers` are the groups of such callers by name. `deployment_alarms` are names of alarms that roll
    back a deployment. `open_to` is a network that can call the service without a group, for an environment whose
    callers don't have theirs yet.
    """

    callers: Mapping[str, ec2.ISecurityGroup] = field(default_factory=dict)
    calls_group: ec2.ISecurityGroup | None = None
    many_callers: Mapping[str, ec2.ISecurityGroup] = field(default_factory=dict)
    deployment_alarms: Sequence[str] = ()
    open_to: str | None = None


_DEFAULTS = ServiceSettings()


class ServiceStack(TaskStack):
    """A Fargate service of one container, reached by its name through Service Connect. `alarms` are their names."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        cluster: ecs.ICluster,
        props: ServiceProps,
        settings: ServiceSettings = _DEFAULTS,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, props, settings, **kwargs)
        self.service = self._service(cluster, props)
        self._finish(self.cfn_service, props)
        alarms = [*settings.deployment_alarms, *self._own_deployment_alarms()]
        if alarms:
            self.service.enable_deployment_alarms(alarms, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
        self.own_group = self.service.connections.security_groups[0]
        self._add_ingress(props, settings)
        self._carry(self._groups_of_calls(props, settings.callers, settings.calls_group))
        self._scale(props)
        self.alarms = [self._alarm_on_too_few_tasks(cluster, props)]
        self._add_image_outputs()

    @functools.cached_property
    def cfn_service(self) -> ecs.CfnService:
        # The construct has no default child, because it also contains the log group.
        return cast(ecs.CfnService, self.service.node.find_child("Service"))

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
            # It starts a task in another zone before it stops one.
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.DISABLED
            if props.one_at_a_time
            else ecs.AvailabilityZoneRebalancing.ENABLED,
            min_healthy_percent=0 if props.one_at_a_time else 100,
            max_healthy_percent=100 if props.one_at_a_time else 200,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            service_connect_configuration=ecs.ServiceConnectProps(
                log_driver=self._log_driver(),
                services=[
                    ecs.ServiceConnectService(
                        port_mapping_name=props.container_name, dns_name=props.container_name, port=port
                    )
                    for port in filter(None, [props.container_port])
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

    def _add_ingress(self, props: ServiceProps, settings: ServiceSettings) -> None:
        if props.container_port is None:
            return
        port = _tcp(props.container_port)
        if callers := settings.callers.get(props.container_name):
            self.own_group.add_ingress_rule(callers, port, f"From the callers of {props.container_name}")
        for caller, group in settings.many_callers.items():
            self.own_group.add_ingress_rule(group, port, f"From {caller}, which has many calls")
        if settings.open_to:
            network = ec2.Peer.ipv4(settings.open_to)
            self.own_group.add_ingress_rule(network, port, "From callers that run without their group")

    def _carry(self, groups: Sequence[ec2.ISecurityGroup]) -> None:
        # Not through the construct: it would add its rules for the service to these groups too, which are shared.
        self.cfn_service.add_property_override(
            "NetworkConfiguration.AwsvpcConfiguration.SecurityGroups",
            [self.own_group.security_group_id, *(_id(cast(Any, group)) for group in groups)],
        )

    def _scale(self, props: ServiceProps) -> None:
        # With a scalable target the template has no desired count, so that a deployment doesn't change the running one.
        # By default memory is not a measure of load: Node and Java don't release it.
        scaling = self.service.auto_scale_task_count(
            min_capacity=props.auto_scale_min_capacity, max_capacity=props.auto_scale_max_capacity
        )
        scaling.scale_on_cpu_utilization("CpuScaling", target_utilization_percent=SCALING_CPU_PERCENT)
        if props.auto_scale_memory_percent:
            scaling.scale_on_memory_utilization(
                "MemoryScaling", target_utilization_percent=props.auto_scale_memory_percent
            )

    def _own_deployment_alarms(self) -> list[str]:
        """The names of alarms of this stack that roll back a deployment."""
        return []

    def _alarm_on_too_few_tasks(self, cluster: ecs.ICluster, props: ServiceProps) -> str:
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
            self._settings.alarm_topic_arn,
        )


@functools.lru_cache(maxsize=1000)
def _id(group: ec2.SecurityGroup) -> str:
    return group.security_group_id


def _capacity(spot_weight: int) -> list[ecs.CapacityProviderStrategy]:
    always = ecs.CapacityProviderStrategy(capacity_provider="FARGATE", base=1, weight=0 if spot_weight else 1)
    spot = ecs.CapacityProviderStrategy(capacity_provider="FARGATE_SPOT", weight=spot_weight)
    return [always, spot] if spot_weight else [always]
