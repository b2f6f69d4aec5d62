"""Service Quotas, which ministack lacks: the quotas that an environment uses, with AWS's defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from portside.emulator import services
from portside.emulator.ministack_modules import responses

SERVICE = "servicequotas"


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
    _quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60.0),
    _quota("vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000.0),
    _quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5.0),
    _quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50.0),
)

# Values that differ from `applied`, by account, region and code.
_values: Any = responses.AccountRegionScopedDict()


def install() -> None:
    """Add this service to ministack."""
    services.install(SERVICE, "ServiceQuotasV20190624", _ACTIONS, "NoSuchResourceException", {"values": _values})


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


def _value(quota: Quota) -> float:
    return float(_values.get(quota.code, quota.applied))


def _default(quota: Quota) -> float:
    return quota.default


def _get(data: Mapping[str, Any], value: Callable[[Quota], float]) -> dict[str, Any]:
    quota = _find(data.get("ServiceCode", ""), data.get("QuotaCode", ""))
    if quota is None:
        raise LookupError("The request failed because the specified service does not exist.")
    return {"Quota": _shown(quota, value(quota))}


def _list(data: Mapping[str, Any], value: Callable[[Quota], float]) -> dict[str, Any]:
    return {"Quotas": [_shown(each, value(each)) for each in QUOTAS if each.service == data.get("ServiceCode")]}


_ACTIONS: dict[str, services.Action] = {
    "GetServiceQuota": partial(_get, value=_value),
    "GetAWSDefaultServiceQuota": partial(_get, value=_default),
    "ListServiceQuotas": partial(_list, value=_value),
    "ListAWSDefaultServiceQuotas": partial(_list, value=_default),
}
