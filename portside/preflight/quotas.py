"""The account's quotas, compared with its usage and what a deployment adds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum
from functools import partial
from typing import NamedTuple

from portside.aws.errors import is_missing
from portside.config.service_groups import most_rules
from portside.config.service_props import ServiceProps
from portside.config.stacks import StackKind, only_stack
from portside.findings.check import fail, ok
from portside.findings.finding import Finding
from portside.preflight.context import Context, NotKnown, Question


class Quota(NamedTuple):
    """A quota: its service, its code, and what it counts."""

    service: str
    code: str
    noun: str


# Service and quota codes: https://docs.aws.amazon.com/general/latest/gr/ecs-service.html (Fargate),
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html,
# https://docs.aws.amazon.com/general/latest/gr/elb.html
_FARGATE = Quota("fargate", "L-3032A538", "vCPUs")
_FARGATE_SPOT = Quota("fargate", "L-36FBB829", "vCPUs")
_VPCS = Quota("vpc", "L-F678F1CE", "VPCs")
_ADDRESSES = Quota("ec2", "L-0263D0A3", "addresses")
_NAT_GATEWAYS = Quota("vpc", "L-FE5A380F", "gateways")
_GROUP_RULES = Quota("vpc", "L-0EA8095F", "rules")
_GROUP_RULES_OF_EVERY_ACCOUNT = 60
_LOAD_BALANCERS = Quota("elasticloadbalancing", "L-53DA6B97", "load balancers")

_FULL = "full scale"
FULL_SCALE = frozenset({f"quota: Fargate vCPUs, {_FULL}", f"quota: Fargate Spot vCPUs, {_FULL}"})

# A NAT gateway counts in these: https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
_COUNTING = ["pending", "available", "deleting"]
_ZONES = 2


def questions(context: Context) -> list[Question]:
    spot = [props for props in context.services if props.spot_weight]
    asked: list[tuple[str, Callable[[str, Context], Finding]]] = [
        ("Fargate vCPUs", partial(vcpus, "OnDemand", _FARGATE, context.services, Scale.NOW)),
        (f"Fargate vCPUs, {_FULL}", partial(vcpus, "OnDemand", _FARGATE, context.services, Scale.FULL)),
        *([(f"Fargate Spot vCPUs, {_FULL}", partial(vcpus, "Spot", _FARGATE_SPOT, spot, Scale.FULL))] if spot else []),
        ("VPCs", vpcs),
        ("elastic addresses", addresses),
        ("NAT gateways", nat_gateways),
        ("load balancers", load_balancers),
        *(
            [("rules of a security group", group_rules)]
            if most_rules(context.services)[1] > _GROUP_RULES_OF_EVERY_ACCOUNT
            else []
        ),
    ]
    return [Question(f"quota: {name}", partial(ask, f"quota: {name}")) for name, ask in asked]


def vcpus(
    kind: str, quota: Quota, services: Sequence[ServiceProps], scale: Scale, subject: str, context: Context
) -> Finding:
    """The vCPUs of Fargate, if every service is deployed at once."""
    running = context.running()
    now = sum(running.get(props.container_name, 0) * props.task_size.cpu for props in services) / 1024
    most = [(props.task_size.cpu, most_tasks(props, running.get(props.container_name, 0), scale)) for props in services]
    peak = sum(cpu * tasks for cpu, tasks in most) / 1024
    used = _used_vcpus(context, kind)
    if used is None and now:
        raise NotKnown(f"CloudWatch has no {kind} usage yet, although tasks run")
    others = max((used or 0) - now, 0)
    why = f"the services need {peak:g} in a rolling update {scale.value}"
    return _said(subject, quota, context, peak, others, why)


def _used_vcpus(context: Context, kind: str) -> float | None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/monitoring-fargate-usage.html"""
    dimensions = {"Service": "Fargate", "Type": "Resource", "Resource": "vCPU", "Class": f"Standard/{kind}"}
    found = context.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Usage",
        MetricName="ResourceCount",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=context.now - timedelta(minutes=30),
        EndTime=context.now,
        Period=300,
        Statistics=["Maximum"],
    )
    points = sorted(found["Datapoints"], key=lambda point: point["Timestamp"])
    return float(points[-1]["Maximum"]) if points else None


def vpcs(subject: str, context: Context) -> Finding:
    """A new environment adds one."""
    if context.vpc() is not None:
        return _nothing(subject)
    pages = context.client("ec2").get_paginator("describe_vpcs").paginate()
    return _said(subject, _VPCS, context, 1, sum(len(page["Vpcs"]) for page in pages))


def addresses(subject: str, context: Context) -> Finding:
    """Each new NAT gateway adds one."""
    added = _new_nat_gateways(context)
    if added <= 0:
        return _nothing(subject)
    used = len(context.client("ec2").describe_addresses()["Addresses"])
    return _said(subject, _ADDRESSES, context, added, used)


def nat_gateways(subject: str, context: Context) -> Finding:
    """Each zone has its own quota, and a new environment adds one in each of its zones."""
    added = _new_nat_gateways(context)
    if added <= 0:
        return _nothing(subject)
    ec2 = context.client("ec2")
    gateways = ec2.get_paginator("describe_nat_gateways").paginate(Filters=[{"Name": "state", "Values": _COUNTING}])
    subnets = [gateway["SubnetId"] for page in gateways for gateway in page["NatGateways"]]
    pages = ec2.get_paginator("describe_subnets").paginate()
    zones = {subnet["SubnetId"]: subnet["AvailabilityZone"] for page in pages for subnet in page["Subnets"]}
    named = ec2.describe_availability_zones(Filters=[{"Name": "state", "Values": ["available"]}])["AvailabilityZones"]
    first = sorted(zone["ZoneName"] for zone in named)[: min(added, _ZONES)]
    used = max((sum(zones.get(subnet) == zone for subnet in subnets) for zone in first), default=0)
    return _said(subject, _NAT_GATEWAYS, context, 1, used, f"one is added in {' and '.join(first)}")


def load_balancers(subject: str, context: Context) -> Finding:
    """A new environment adds one."""
    stack = only_stack(context.environment, StackKind.LOAD_BALANCER).name
    if not context.environment.load_balancer or context.physical_ids(
        stack, "AWS::ElasticLoadBalancingV2::LoadBalancer"
    ):
        return _nothing(subject)
    pages = context.client("elbv2").get_paginator("describe_load_balancers").paginate()
    used = sum(each["Type"] == "application" for page in pages for each in page["LoadBalancers"])
    return _said(subject, _LOAD_BALANCERS, context, 1, used)


def group_rules(subject: str, context: Context) -> Finding:
    """A group has a rule for each caller that has many calls."""
    service, rules = most_rules(context.services)
    why = f"the security group of {service} needs {rules} inbound rules"
    return _said(subject, _GROUP_RULES, context, rules, 0, why)


def _new_nat_gateways(context: Context) -> int:
    stack = only_stack(context.environment, StackKind.NETWORK).name
    return context.environment.nat_gateways - len(context.physical_ids(stack, "AWS::EC2::NatGateway"))


def _nothing(subject: str) -> Finding:
    return ok(subject, "the deployment adds none")


def _said(subject: str, quota: Quota, context: Context, added: float, used: float, why: str = "") -> Finding:
    most = _value_of(quota, context)
    reason = why or f"{added:g} more would be made"
    found = f"{reason}; {used:g} of {most:g} {quota.noun} are used by others"
    if used + added <= most:
        return ok(subject, found)
    request = context.commands.aws(
        *("service-quotas", "request-service-quota-increase"),
        service_code=quota.service,
        quota_code=quota.code,
        desired_value=round(used + added),
    )
    instead = (
        'Lower AUTO_SCALE_CAPACITY in app.py ("max"), or ask for more' if quota.noun == "vCPUs" else "Ask for more"
    )
    return fail(subject, found, f"{instead}: {context.commands.fix(request)}")


def _value_of(quota: Quota, context: Context) -> float:
    """The account's quota, or AWS's default."""
    from botocore.exceptions import ClientError

    quotas = context.client("service-quotas")
    try:
        found = quotas.get_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
    except ClientError as error:
        if not is_missing(error):
            raise
        found = quotas.get_aws_default_service_quota(ServiceCode=quota.service, QuotaCode=quota.code)
    return float(found["Quota"]["Value"])


class Scale(Enum):
    """For how many tasks of each service a deployment is thought through."""

    NOW = "now"
    FULL = "at full scale"


def most_tasks(props: ServiceProps, running: int, scale: Scale) -> int:
    """The maximum number of tasks of a service during a rolling update, as it starts new tasks first."""
    desired = props.auto_scale_max_capacity if scale is Scale.FULL else max(running, props.auto_scale_min_capacity)
    return 2 * desired
