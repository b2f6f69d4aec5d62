"""What the load balancer, the network and the database tell: targets, who is let in, addresses left, the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from portside.aws.errors import is_missing
from portside.aws.model import Database, RegisteredTarget, Subnet, TargetGroup
from portside.redact import current


def read_group(elbv2: Any, ec2: Any, arn: str, security_groups: Sequence[str], port: int) -> TargetGroup:
    """A target group with its targets; `port` is the one that the tasks listen on."""
    from botocore.exceptions import ClientError

    try:
        group = elbv2.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
        health = elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    except ClientError as error:
        if not is_missing(error):
            raise
        return TargetGroup(arn, port, "", "", 0, (), is_used=False, is_gone=True)
    return TargetGroup(
        arn=arn,
        port=group.get("Port", port),
        path=group.get("HealthCheckPath") or "",
        codes=(group.get("Matcher") or {}).get("HttpCode", ""),
        timeout=group.get("HealthCheckTimeoutSeconds", 0),
        targets=tuple(_target(each) for each in health),
        lets_in=_lets_in(elbv2, ec2, group.get("LoadBalancerArns") or [], security_groups, port),
        # A target group of which no listener knows has no load balancer.
        is_used=bool(group.get("LoadBalancerArns")),
    )


def _target(description: Mapping[str, Any]) -> RegisteredTarget:
    target, health = description["Target"], description["TargetHealth"]
    return RegisteredTarget(
        target["Id"],
        target.get("Port", 0),
        health.get("State", ""),
        health.get("Reason") or "",
        current().brief(health.get("Description") or ""),
    )


def _lets_in(elbv2: Any, ec2: Any, balancers: Sequence[str], security_groups: Sequence[str], port: int) -> bool | None:
    """None where it can't be told: without groups, or where a network rather than a group is let in."""
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


def read_database(docdb: Any, database: Database) -> Database:
    """The database with the state of its cluster, such as "available" or "stopped"."""
    found = docdb.describe_db_clusters(DBClusterIdentifier=database.id)["DBClusters"]
    return replace(database, state=found[0].get("Status", "") if found else "")
