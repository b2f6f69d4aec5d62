"""All that is mended in ministack besides resource types, in one list that the server applies and a test holds fast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from local_aws import rollout, settling
from local_aws.fargate import Fargate, TargetState
from local_aws.mending import Mend
from local_aws.ministack_modules import alb, cloudformation, ec2
from local_aws.resource_types import service, task_definition, web_acl

STACKS = "ministack.services.cloudformation.stacks"

# The state that a stack is found in after its operation was cut short, so that the CDK can go on from there.
AFTER_INTERRUPTION = {
    "CREATE_IN_PROGRESS": "ROLLBACK_COMPLETE",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_COMPLETE",
    "UPDATE_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_ROLLBACK_COMPLETE",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
}


def all_mends(fargate: Fargate) -> tuple[Mend, ...]:
    return (
        *rollout.mends(fargate),
        Mend(
            "ministack.services.ecs",
            "_register_task_definition",
            "(data)",
            "sizes that Fargate lacks were taken",
            task_definition.register_checked,
        ),
        Mend(
            STACKS,
            "_runs_on_worker_thread",
            "(resource_type: str) -> bool",
            "a service is waited for, which must not hold up the server",
            _also_for_services,
        ),
        Mend(
            STACKS,
            "_sends_back_failed_update",
            "(resource_type: str) -> bool",
            "a service whose update failed is sent back to its previous properties",
            _also_for_services,
        ),
        Mend(
            "ministack.services.alb",
            "_describe_target_health",
            "(params)",
            "every target was healthy",
            _real_target_health(fargate),
        ),
        Mend(
            "ministack.services.alb",
            "_lb_xml",
            "(lb)",
            "every subnet of a load balancer was in zone a",
            _real_zones,
        ),
        Mend(
            "ministack.services.waf",
            "handle_request",
            "(method, path, headers, body, query_params)",
            "logging configurations were unknown",
            web_acl.with_logging,
        ),
        Mend(
            "ministack.services.cloudformation",
            "handle_request",
            "(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple",
            "callers that look every 5 s would wait for operations that take less",
            settling.answer_when_settled,
        ),
        Mend(
            "ministack.services.cloudformation",
            "load_persisted_state",
            "(data)",
            "a stack whose operation was cut short stayed IN_PROGRESS for good",
            _settle_interrupted_stacks,
        ),
    )


def _also_for_services(original: Any) -> Any:
    def mended(resource_type: str) -> bool:
        return resource_type == service.NAME or bool(original(resource_type))

    return mended


def _real_target_health(fargate: Fargate) -> Any:
    def mend(original: Any) -> Any:
        def describe_target_health(params: Mapping[str, Any]) -> Any:
            arn = alb._p(params, "TargetGroupArn")
            group = alb._tgs.get(arn)
            if group is None:
                return original(params)
            wanted = {each["Id"] for each in alb._parse_targets_param(params)}
            members = "".join(
                _target_xml(each, group, fargate.target_state(arn, each["Id"]))
                for each in alb._targets.get(arn) or []
                if not wanted or each["Id"] in wanted
            )
            inner = f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"
            return alb._xml(200, "DescribeTargetHealth", inner)

        return describe_target_health

    return mend


def _real_zones(original: Any) -> Any:
    def load_balancer_xml(load_balancer: Mapping[str, Any]) -> str:
        text = str(original(load_balancer))
        for subnet_id in load_balancer.get("Subnets", []):
            zone = (ec2._subnets.get(subnet_id) or {}).get("AvailabilityZone")
            if zone:
                subnet = f"</ZoneName><SubnetId>{subnet_id}<"
                text = re.sub(f"<ZoneName>[^<]*{re.escape(subnet)}", f"<ZoneName>{zone}{subnet}", text)
        return text

    return load_balancer_xml


def _target_xml(target: Mapping[str, Any], group: Mapping[str, Any], state: TargetState | None) -> str:
    known = state or TargetState("unhealthy", "Target.FailedHealthChecks", "Health checks failed")
    port = target.get("Port", group.get("Port", 80))
    why = (
        f"<Reason>{known.reason}</Reason><Description>{escape(known.description)}</Description>" if known.reason else ""
    )
    return (
        f"<member><Target><Id>{target['Id']}</Id><Port>{port}</Port></Target>"
        f"<HealthCheckPort>{port}</HealthCheckPort>"
        f"<TargetHealth><State>{known.state}</State>{why}</TargetHealth></member>"
    )


def _settle_interrupted_stacks(original: Any) -> Any:
    def load(data: Any) -> Any:
        loaded = original(data)
        for stack in cloudformation._stacks._data.values():
            settled = AFTER_INTERRUPTION.get(stack.get("StackStatus", ""))
            if settled:
                stack["StackStatus"] = settled
                stack["StackStatusReason"] = "The embedded AWS was stopped during this operation"
        return loaded

    return load
