"""The network of an environment."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

_ZONES = 2


class NetworkStack(cdk.Stack):
    """A VPC over two zones, each with a public and a private subnet.

    GuardDuty creates an interface endpoint (`guardduty-data`) in the VPC. It is not in the stack: the running networks
    have GuardDuty's, and a second endpoint with the same private name is rejected. It must be deleted before the
    network; see docs/adopting.md.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc_cidr: str,
        *,
        nat_gateways: int = _ZONES,
        log_retention_days: int = 90,
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
            # Removing the rules of the default group needs a Lambda function, and nothing here uses that group.
            restrict_default_security_group=False,
        )
        self._log_refused_traffic(log_retention_days)
        if keep_exports:
            for value in (
                self.vpc.vpc_id,
                *(subnet.subnet_id for subnet in self.vpc.public_subnets + self.vpc.private_subnets),
            ):
                self.export_value(value)

    def _log_refused_traffic(self, retention_days: int) -> None:
        # Accepted traffic costs too much, and the questions are about rejected traffic: some 0.1 GB a month at $0.50
        # each, https://aws.amazon.com/cloudwatch/pricing/.
        group = logs.LogGroup(self, "RefusedTrafficLogGroup", removal_policy=cdk.RemovalPolicy.DESTROY)
        cast(logs.CfnLogGroup, group.node.default_child).retention_in_days = retention_days
        self.vpc.add_flow_log(
            "RefusedTraffic",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )

    @property
    def availability_zones(self) -> list[str]:
        """The zones by number in CloudFormation: the CDK would read their names from the account."""
        return [cdk.Fn.select(index, cdk.Fn.get_azs()) for index in range(_ZONES)]
