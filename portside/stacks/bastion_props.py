"""What a person says about the bastion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2


@dataclass(frozen=True)
class BastionProps:
    """A bastion: the name of an existing key pair, the type of machine, and the image in the region that has it."""

    key_name: str
    instance_type: ec2.InstanceType | str
    ami_id: str
    ami_region: str = "us-east-1"
    block_devices: Sequence[ec2.BlockDevice] = ()
