"""The door to the internet."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from src.web_acl import protect

HTTP_PORT, HTTPS_PORT = 80, 443
# More than a scanner or one broken page makes, less than a broken release.
_SERVER_ERRORS_PER_MINUTE = 25


class LoadBalancerStack(cdk.Stack):
    """An application load balancer behind a firewall. Whoever is served through it adds the listeners.

    `server_errors_alarm` is the name of the alarm that says that the site is broken, whichever service broke it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        *,
        deletion_protection: bool = False,
        log_retention_days: int = 90,
        keep_exports: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.alb = elbv2.ApplicationLoadBalancer(
            self,
            "AppLoadBalancer",
            vpc=vpc,
            internet_facing=True,
            deletion_protection=deletion_protection,
            drop_invalid_header_fields=True,
        )
        for port in (HTTP_PORT, HTTPS_PORT):
            self.alb.connections.allow_from_any_ipv4(ec2.Port.tcp(port), f"Allow from anyone on port {port}")
        self.web_acl = protect(
            self,
            self.alb.load_balancer_arn,
            log_group_name=f"aws-waf-logs-{construct_id}",
            log_retention_days=log_retention_days,
        )
        self.server_errors_alarm = f"{construct_id}-server-errors"
        self._alarm_on_server_errors()
        # The organisation's DNS repository makes the CNAME from this export.
        cdk.CfnOutput(self, "LoadBalancerDNS", value=self.alb.load_balancer_dns_name, export_name=f"{construct_id}-dns")
        if keep_exports:
            self.export_value(self.alb.load_balancer_arn)
            self.export_value(self.alb.connections.security_groups[0].security_group_id)

    def _alarm_on_server_errors(self) -> None:
        # ECS waits the alarm's whole time after every rollout, so it is as short as it can be without being nervous. An
        # alarm that is on before a deployment starts is left out of account by ECS: a mending release gets through.
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
        cloudwatch.Alarm(
            self,
            "ServerErrorsAlarm",
            alarm_name=self.server_errors_alarm,
            alarm_description="The site answers with server errors",
            metric=self.alb.metrics.http_code_target(
                elbv2.HttpCodeTarget.TARGET_5XX_COUNT, period=cdk.Duration.minutes(1), statistic="Sum"
            ),
            threshold=_SERVER_ERRORS_PER_MINUTE,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=2,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
