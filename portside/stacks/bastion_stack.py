"""An instance in the private network from which users can reach the database."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from portside.stacks.acknowledgment import acknowledge
from portside.stacks.props import BastionProps, instance_type


class BastionStack(cdk.Stack):
    """The bastion, without incoming traffic: users connect through Systems Manager.

    `database_callers` is the security group that can connect to the database.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        props: BastionProps,
        *,
        database_callers: ec2.ISecurityGroup | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        # Properties that would replace a running instance don't change: its disk (encryption is set by its AMI or the
        # account's default), and no launch template.
        self.instance = ec2.Instance(
            self,
            "BastionHost",
            vpc=vpc,
            instance_type=instance_type(props.instance_type),
            machine_image=ec2.MachineImage.generic_linux({props.ami_region: props.ami_id}),
            key_pair=ec2.KeyPair.from_key_pair_name(self, "BastionKeyPair", props.key_name),
            instance_profile=self._instance_profile(),
            block_devices=list(props.block_devices),
            http_tokens=ec2.HttpTokens.REQUIRED,
            propagate_tags_to_volume_on_creation=True,
        )
        if database_callers:
            self.instance.add_security_group(database_callers)
        self._acknowledge()
        for key, value in {"ManagedInstanceMaintenanceTarget": "yes", "PatchGroup": "prod-default"}.items():
            cdk.Tags.of(self.instance).add(key, value)

    def _acknowledge(self) -> None:
        for rule, reason in {
            "EC26": "encrypting its disk by the template would replace the running machine, which keeps no data",
            "EC28": "nobody waits for the bastion: detailed monitoring, at $2.10 a month, would tell nobody anything",
            "EC29": "it keeps no data, and its stack makes another one in minutes",
        }.items():
            acknowledge(self.instance, f"AwsSolutions-{rule}", reason)

    def _instance_profile(self) -> iam.InstanceProfile:
        role = iam.Role(
            self,
            "BastionRole",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")],
        )
        acknowledge(
            role,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]",
            "what Systems Manager's agent calls changes with the agent, and AWS keeps this policy current",
        )
        return iam.InstanceProfile(self, "BastionInstanceProfile", role=role)
