"""Corrections of ministack's descriptions of load balancers, target groups, targets and certificates."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from portside.emulator.fargate.running_tasks import RunningTasks, TargetState
from portside.emulator.ministack_modules import alb, ec2

_UNKNOWN = TargetState("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
_UNUSED = TargetState(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)


def balancers_of(target_group: str) -> list[str]:
    """The load balancers with a listener, or a rule, that forwards requests to the target group."""
    sending = {
        *(each["ListenerArn"] for each in alb._listeners.values() if _sends(each.get("DefaultActions"), target_group)),
        *(each["ListenerArn"] for each in alb._rules.values() if _sends(each.get("Actions"), target_group)),
    }
    found = (each["LoadBalancerArn"] for each in alb._listeners.values() if each["ListenerArn"] in sending)
    return [arn for arn in dict.fromkeys(found) if arn in alb._lbs]


def _sends(actions: Sequence[Mapping[str, Any]] | None, target_group: str) -> bool:
    return any(each.get("TargetGroupArn") == target_group for each in actions or ())


def with_balancers(original: Any) -> Callable[..., str]:
    """A target group, with the load balancers that forward requests to it."""

    def target_group_xml(group: Mapping[str, Any]) -> str:
        return str(original({**group, "LoadBalancerArns": balancers_of(group["TargetGroupArn"])}))

    return target_group_xml


def with_target_health(tasks: RunningTasks) -> Callable[[Any], Callable[..., Any]]:
    """DescribeTargetHealth, with the results of the health checks."""

    def make(original: Any) -> Callable[..., Any]:
        def describe_target_health(params: Mapping[str, Any]) -> Any:
            arn = alb._p(params, "TargetGroupArn")
            group = alb._tgs.get(arn)
            if group is None:
                return original(params)
            requested = {each["Id"] for each in alb._parse_targets_param(params)}
            is_used = bool(balancers_of(arn))
            members = "".join(
                _target_xml(each, group, (tasks.target_state(arn, each["Id"]) or _UNKNOWN) if is_used else _UNUSED)
                for each in alb._targets.get(arn) or []
                if not requested or each["Id"] in requested
            )
            inner = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
            return alb._xml(200, "DescribeTargetHealth", inner)

        return describe_target_health

    return make


def with_zones(original: Any) -> Callable[..., str]:
    """A load balancer, with the zones of its subnets."""

    def load_balancer_xml(load_balancer: Mapping[str, Any]) -> str:
        text = str(original(load_balancer))
        for subnet_id in load_balancer.get("Subnets", []):
            zone = (ec2._subnets.get(subnet_id) or {}).get("AvailabilityZone")
            if zone:
                subnet = f"</ZoneName><SubnetId>{subnet_id}<"
                text = re.sub(f"<ZoneName>[^<]*{re.escape(subnet)}", f"<ZoneName>{zone}{subnet}", text)
        return text

    return load_balancer_xml


def with_users(original: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """DescribeCertificate, with the load balancers whose listeners have the certificate."""

    def certificate_shape(certificate: Mapping[str, Any]) -> dict[str, Any]:
        shape: dict[str, Any] = original(certificate)
        arn = certificate["CertificateArn"]
        users = {
            listener["LoadBalancerArn"]
            for listener in list(alb._listeners.values())
            if arn in listener.get("Certificates", [])
        }
        return shape | {"InUseBy": sorted({*shape.get("InUseBy", []), *users})}

    return certificate_shape


def _target_xml(target: Mapping[str, Any], group: Mapping[str, Any], known: TargetState) -> str:
    port = target.get("Port", group.get("Port", 80))
    why = (
        f"<Reason>{known.reason}</Reason><Description>{escape(known.description)}</Description>" if known.reason else ""
    )
    return (
        f"<member><Target><Id>{target['Id']}</Id><Port>{port}</Port></Target>"
        f"<HealthCheckPort>{port}</HealthCheckPort>"
        f"<TargetHealth><State>{known.state}</State>{why}</TargetHealth></member>"
    )
