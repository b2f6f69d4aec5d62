"""The service of a container with listeners on the load balancer."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from portside.config.service_props import ServiceProps
from portside.stacks.alarms import DEPLOYMENT_ALARM_MINUTES, EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.load_balancer_stack import HTTP_PORT, HTTPS_PORT
from portside.stacks.service_stack import ServiceStack
from portside.stacks.task_stack import seconds

_HTTPS_LISTENER = "HttpsListener"
# A year, in which a browser that has used HTTPS doesn't use HTTP.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
_RESPONSE_HEADERS = {
    "strict_transport_security.header_value": "max-age=31536000",
    "x_content_type_options.header_value": "nosniff",
    "server.enabled": "false",
}


class LoadBalancedServiceStack(ServiceStack):
    """A service for requests from the internet, with listeners on a load balancer of another stack.

    `certificate_id` is the id or the ARN of an existing certificate. Without one the listener of port 80 serves the
    site, from the same target group as later the listener of port 443. `orders_listeners` lets the redirect to 443 wait
    until that answers. Requests to the host `redirect_from_hostname` are redirected to `redirect_to_hostname`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        cluster: ecs.ICluster,
        props: ServiceProps,
        load_balancer: elbv2.IApplicationLoadBalancer,
        certificate_id: str | None = None,
        health_check_path: str = "/health",
        *,
        orders_listeners: bool = False,
        redirect_from_hostname: str | None = None,
        redirect_to_hostname: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, vpc, cluster, props, **kwargs)
        if bool(redirect_from_hostname) != bool(redirect_to_hostname):
            raise ValueError("redirect_from_hostname and redirect_to_hostname: set both, or neither")
        if certificate_id:
            https = self._https_listener(load_balancer, certificate_id)
            self.targets = self._targets(https, vpc, props, health_check_path)
            https.add_target_groups("HttpsTarget", target_groups=[self.targets])
            http = self._http_listener(
                load_balancer, elbv2.ListenerAction.redirect(port=str(HTTPS_PORT), protocol="HTTPS", permanent=True)
            )
            if redirect_from_hostname:
                https.add_action(
                    "Redirect",
                    priority=1,
                    conditions=[elbv2.ListenerCondition.host_headers([redirect_from_hostname])],
                    action=elbv2.ListenerAction.redirect(
                        host=redirect_to_hostname, port=str(HTTPS_PORT), protocol="HTTPS", permanent=True
                    ),
                )
            if orders_listeners:
                http.node.add_dependency(https)
        else:
            # The scope of the same path keeps the target group's logical ID, so that a certificate can come and go.
            self.targets = self._targets(Construct(self, _HTTPS_LISTENER), vpc, props, health_check_path)
            self._http_listener(load_balancer, elbv2.ListenerAction.forward([self.targets]))
        self.alarms += [self._alarm_on_unhealthy_targets(kwargs.get("alarm_topic_arn"))]
        self.cfn_service.health_check_grace_period_seconds = props.health_check_grace_seconds

    def _https_listener(
        self, load_balancer: elbv2.IApplicationLoadBalancer, certificate_id: str
    ) -> elbv2.ApplicationListener:
        listener = elbv2.ApplicationListener(
            self,
            _HTTPS_LISTENER,
            load_balancer=load_balancer,
            port=HTTPS_PORT,
            protocol=elbv2.ApplicationProtocol.HTTPS,
            ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
            certificates=[acm.Certificate.from_certificate_arn(self, "Cert", self._certificate_arn(certificate_id))],
            # The load balancer's stack has the rules for incoming traffic.
            open=False,
        )
        for header, value in _RESPONSE_HEADERS.items():
            listener.set_attribute(f"routing.http.response.{header}", value)
        return listener

    def _targets(
        self, scope: Construct, vpc: ec2.IVpc, props: ServiceProps, health_check_path: str
    ) -> elbv2.ApplicationTargetGroup:
        return elbv2.ApplicationTargetGroup(
            scope,
            "HttpsTargetGroup",
            vpc=vpc,
            port=props.target_group_port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            targets=[self.service],
            deregistration_delay=seconds(20),
            health_check=elbv2.HealthCheck(
                path=health_check_path,
                interval=seconds(10),
                timeout=seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )

    def _own_deployment_alarms(self) -> list[str]:
        return [self._unhealthy_targets]

    @property
    def _unhealthy_targets(self) -> str:
        return f"{self._name}-unhealthy-targets"

    def _alarm_on_unhealthy_targets(self, topic_arn: str | None) -> str:
        return add_alarm(
            self,
            "UnhealthyTargetsAlarm",
            self.targets.metrics.unhealthy_host_count(period=EVERY_MINUTE, statistic="Minimum"),
            AlarmProps(
                name=self._unhealthy_targets,
                description="The load balancer finds tasks unhealthy",
                above=1,
                minutes=DEPLOYMENT_ALARM_MINUTES,
            ),
            topic_arn,
        )

    def _http_listener(
        self, load_balancer: elbv2.IApplicationLoadBalancer, action: elbv2.ListenerAction
    ) -> elbv2.ApplicationListener:
        return elbv2.ApplicationListener(
            self,
            "HttpListener",
            load_balancer=load_balancer,
            port=HTTP_PORT,
            protocol=elbv2.ApplicationProtocol.HTTP,
            open=False,
            default_action=action,
        )

    def _certificate_arn(self, certificate_id: str) -> str:
        if certificate_id.startswith("arn:"):
            return certificate_id
        return self.format_arn(service="acm", resource="certificate", resource_name=certificate_id)
