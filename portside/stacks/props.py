"""Properties of the database and the bastion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2

from portside.config.environment import DatabaseOrigin


def instance_type(written: ec2.InstanceType | str) -> ec2.InstanceType:
    """The CDK's instance type for `r5.large` or `db.r5.large`."""
    return ec2.InstanceType(written.removeprefix("db.")) if isinstance(written, str) else written


@dataclass(frozen=True)
class DocdbProps:
    """A DocumentDB cluster, with the class of its instances, such as `r5.large`.

    A cluster that is `restored_from` a backup has the user and password of the backup.
    """

    instance_type: ec2.InstanceType | str
    master_username: str
    port: int = 27017
    instances: int = 1
    engine_version: str = "8.0.0"
    family: str = "docdb8.0"
    restored_from: DatabaseOrigin | None = None


@dataclass(frozen=True)
class BastionProps:
    """A bastion: the name of an existing key pair, the instance type, and an AMI in its region."""

    key_name: str
    instance_type: ec2.InstanceType | str
    ami_id: str
    ami_region: str = "us-east-1"
    block_devices: Sequence[ec2.BlockDevice] = ()
