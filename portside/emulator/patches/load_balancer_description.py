"""Corrections of ministack's descriptions of load balancers, target groups, targets and certificates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from portside.emulator.fargate.running_tasks import TargetState
from portside.emulator.fargate.runtime import Fargate
from portside.emulator.ministack_modules import alb, ec2
from portside.emulator.patches.patching import replaces

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


@replaces("services.alb._tg_xml")
def with_balancers(original: Any, tg: Mapping[str, Any]) -> str:
    """A target group has the load balancers that forward requests to it; ministack keeps those of deleted listeners."""
    return str(original({**tg, "LoadBalancerArns": balancers_of(tg["TargetGroupArn"])}))


@replaces("services.alb._describe_target_health")
def with_target_health(original: Any, params: Mapping[str, Any], *, fargate: Fargate) -> Any:
    """DescribeTargetHealth shows the results of the health checks."""
    arn = alb._p(params, "TargetGroupArn")
    group = alb._tgs.get(arn)
    if group is None:
        return original(params)
    requested = {each["Id"] for each in alb._parse_targets_param(params)}
    is_used, tasks = bool(balancers_of(arn)), fargate.platform.tasks
    members = "".join(
        _target_xml(each, group, (tasks.target_state(arn, each["Id"]) or _UNKNOWN) if is_used else _UNUSED)
        for each in alb._targets.get(arn) or []
        if not requested or each["Id"] in requested
    )
    inner = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
    return alb._xml(200, "DescribeTargetHealth", inner)


@replaces("services.alb._action_xml")
def with_escaped_page(original: Any, a: Mapping[str, Any]) -> str:
    """The page of a fixed response is escaped; ministack's answer can't be parsed if it is HTML."""
    fixed = a.get("FixedResponseConfig")
    if not fixed:
        return str(original(a))
    return str(original({**a, "FixedResponseConfig": {**fixed, "MessageBody": escape(fixed.get("MessageBody") or "")}}))


@replaces("services.alb._lb_xml")
def with_zones(original: Any, lb: Mapping[str, Any]) -> str:
    """A load balancer has the zones of its subnets; in ministack all are zone a."""
    text = str(original(lb))
    for subnet_id in lb.get("Subnets", []):
        zone = (ec2._subnets.get(subnet_id) or {}).get("AvailabilityZone")
        if zone:
            subnet = f"</ZoneName><SubnetId>{subnet_id}<"
            text = re.sub(f"<ZoneName>[^<]*{re.escape(subnet)}", f"<ZoneName>{zone}{subnet}", text)
    return text


@replaces("services.acm._cert_shape")
def with_users(original: Any, cert: Mapping[str, Any]) -> dict[str, Any]:
    """DescribeCertificate shows the load balancers whose listeners have the certificate."""
    shape: dict[str, Any] = original(cert)
    arn, listeners = cert["CertificateArn"], list(alb._listeners.values())
    users = {each["LoadBalancerArn"] for each in listeners if arn in each.get("Certificates", [])}
    return shape | {"InUseBy": sorted({*shape.get("InUseBy", []), *users})}


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
