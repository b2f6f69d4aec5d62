"""The load balancer."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from portside.stacks.access_logs import keep_access_logs
from portside.stacks.acknowledgment import acknowledge
from portside.stacks.alarms import DEPLOYMENT_ALARM_MINUTES, EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.listeners import HTTP_PORT, HTTPS_PORT, listener_for_rules
from portside.stacks.web_acl import protect

# More than a scanner or one broken page causes, less than a broken release.
_SERVER_ERRORS_PER_MINUTE = 25
# A page needs several answers one after another; users leave when that takes ten seconds.
_SLOW_SECONDS = 3


@dataclass(frozen=True)
class LoadBalancerProps:
    """A load balancer. With `has_listeners`, public services add rules to its listener, otherwise the listeners.

    Only `allowed_networks` reach it, or everyone without them. The firewall counts what matches `counted_rules` instead
    of blocking it.
    """

    deletion_protection: bool = False
    log_retention_days: int = 90
    alarm_topic_arn: str | None = None
    keep_exports: bool = False
    idle_timeout_seconds: int | None = None
    allowed_networks: Sequence[str] = ()
    counted_rules: Container[str] = ()
    has_listeners: bool = False
    certificate_arn: str = ""


_DEFAULTS = LoadBalancerProps()


class LoadBalancerStack(cdk.Stack):
    """An application load balancer behind a firewall.

    `alarms` are the names of the alarms for errors and slow answers of the site.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        props: LoadBalancerProps = _DEFAULTS,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.alb = elbv2.ApplicationLoadBalancer(
            self,
            "AppLoadBalancer",
            vpc=vpc,
            internet_facing=True,
            deletion_protection=props.deletion_protection,
            drop_invalid_header_fields=True,
            idle_timeout=cdk.Duration.seconds(props.idle_timeout_seconds) if props.idle_timeout_seconds else None,
        )
        self.access_logs = keep_access_logs(self, self.alb, days=props.log_retention_days)
        self._allow(props.allowed_networks)
        self.web_acl = protect(
            self,
            self.alb.load_balancer_arn,
            metric=self.stack_name,
            log_group_name=f"aws-waf-logs-{construct_id}",
            log_retention_days=props.log_retention_days,
            counted=props.counted_rules,
        )
        self.listener = listener_for_rules(self, self.alb, props.certificate_arn) if props.has_listeners else None
        self.alarms = self._alarms(props.alarm_topic_arn)
        # The organisation's DNS repository creates the CNAME from this export.
        cdk.CfnOutput(self, "LoadBalancerDNS", value=self.alb.load_balancer_dns_name, export_name=f"{construct_id}-dns")
        if props.keep_exports:
            self.export_value(self.alb.load_balancer_arn)
            self.export_value(self.alb.connections.security_groups[0].security_group_id)

    def _allow(self, networks: Sequence[str]) -> None:
        for port in (HTTP_PORT, HTTPS_PORT):
            for network in networks:
                peer = ec2.Peer.ipv4(network)
                self.alb.connections.allow_from(peer, ec2.Port.tcp(port), f"Allow from {network} on port {port}")
            if not networks:
                self.alb.connections.allow_from_any_ipv4(ec2.Port.tcp(port), f"Allow from anyone on port {port}")
        if networks:
            return
        acknowledge(
            self.alb.connections.security_groups[0],
            "AwsSolutions-EC23",
            "this is the public door of a public portal, behind a web ACL; port 80 only redirects to 443",
        )

    def _alarms(self, topic_arn: str | None) -> list[str]:
        codes = elbv2.HttpCodeTarget.TARGET_5XX_COUNT, elbv2.HttpCodeElb.ELB_5XX_COUNT
        errors = cloudwatch.MathExpression(
            expression="FILL(services, 0) + FILL(balancer, 0)",
            using_metrics={
                "services": self.alb.metrics.http_code_target(codes[0], period=EVERY_MINUTE, statistic="Sum"),
                # Errors of the load balancer if no service answers.
                "balancer": self.alb.metrics.http_code_elb(codes[1], period=EVERY_MINUTE, statistic="Sum"),
            },
            label="Server errors",
            period=EVERY_MINUTE,
        )
        slowness = self.alb.metrics.target_response_time(period=EVERY_MINUTE, statistic="p95")
        return [
            add_alarm(
                self,
                "ServerErrorsAlarm",
                errors,
                AlarmProps(
                    name=f"{self.stack_name}-server-errors",
                    description="The site answers with server errors",
                    above=_SERVER_ERRORS_PER_MINUTE,
                    minutes=DEPLOYMENT_ALARM_MINUTES,
                ),
                topic_arn,
            ),
            add_alarm(
                self,
                "SlowAnswersAlarm",
                slowness,
                AlarmProps(
                    name=f"{self.stack_name}-slow-answers",
                    description=f"One answer in twenty takes {_SLOW_SECONDS} s or longer",
                    above=_SLOW_SECONDS,
                    ignores_few_samples=True,
                    minutes=DEPLOYMENT_ALARM_MINUTES,
                ),
                topic_arn,
            ),
        ]
