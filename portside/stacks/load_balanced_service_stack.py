"""The service of a container with listeners on the load balancer."""

from __future__ import annotations

from typing import Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

from portside.config.routing import last_priority
from portside.config.service_props import ServiceProps
from portside.stacks.alarms import DEPLOYMENT_ALARM_MINUTES, EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.listeners import HTTPS_LISTENER, HTTPS_PORT, http_listener, https_listener, to_https
from portside.stacks.service_stack import ServiceStack
from portside.stacks.task_stack import seconds

# The codes of a target group without any.
_OK = "200"


class PublicServiceStack(ServiceStack):
    """A service for requests from the internet, with a target group; a subclass sends it requests."""

    targets: elbv2.ApplicationTargetGroup

    def _make_targets(
        self, scope: Construct, vpc: ec2.IVpc, props: ServiceProps, health_check_path: str
    ) -> elbv2.ApplicationTargetGroup:
        protocols = elbv2.ApplicationProtocol
        return elbv2.ApplicationTargetGroup(
            scope,
            "HttpsTargetGroup",
            vpc=vpc,
            port=props.target_group_port,
            protocol=protocols.HTTPS if props.target_protocol == "HTTPS" else protocols.HTTP,
            targets=[self.service],
            deregistration_delay=seconds(20),
            health_check=elbv2.HealthCheck(
                path=health_check_path,
                interval=seconds(props.health_check_interval_seconds),
                timeout=seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
                healthy_http_codes=None if props.health_check_codes == _OK else props.health_check_codes,
            ),
        )

    def _watch_targets(self, props: ServiceProps) -> None:
        """Add the alarm on the target group, and the time in which a new task can fail its check."""
        self.alarms += [self._alarm_on_unhealthy_targets()]
        self.cfn_service.health_check_grace_period_seconds = props.health_check_grace_seconds

    def _own_deployment_alarms(self) -> list[str]:
        return [self._unhealthy_targets]

    @property
    def _unhealthy_targets(self) -> str:
        return f"{self._name}-unhealthy-targets"

    def _alarm_on_unhealthy_targets(self) -> str:
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
            self._settings.alarm_topic_arn,
        )


class LoadBalancedServiceStack(PublicServiceStack):
    """A service for requests from the internet, with listeners on a load balancer of another stack.

    `certificate_id` is the id or the ARN of an existing certificate. Without one the listener of port 80 serves the
    site, from the same target group as later the listener of port 443; `listener` serves it. Requests
    to the host `redirect_from_hostname` are redirected to `redirect_to_hostname`.
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
        redirect_from_hostname: str | None = None,
        redirect_to_hostname: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, vpc, cluster, props, **kwargs)
        if bool(redirect_from_hostname) != bool(redirect_to_hostname):
            raise ValueError("redirect_from_hostname and redirect_to_hostname: set both, or neither")
        if certificate_id:
            self.listener = https = https_listener(self, load_balancer, self._certificate_arn(certificate_id))
            self.targets = self._make_targets(https, vpc, props, health_check_path)
            https.add_target_groups("HttpsTarget", target_groups=[self.targets])
            http_listener(self, load_balancer, to_https())
            if redirect_from_hostname:
                https.add_action(
                    "Redirect",
                    priority=1,
                    conditions=[elbv2.ListenerCondition.host_headers([redirect_from_hostname])],
                    action=elbv2.ListenerAction.redirect(
                        host=redirect_to_hostname, port=str(HTTPS_PORT), protocol="HTTPS", permanent=True
                    ),
                )
        else:
            # The scope of the same path keeps the target group's logical ID, so that a certificate can come and go.
            self.targets = self._make_targets(Construct(self, HTTPS_LISTENER), vpc, props, health_check_path)
            self.listener = http_listener(self, load_balancer, elbv2.ListenerAction.forward([self.targets]))
        self._watch_targets(props)

    def _certificate_arn(self, certificate_id: str) -> str:
        if certificate_id.startswith("arn:"):
            return certificate_id
        return self.format_arn(service="acm", resource="certificate", resource_name=certificate_id)


class RoutedServiceStack(PublicServiceStack):
    """A public service that receives the requests of its routes, or all others, from a listener of another stack.

    The listener and other services stay as they are.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        cluster: ecs.ICluster,
        props: ServiceProps,
        listener: elbv2.IApplicationListener,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, vpc, cluster, props, **kwargs)
        self.targets = self._make_targets(self, vpc, props, props.health_check_path)
        conditions = elbv2.ListenerCondition
        rules = [(each.priority, list(each.paths), list(each.hosts)) for each in props.routes]
        for priority, paths, hosts in rules or [(last_priority(props.container_name), ["/*"], [])]:
            elbv2.ApplicationListenerRule(
                self,
                f"Route{priority}" if rules else "AllOtherRequests",
                listener=listener,
                priority=priority,
                conditions=[
                    *([conditions.path_patterns(paths)] if paths else []),
                    *([conditions.host_headers(hosts)] if hosts else []),
                ],
                action=elbv2.ListenerAction.forward([self.targets]),
            )
        self._watch_targets(props)
