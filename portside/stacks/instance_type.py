"""Types of machines, as people write them."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2


def instance_type(written: ec2.InstanceType | str) -> ec2.InstanceType:
    """The CDK's form of `r5.large` or `db.r5.large`."""
    return ec2.InstanceType(written.removeprefix("db.")) if isinstance(written, str) else written
