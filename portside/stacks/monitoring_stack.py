"""The dashboard of an environment in CloudWatch, and the topic of its alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from portside.stacks.alarms import EVERY_MINUTE
from portside.stacks.database_stack import DatabaseStack
from portside.stacks.ecs_stack import EcsStack
from portside.stacks.load_balanced_service_stack import PublicServiceStack
from portside.stacks.load_balancer_stack import LoadBalancerStack
from portside.stacks.service_stack import ServiceStack

if TYPE_CHECKING:
    from portside.stacks.container_stacks import Shared
    from portside.stacks.job_stack import JobStack

_WIDTH = 24
"""The width of a dashboard, https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html"""

_MOST_ALARMS = 100
"""The most alarms of a widget, by the same page."""


class MonitoringStack(cdk.Stack):
    """The topic of all alarms of an environment, and its dashboard: the site, its services, its database.

    Alarms refer to the topic by its name, so that no stack depends on this one, which depends on all others.
    Three dashboards are free, each further one is $3 a month; e-mails are free at this volume.
    https://aws.amazon.com/cloudwatch/pricing/
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        shared: Shared,
        services: Mapping[str, ServiceStack],
        tasks: Sequence[JobStack],
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        environment, load_balancer, database = shared.environment, shared.load_balancer, shared.database
        self.topic = self._topic(environment.alarm_topic_name, environment.alarm_emails)
        site = f"\n[{environment.fqdn}]({environment.url})" if environment.url else ""
        title = f"# {environment.identity.title} {environment.name}{site}"
        alarms = [
            *(load_balancer.alarms if load_balancer else ()),
            *(name for stack in services.values() for name in stack.alarms),
            *(name for stack in tasks for name in stack.alarms),
        ]
        alarms += database.alarms if database else []
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=environment.alarm_topic_name.removesuffix("-alarms"),
            default_interval=cdk.Duration.hours(3),
            widgets=[
                [cloudwatch.TextWidget(markdown=title, width=_WIDTH, height=2)],
                *([widget] for widget in alarm_widgets(self, alarms)),
                *([_site(load_balancer.alb, services)] if load_balancer else []),
                _services(shared.ecs, services),
                *([_database(database)] if database else []),
                *([[_stopped(load_balancer)]] if load_balancer else []),
            ],
        )

    def _topic(self, name: str, emails: Sequence[str]) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", topic_name=name, enforce_ssl=True, master_key=self._topic_key(name))
        # A policy replaces the default, with which the account's services can publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
        for email in emails:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _topic_key(self, topic: str) -> kms.Key:
        """Our key: CloudWatch can't use AWS's key for topics, and its alarms would be lost.

        https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html. It is deleted with the stack, after seven
        days: no stored data is encrypted with it. $1 a month, https://aws.amazon.com/kms/pricing/.
        """
        key = kms.Key(
            self,
            "AlarmsKey",
            description=f"Encrypts the topic {topic}",
            enable_key_rotation=True,
            pending_window=cdk.Duration.days(7),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
            )
        )
        return key


def alarm_widgets(scope: Construct, names: Sequence[str]) -> list[cloudwatch.AlarmStatusWidget]:
    """The widgets with the states of alarms: several if there are more alarms than one shows."""
    alarms = [cloudwatch.Alarm.from_alarm_name(scope, f"Alarm-{name}", name) for name in names]
    return [
        cloudwatch.AlarmStatusWidget(
            alarms=alarms[start : start + _MOST_ALARMS], title="Is anything wrong?", width=_WIDTH, height=4
        )
        for start in range(0, len(alarms), _MOST_ALARMS)
    ]


def _site(alb: elbv2.ApplicationLoadBalancer, services: Mapping[str, ServiceStack]) -> list[cloudwatch.IWidget]:
    def answers(code: elbv2.HttpCodeTarget, label: str) -> cloudwatch.IMetric:
        return alb.metrics.http_code_target(code, label=label, period=EVERY_MINUTE, statistic="Sum")

    codes = elbv2.HttpCodeTarget

    def hosts(metric: str, label: str, statistic: str) -> list[cloudwatch.IMetric]:
        # The target group's own metrics derive the load balancer's name from the listener's, with a function of
        # CloudFormation around the reference to another stack.
        return [
            cloudwatch.Metric(
                namespace="AWS/ApplicationELB",
                metric_name=metric,
                dimensions_map={
                    "LoadBalancer": alb.load_balancer_full_name,
                    "TargetGroup": stack.targets.target_group_full_name,
                },
                label=label,
                statistic=statistic,
                period=EVERY_MINUTE,
            )
            for stack in services.values()
            if isinstance(stack, PublicServiceStack)
        ]

    return [
        _graph(
            "Requests a minute", [alb.metrics.request_count(period=EVERY_MINUTE, statistic="Sum", label="Requests")]
        ),
        _graph(
            "Answers that are errors, a minute",
            [
                answers(codes.TARGET_5XX_COUNT, "5xx of services"),
                alb.metrics.http_code_elb(
                    elbv2.HttpCodeElb.ELB_5XX_COUNT, label="5xx of the load balancer", period=EVERY_MINUTE
                ),
                answers(codes.TARGET_4XX_COUNT, "4xx"),
            ],
        ),
        _graph(
            "Seconds until an answer",
            [
                alb.metrics.target_response_time(period=EVERY_MINUTE, statistic=statistic, label=label)
                for statistic, label in (("p50", "half of them"), ("p95", "19 of 20"))
            ],
        ),
        _graph(
            "Targets",
            [
                *hosts("HealthyHostCount", "healthy", "Minimum"),
                *hosts("UnHealthyHostCount", "unhealthy", "Maximum"),
            ],
        ),
    ]


def _services(ecs: EcsStack, services: Mapping[str, ServiceStack]) -> list[cloudwatch.IWidget]:
    cluster = ecs.cluster.cluster_name
    service_names = {name: stack.service.service_name for name, stack in services.items()}

    def of_each(metric: str, statistic: str) -> list[cloudwatch.IMetric]:
        return [
            cloudwatch.Metric(
                namespace="AWS/ECS",
                metric_name=metric,
                dimensions_map={"ClusterName": cluster, "ServiceName": service_name},
                statistic=statistic,
                period=EVERY_MINUTE,
                label=name,
            )
            for name, service_name in service_names.items()
        ]

    return [
        _graph("Running tasks", of_each("CPUUtilization", "SampleCount"), width=8),
        _graph("CPU in use, %", of_each("CPUUtilization", "Average"), width=8),
        _graph("Memory in use, %", of_each("MemoryUtilization", "Average"), width=8),
    ]


def _database(database: DatabaseStack) -> list[cloudwatch.IWidget]:
    def graph(title: str, metric: str, label: str) -> cloudwatch.IWidget:
        return _graph(f"Database: {title}", [database.metric(metric, "Average", label)])

    return [
        graph("CPU, %", "CPUUtilization", "CPU"),
        graph("connections", "DatabaseConnections", "connections"),
        graph("memory left, bytes", "FreeableMemory", "memory"),
        graph("storage in use, bytes", "VolumeBytesUsed", "storage")
        if database.props.kind.is_cluster
        else graph("storage left, bytes", "FreeStorageSpace", "storage"),
    ]


def _stopped(load_balancer: LoadBalancerStack) -> cloudwatch.IWidget:
    def rule(name: str, label: str) -> cloudwatch.IMetric:
        return cloudwatch.Metric(
            namespace="AWS/WAFV2",
            metric_name=name,
            dimensions_map={"WebACL": load_balancer.stack_name, "Region": load_balancer.region, "Rule": "ALL"},
            statistic="Sum",
            period=EVERY_MINUTE,
            label=label,
        )

    metrics = [rule("BlockedRequests", "stopped"), rule("CountedRequests", "counted")]
    return _graph("Requests that the firewall stopped, a minute", metrics, width=_WIDTH)


def _graph(title: str, metrics: Sequence[cloudwatch.IMetric], width: int = _WIDTH // 4) -> cloudwatch.GraphWidget:
    axis = cloudwatch.YAxisProps(min=0, show_units=False)
    return cloudwatch.GraphWidget(title=title, left=list(metrics), left_y_axis=axis, width=width, height=6)
