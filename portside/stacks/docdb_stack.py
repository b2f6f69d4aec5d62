"""A DocumentDB cluster."""

from __future__ import annotations

from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_docdb as docdb
from aws_cdk import aws_ec2 as ec2

from portside.config.environment import LATEST, DatabaseOrigin
from portside.stacks.acknowledgment import OF_THE_CDK, acknowledge
from portside.stacks.database_stack import BACKUP_DAYS, MAINTENANCE_WINDOW, Database, DatabaseStack, Endpoint
from portside.stacks.props import instance_type

__all__ = ["Database", "DocdbStack"]


class DocdbStack(DatabaseStack):
    """A DocumentDB cluster with its password and its callers' security group."""

    cluster: docdb.DatabaseCluster

    def _endpoint(self, vpc: ec2.IVpc) -> Endpoint:
        self.cluster = self._cluster(vpc)
        return Endpoint(
            self.cluster.cluster_endpoint.hostname,
            self.cluster.cluster_identifier,
            self.cluster.connections.security_groups[0],
        )

    def _exported(self) -> tuple[str, ...]:
        endpoint = self.cluster.cluster_endpoint
        return endpoint.hostname, endpoint.port_as_string(), self.cluster.security_group_id

    def _cluster(self, vpc: ec2.IVpc) -> docdb.DatabaseCluster:
        props = self.props
        cluster = docdb.DatabaseCluster(
            self,
            "DocDbCluster",
            master_user=docdb.Login(username=props.master_username, password=self.master_password_secret.secret_value),
            engine_version=props.version,
            parameter_group=self._parameter_group(),
            # The construct only knows serverless clusters that were created as such.
            instance_type=instance_type(props.instance_type),
            instances=props.instances,
            vpc=vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            port=props.port,
            storage_encrypted=True,
            backup=docdb.BackupProps(retention=cdk.Duration.days(BACKUP_DAYS)),
            preferred_maintenance_window=MAINTENANCE_WINDOW,
            # $0.50 for each GB. The CDK sets the retention of these logs with a Lambda function. The stack can't create
            # the log group instead: in a running environment DocumentDB has created it, and CloudFormation fails.
            export_audit_logs_to_cloud_watch=self.props.hardened,
            export_profiler_logs_to_cloud_watch=True,
            deletion_protection=not self.props.deletable,
            removal_policy=self.removal_policy,
            instance_removal_policy=self.removal_policy,
            security_group_removal_policy=self.removal_policy,
        )
        cast(cdk.CfnResource, cluster.node.find_child("Subnets")).apply_removal_policy(self.removal_policy)
        resource = cast(docdb.CfnDBCluster, cluster.node.default_child)
        if props.capacity:
            resource.serverless_v2_scaling_configuration = docdb.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
                min_capacity=props.capacity.min, max_capacity=props.capacity.max
            )
            for child in cluster.node.children:
                if isinstance(child, docdb.CfnDBInstance):
                    child.db_instance_class = props.instance_class
                    reason = "The CDK's list of classes lacks db.serverless, which DocumentDB has since 2025."
                    acknowledge(child, "E3620", reason, pack=OF_THE_CDK)
        if props.restored_from:
            _restore(resource, props.restored_from)
        _accept_findings_on(resource)
        return cluster

    def _parameter_group(self) -> docdb.ClusterParameterGroup:
        tls = self.props.kind.tls
        group = docdb.ClusterParameterGroup(
            self,
            "DocDbClusterParameterGroup",
            family=self.props.parameter_group_family,
            parameters={
                tls.name: tls.on if self.props.tls else tls.off,
                # Logins and changes of collections, indexes and users: a few lines a day. All services are the same
                # user, so an audit of each query ("all") would not distinguish them, and costs by the GB:
                # https://docs.aws.amazon.com/documentdb/latest/developerguide/event-auditing.html
                "audit_logs": "enabled" if self.props.hardened else "disabled",
                "profiler": "enabled",
                "profiler_sampling_rate": "1.0",
                "profiler_threshold_ms": "50",
                "change_stream_log_retention_duration": "10800",
                "ttl_monitor": "disabled",
            },
        )
        group.apply_removal_policy(self.removal_policy)
        return group


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
