"""The network that everything else of an environment stands in."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

_ZONES = 2


class NetworkStack(cdk.Stack):
    """A VPC over two zones, each with a public and a private subnet.

    GuardDuty places an interface endpoint of its own (`guardduty-data`) into the VPC. The stack does not own one: the
    running networks have GuardDuty's, and a second one with the same private name is refused. Whoever deletes the
    network removes that endpoint first.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc_cidr: str,
        *,
        nat_gateways: int = _ZONES,
        keep_exports: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(vpc_cidr),
            max_azs=_ZONES,
            nat_gateways=nat_gateways,
            # It takes a Lambda function to empty the default group, and nothing here is in that group.
            restrict_default_security_group=False,
        )
        if keep_exports:
            for value in (
                self.vpc.vpc_id,
                *(subnet.subnet_id for subnet in self.vpc.public_subnets + self.vpc.private_subnets),
            ):
                self.export_value(value)

    @property
    def availability_zones(self) -> list[str]:
        """The zones as CloudFormation numbers them: the CDK would ask the account for their names."""
        return [cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(_ZONES)]
