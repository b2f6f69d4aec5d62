"""What a person says about the database."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2

from portside.config.environment import DatabaseOrigin


@dataclass(frozen=True)
class DocdbProps:
    """A DocumentDB cluster: the class of its instances, such as `r5.large`, and how many there are.

    `restored_from` has the backup that it is made from; its user and password are then those of the backup.
    """

    instance_type: ec2.InstanceType | str
    master_username: str
    port: int = 27017
    instances: int = 1
    engine_version: str = "8.0.0"
    family: str = "docdb8.0"
    restored_from: DatabaseOrigin | None = None
