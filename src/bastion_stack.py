"""A machine in the private network, for people to reach the database from."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from src.bastion_props import BastionProps
from src.instance_type import instance_type


class BastionStack(cdk.Stack):
    """The bastion: nothing comes in, people come through Systems Manager.

    `database_callers` is the group that lets it into the database.
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
        # The properties of a running machine that would replace it stay as they are: its disk (encryption is set by
        # its image or the account's default), and no launch template.
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
        for key, value in {"ManagedInstanceMaintenanceTarget": "yes", "PatchGroup": "prod-default"}.items():
            cdk.Tags.of(self.instance).add(key, value)

    def _instance_profile(self) -> iam.InstanceProfile:
        role = iam.Role(
            self,
            "BastionRole",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")],
        )
        return iam.InstanceProfile(self, "BastionInstanceProfile", role=role)
