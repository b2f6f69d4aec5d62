"""Read target groups, subnets and alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from portside.aws.errors import is_missing
from portside.aws.model import Alarm, Subnet, TargetGroup
from portside.redact import current


def with_settings(elbv2: Any, ec2: Any, group: TargetGroup, security_groups: Sequence[str]) -> TargetGroup:
    """A target group with its health check, and whether the tasks' security groups allow its load balancer.

    `group.port` is the port that the tasks listen on.
    """
    from botocore.exceptions import ClientError

    try:
        found = elbv2.describe_target_groups(TargetGroupArns=[group.arn])["TargetGroups"][0]
    except ClientError as error:
        if not is_missing(error):
            raise
        return replace(group, is_used=False, is_gone=True)
    balancers = found.get("LoadBalancerArns") or []
    return replace(
        group,
        port=found.get("Port", group.port),
        path=found.get("HealthCheckPath") or "",
        codes=(found.get("Matcher") or {}).get("HttpCode", ""),
        timeout=found.get("HealthCheckTimeoutSeconds", 0),
        lets_in=_allows(elbv2, ec2, balancers, security_groups, group.port),
        # A target group that no listener uses has no load balancer.
        is_used=bool(balancers),
    )


def read_alarms(cloudwatch: Any, alarms: Sequence[Alarm]) -> tuple[Alarm, ...]:
    """The alarms with their states; missing alarms keep no state. At most 100 names a call.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    """
    found = cloudwatch.describe_alarms(AlarmNames=[each.name for each in alarms])["MetricAlarms"]
    states = {
        each["AlarmName"]: (each.get("StateValue", ""), current().brief(each.get("StateReason") or ""))
        for each in found
    }
    return tuple(Alarm(each.name, *states.get(each.name, ("", ""))) for each in alarms)


def _allows(elbv2: Any, ec2: Any, balancers: Sequence[str], security_groups: Sequence[str], port: int) -> bool | None:
    """None if unknown: without security groups, or if the rules allow address ranges instead of groups."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not balancers or not security_groups:
        return None
    try:
        found = elbv2.describe_load_balancers(LoadBalancerArns=list(balancers))["LoadBalancers"]
        groups = ec2.describe_security_groups(GroupIds=list(security_groups))["SecurityGroups"]
    except (BotoCoreError, ClientError):
        return None
    callers = {group for each in found for group in each.get("SecurityGroups", ())}
    rules = [rule for group in groups for rule in group.get("IpPermissions", ()) if _covers(rule, port)]
    if any(callers & {pair.get("GroupId") for pair in rule.get("UserIdGroupPairs", ())} for rule in rules):
        return True
    by_network = any(rule.get("IpRanges") or rule.get("Ipv6Ranges") or rule.get("PrefixListIds") for rule in rules)
    return None if by_network or not callers else False


def _covers(rule: Mapping[str, Any], port: int) -> bool:
    if rule.get("IpProtocol") == "-1":
        return True
    return rule.get("IpProtocol") == "tcp" and rule.get("FromPort", 0) <= port <= rule.get("ToPort", 65535)


def read_subnets(ec2: Any, ids: Sequence[str]) -> tuple[Subnet, ...]:
    """How many addresses are left where tasks start."""
    pages = ec2.get_paginator("describe_subnets").paginate(SubnetIds=list(ids)) if ids else ()
    return tuple(
        Subnet(
            each["SubnetId"],
            each.get("CidrBlock", ""),
            each.get("AvailabilityZone", ""),
            each.get("AvailableIpAddressCount", 0),
        )
        for page in pages
        for each in page["Subnets"]
    )
