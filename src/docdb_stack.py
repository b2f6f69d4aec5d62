"""The database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_docdb as docdb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from src.callers import callers_group
from src.docdb_props import DocdbProps
from src.instance_type import instance_type

_BACKUP_DAYS = 7


@dataclass(frozen=True)
class Database:
    """What a service needs to reach a database, and the group that lets it in."""

    host: str
    port: int
    secret: secretsmanager.ISecret
    callers: ec2.ISecurityGroup


class DocdbStack(cdk.Stack):
    """A DocumentDB cluster that outlives its stack, its generated password, and the group that its callers carry.

    `deletable` is for the moment before its data is meant to go: the cluster then goes with its stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        props: DocdbProps,
        *,
        keep_exports: bool = False,
        deletable: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._deletable = deletable
        self._removal_policy = cdk.RemovalPolicy.DESTROY if deletable else cdk.RemovalPolicy.RETAIN
        self.master_password_secret = self._master_password()
        self.cluster = self._cluster(vpc, props)
        self.callers = self._callers(vpc, props.port)
        self.database = Database(
            host=self.cluster.cluster_endpoint.hostname,
            port=props.port,
            secret=self.master_password_secret,
            callers=self.callers,
        )
        if keep_exports:
            for value in (
                self.master_password_secret.secret_arn,
                self.cluster.cluster_endpoint.hostname,
                self.cluster.cluster_endpoint.port_as_string(),
                self.cluster.security_group_id,
            ):
                self.export_value(value)

    def _master_password(self) -> secretsmanager.Secret:
        # Any change to how it is generated makes a new password, which the cluster does not have. The services put it
        # into a URI as it is, hence no punctuation.
        return secretsmanager.Secret(
            self,
            "DocDbMasterPassword",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=32, exclude_punctuation=True),
            removal_policy=self._removal_policy,
        )

    def _cluster(self, vpc: ec2.IVpc, props: DocdbProps) -> docdb.DatabaseCluster:
        parameter_group = self._parameter_group(props.family)
        cluster = docdb.DatabaseCluster(
            self,
            "DocDbCluster",
            master_user=docdb.Login(username=props.master_username, password=self.master_password_secret.secret_value),
            engine_version=props.engine_version,
            parameter_group=parameter_group,
            instance_type=instance_type(props.instance_type),
            instances=props.instances,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            port=props.port,
            storage_encrypted=True,
            backup=docdb.BackupProps(retention=cdk.Duration.days(_BACKUP_DAYS)),
            preferred_maintenance_window="sat:06:54-sat:07:24",
            # The CDK's own retention for these logs is a Lambda function. A log group of ours is no way out: in a
            # running environment DocumentDB has made it already, and CloudFormation refuses to make it again.
            export_profiler_logs_to_cloud_watch=True,
            deletion_protection=not self._deletable,
            removal_policy=self._removal_policy,
            instance_removal_policy=self._removal_policy,
            security_group_removal_policy=self._removal_policy,
        )
        cast(cdk.CfnResource, cluster.node.find_child("Subnets")).apply_removal_policy(self._removal_policy)
        return cluster

    def _parameter_group(self, family: str) -> docdb.ClusterParameterGroup:
        group = docdb.ClusterParameterGroup(
            self,
            "DocDbClusterParameterGroup",
            family=family,
            parameters={
                # agora-api cannot be told to use TLS.
                "tls": "disabled",
                # All services are one database user, so an audit would tell nobody apart.
                "audit_logs": "disabled",
                "profiler": "enabled",
                "profiler_sampling_rate": "1.0",
                "profiler_threshold_ms": "50",
                "change_stream_log_retention_duration": "10800",
                "ttl_monitor": "disabled",
            },
        )
        group.apply_removal_policy(self._removal_policy)
        return group

    def _callers(self, vpc: ec2.IVpc, port: int) -> ec2.SecurityGroup:
        callers = callers_group(self, "Callers", vpc, "the database")
        self.cluster.connections.security_groups[0].add_ingress_rule(
            callers, ec2.Port.tcp(port), "From the callers of the database"
        )
        return callers
