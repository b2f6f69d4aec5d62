"""The security groups of callers."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


def calls_group(scope: Construct, vpc: ec2.IVpc, caller: str) -> ec2.SecurityGroup:
    """The security group of a service with many calls, for which all its callees have a rule."""
    return ec2.SecurityGroup(
        scope,
        f"CallsOf-{caller}",
        vpc=vpc,
        description=f"Carried by {caller} to reach all that it calls",
        allow_all_outbound=False,
    )


def callers_group(scope: Construct, construct_id: str, vpc: ec2.IVpc, callee: str) -> ec2.SecurityGroup:
    """A security group without rules, for which a callee has a rule."""
    return ec2.SecurityGroup(
        scope, construct_id, vpc=vpc, description=f"Carried by the callers of {callee}", allow_all_outbound=False
    )
