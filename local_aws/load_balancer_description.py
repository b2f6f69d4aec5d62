"""What Elastic Load Balancing says about load balancers and targets, where ministack says what isn't so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from local_aws.fargate.running_tasks import RunningTasks, TargetState
from local_aws.ministack_modules import alb, ec2

_UNKNOWN = TargetState("unhealthy", "Target.FailedHealthChecks", "Health checks failed")


def with_target_health(tasks: RunningTasks) -> Callable[[Any], Callable[..., Any]]:
    """DescribeTargetHealth, with what the health checks found."""

    def make(original: Any) -> Callable[..., Any]:
        def describe_target_health(params: Mapping[str, Any]) -> Any:
            arn = alb._p(params, "TargetGroupArn")
            group = alb._tgs.get(arn)
            if group is None:
                return original(params)
            wanted = {each["Id"] for each in alb._parse_targets_param(params)}
            members = "".join(
                _target_xml(each, group, tasks.target_state(arn, each["Id"]) or _UNKNOWN)
                for each in alb._targets.get(arn) or []
                if not wanted or each["Id"] in wanted
            )
            inner = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
            return alb._xml(200, "DescribeTargetHealth", inner)

        return describe_target_health

    return make


def with_zones(original: Any) -> Callable[..., str]:
    """A load balancer, with the zones that its subnets are in."""

    def load_balancer_xml(load_balancer: Mapping[str, Any]) -> str:
        text = str(original(load_balancer))
        for subnet_id in load_balancer.get("Subnets", []):
            zone = (ec2._subnets.get(subnet_id) or {}).get("AvailabilityZone")
            if zone:
                subnet = f"</ZoneName><SubnetId>{subnet_id}<"
                text = re.sub(f"<ZoneName>[^<]*{re.escape(subnet)}", f"<ZoneName>{zone}{subnet}", text)
        return text

    return load_balancer_xml


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
