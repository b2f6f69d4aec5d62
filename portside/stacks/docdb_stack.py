"""The database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_docdb as docdb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from portside.config.environment import LATEST, DatabaseOrigin
from portside.stacks.acknowledgment import acknowledge
from portside.stacks.alarms import EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.callers import callers_group
from portside.stacks.props import DocdbProps, instance_type

# Short peaks of load are normal.
_ALARM_MINUTES = 10
# The volume grows automatically, to 128 TiB.
_MUCH_DATA_BYTES = 100 * 1024**3
_LITTLE_ROOM_BYTES = 2 * 1024**3
# Free up to the size of the data, then $0.02 a GiB and month: https://aws.amazon.com/documentdb/pricing/
_BACKUP_DAYS = 14


@dataclass(frozen=True)
class Database:
    """The connection of a service to a database, and the security group for it."""

    host: str
    port: int
    secret: secretsmanager.ISecret
    callers: ec2.ISecurityGroup


class DocdbStack(cdk.Stack):
    """A DocumentDB cluster that is retained when its stack is deleted, its password, and its callers' security group.

    With `deletable` the cluster is deleted with its stack. Members of `visitors`, the callers' group of another
    database, can read this one before a service uses it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        props: DocdbProps,
        *,
        alarm_topic_arn: str | None = None,
        keep_exports: bool = False,
        deletable: bool = False,
        visitors: ec2.ISecurityGroup | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._deletable = deletable
        self._removal_policy = cdk.RemovalPolicy.DESTROY if deletable else cdk.RemovalPolicy.RETAIN
        self.master_password_secret = self._master_password()
        self.cluster = self._cluster(vpc, props)
        self.callers = self._callers(vpc, props.port)
        if visitors:
            self._add_ingress(visitors, props.port, "From the callers of another database")
        self.database = Database(
            host=self.cluster.cluster_endpoint.hostname,
            port=props.port,
            secret=self.master_password_secret,
            callers=self.callers,
        )
        self.alarms = self._alarms(alarm_topic_arn)
        if keep_exports:
            for value in (
                self.master_password_secret.secret_arn,
                self.cluster.cluster_endpoint.hostname,
                self.cluster.cluster_endpoint.port_as_string(),
                self.cluster.security_group_id,
            ):
                self.export_value(value)

    def _master_password(self) -> secretsmanager.Secret:
        # A change of these settings generates a new password, which the cluster does not have. No punctuation, because
        # the services insert it into a URI without encoding.
        secret = secretsmanager.Secret(
            self,
            "DocDbMasterPassword",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=32, exclude_punctuation=True),
            removal_policy=self._removal_policy,
        )
        acknowledge(
            cast(cdk.CfnResource, secret.node.default_child),
            "AwsSolutions-SMG4",
            "The services read the password at their start only, so a rotation by the clock would lock them out; it is "
            "rotated by hand, in the steps of docs/database.md.",
        )
        return secret

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
            # $0.50 for each GB. The CDK sets the retention of these logs with a Lambda function. The stack can't create
            # the log group instead: in a running environment DocumentDB has created it, and CloudFormation fails.
            export_audit_logs_to_cloud_watch=True,
            export_profiler_logs_to_cloud_watch=True,
            deletion_protection=not self._deletable,
            removal_policy=self._removal_policy,
            instance_removal_policy=self._removal_policy,
            security_group_removal_policy=self._removal_policy,
        )
        cast(cdk.CfnResource, cluster.node.find_child("Subnets")).apply_removal_policy(self._removal_policy)
        resource = cast(docdb.CfnDBCluster, cluster.node.default_child)
        if props.restored_from:
            _restore(resource, props.restored_from)
        _accept_findings_on(resource)
        return cluster

    def _parameter_group(self, family: str) -> docdb.ClusterParameterGroup:
        group = docdb.ClusterParameterGroup(
            self,
            "DocDbClusterParameterGroup",
            family=family,
            parameters={
                # `verify` reports until when an app without TLS is accepted.
                "tls": "disabled",
                # Logins and changes of collections, indexes and users: a few lines a day. All services are the same
                # user, so an audit of each query ("all") would not distinguish them, and costs by the GB:
                # https://docs.aws.amazon.com/documentdb/latest/developerguide/event-auditing.html
                "audit_logs": "enabled",
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
        self._add_ingress(callers, port, "From the callers of the database")
        return callers

    def _add_ingress(self, callers: ec2.ISecurityGroup, port: int, description: str) -> None:
        self.cluster.connections.security_groups[0].add_ingress_rule(callers, ec2.Port.tcp(port), description)

    def _alarms(self, topic_arn: str | None) -> list[str]:
        def metric(name: str, statistic: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/DocDB",
                metric_name=name,
                dimensions_map={"DBClusterIdentifier": self.cluster.cluster_identifier},
                statistic=statistic,
                period=EVERY_MINUTE,
            )

        def alarm(
            kind: str,
            of: cloudwatch.IMetric,
            description: str,
            *,
            above: float | None = None,
            below: float | None = None,
        ) -> str:
            props = AlarmProps(
                name=f"{self.stack_name}-{kind}",
                description=description,
                minutes=_ALARM_MINUTES,
                above=above,
                below=below,
            )
            return add_alarm(self, f"Alarm-{kind}", of, props, topic_arn)

        connections = cloudwatch.MathExpression(
            expression="100 * open / allowed",
            using_metrics={
                "open": metric("DatabaseConnections", "Maximum"),
                "allowed": metric("DatabaseConnectionsLimit", "Maximum"),
            },
            label="Connections, % of the limit",
            period=EVERY_MINUTE,
        )
        return [
            alarm("cpu", metric("CPUUtilization", "Average"), "The database is short of CPU", above=80),
            alarm(
                "connections",
                connections,
                "Most of the connections that the database allows are open",
                above=80,
            ),
            alarm(
                "storage",
                metric("VolumeBytesUsed", "Maximum"),
                "The data is larger than a portal's, and each GiB is paid for",
                above=_MUCH_DATA_BYTES,
            ),
            alarm(
                "local-storage",
                metric("FreeLocalStorage", "Minimum"),
                "An instance is short of room for sorting and logs",
                below=_LITTLE_ROOM_BYTES,
            ),
        ]


def _restore(cluster: docdb.CfnDBCluster, origin: DatabaseOrigin) -> None:
    """Restore a cluster from a backup, which the CDK's construct does not support.

    `SnapshotIdentifier` and `SourceDBClusterIdentifier` must not change or be removed later: CloudFormation would
    replace the cluster. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-docdb-dbcluster.html
    """
    # DocumentDB restores with the user and password of the backup and allows no others:
    # https://docs.aws.amazon.com/documentdb/latest/developerguide/API_RestoreDBClusterToPointInTime.html
    cluster.master_username = cluster.master_user_password = None
    cluster.snapshot_identifier = origin.snapshot
    cluster.source_db_cluster_identifier = origin.cluster
    if origin.time == LATEST:
        cluster.use_latest_restorable_time = True
    else:
        cluster.restore_to_time = origin.time


def _accept_findings_on(cluster: docdb.CfnDBCluster) -> None:
    acknowledge(
        cluster,
        "AwsSolutions-DOC2",
        "Who carries the callers' group is let in and nobody else, whatever the port; the running databases have "
        "MongoDB's own.",
    )
    acknowledge(
        cluster,
        "AwsSolutions-DOC3",
        "The password is generated in Secrets Manager and only referred to; the rule can't read a reference that is "
        "joined from parts.",
    )
    for event, calls in (
        ("authenticate", "logins"),
        ("createIndex", "new indexes"),
        ("dropCollection", "dropped collections"),
    ):
        acknowledge(
            cluster,
            f"AwsSolutions-DOC5[LogExport::{event}]",
            f"The audit log is exported and has {calls}; the rule looks for a log of this name, and DocumentDB exports "
            "two only, audit and profiler.",
        )
