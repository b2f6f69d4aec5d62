"""Service Quotas, which ministack lacks: the quotas that an environment uses, with AWS's defaults."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from portside.emulator.ministack_modules import app, responses, router

SERVICE = "servicequotas"
MODULE = "service_quotas"


@dataclass(frozen=True)
class Quota:
    """A quota by its codes, with AWS's default and the value that is applied to accounts."""

    service: str
    code: str
    name: str
    default: float
    applied: float


def _quota(service: str, code: str, name: str, default: float, applied: float | None = None) -> Quota:
    return Quota(service, code, name, default, default if applied is None else applied)


# https://docs.aws.amazon.com/general/latest/gr/ecs-service.html (Fargate),
# https://docs.aws.amazon.com/general/latest/gr/vpc-service.html, https://docs.aws.amazon.com/general/latest/gr/ec2-service.html
# and https://docs.aws.amazon.com/general/latest/gr/elb.html. AWS raises those of Fargate automatically.
QUOTAS: Final = (
    _quota("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count", 6.0, 100.0),
    _quota("fargate", "L-36FBB829", "Fargate Spot vCPU resource count", 6.0, 100.0),
    _quota("vpc", "L-F678F1CE", "VPCs per Region", 5.0),
    _quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5.0),
    _quota("vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000.0),
    _quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),
    _quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50.0),
)

# Values that differ from `applied`, by account, region and code.
_values: Any = responses.AccountRegionScopedDict()


def install() -> None:
    """Makes ministack route, keep and reset this service like its own."""
    app._loaded_modules[MODULE] = sys.modules[__name__]
    app.SERVICE_REGISTRY[SERVICE] = {"module": MODULE}
    app.SERVICE_HANDLERS[SERVICE] = handle_request
    app._state_map[MODULE] = MODULE
    router.SERVICE_PATTERNS[SERVICE] = {"target_prefixes": ["ServiceQuotasV20190624"]}


def set_value(account: str, region: str, service: str, code: str, value: float) -> None:
    """Set a quota of an account. Raises ValueError for an unknown quota."""
    quota = _find(service, code)
    if quota is None:
        known = ", ".join(f"{each.service} {each.code}" for each in QUOTAS)
        raise ValueError(f"unknown quota {service} {code}: known are {known}")
    with responses.request_scope(account, region):
        _values[code] = float(value)


def _find(service: str, code: str) -> Quota | None:
    return next((each for each in QUOTAS if (each.service, each.code) == (service, code)), None)


def _shown(quota: Quota, value: float) -> dict[str, Any]:
    where = f"{responses.get_region()}:{responses.get_account_id()}"
    return {
        "ServiceCode": quota.service,
        "QuotaArn": f"arn:aws:servicequotas:{where}:{quota.service}/{quota.code}",
        "QuotaCode": quota.code,
        "QuotaName": quota.name,
        "Value": value,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
    }


def _applied(quota: Quota) -> dict[str, Any]:
    return _shown(quota, _values.get(quota.code, quota.applied))


def _default(quota: Quota) -> dict[str, Any]:
    return _shown(quota, quota.default)


async def handle_request(method: str, path: str, headers: Mapping[str, str], body: Any, query_params: Any) -> Any:
    """Answers as ministack's own services do."""
    action = str(headers.get("x-amz-target", "")).rpartition(".")[2]
    data = json.loads(body or b"{}")
    shown = _default if "Default" in action else _applied
    if action in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
        quota = _find(data.get("ServiceCode", ""), data.get("QuotaCode", ""))
        if quota is None:
            message = "The request failed because the specified service does not exist."
            return responses.error_response_json("NoSuchResourceException", message, 400)
        return responses.json_response({"Quota": shown(quota)})
    if action in ("ListServiceQuotas", "ListAWSDefaultServiceQuotas"):
        found = [shown(each) for each in QUOTAS if each.service == data.get("ServiceCode")]
        return responses.json_response({"Quotas": found})
    return responses.error_response_json("InvalidAction", f"Unknown Service Quotas action: {action}", 400)


def get_state() -> dict[str, Any]:
    """What ministack keeps over a restart."""
    return {"values": copy.deepcopy(_values)}


def load_persisted_state(data: Mapping[str, Any] | None) -> None:
    """Takes up what `get_state` gave."""
    if data and data.get("values"):
        _values.update(data["values"])


def reset() -> None:
    """Forgets all values that were set."""
    _values.clear()
