"""An Aurora cluster or an RDS instance."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds

from portside.config.environment import LATEST, DatabaseOrigin
from portside.stacks.acknowledgment import acknowledge
from portside.stacks.database_stack import BACKUP_DAYS, MAINTENANCE_WINDOW, DatabaseStack, Endpoint

_WINDOW_OF_BACKUPS = "05:00-05:30"


class RdsStack(DatabaseStack):
    """An Aurora cluster with its instances, or an RDS instance, with its password and its callers' security group."""

    def _endpoint(self, vpc: ec2.IVpc) -> Endpoint:
        group = ec2.SecurityGroup(self, "SecurityGroup", vpc=vpc, description="The database")
        subnets = rds.CfnDBSubnetGroup(
            self,
            "Subnets",
            db_subnet_group_description=f"Private subnets of {self.stack_name}",
            subnet_ids=vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS).subnet_ids,
        )
        parameters = self._parameter_group()
        common: dict[str, Any] = {
            "engine": self.props.kind.engine,
            "engine_version": self.props.version,
            "db_subnet_group_name": subnets.ref,
            "backup_retention_period": BACKUP_DAYS,
            "preferred_backup_window": _WINDOW_OF_BACKUPS,
            "preferred_maintenance_window": MAINTENANCE_WINDOW,
            "copy_tags_to_snapshot": True,
            "deletion_protection": not self.props.deletable,
            "enable_cloudwatch_logs_exports": list(self.props.kind.logs),
        }
        make = self._cluster if self.props.kind.is_cluster else self._instance
        endpoint = make(common, parameters.ref, group)
        for child in (group.node.default_child, *self.node.children):
            if isinstance(child, cdk.CfnResource):
                child.apply_removal_policy(self.removal_policy)
        return endpoint

    def _cluster(self, common: dict[str, Any], parameters: str, group: ec2.SecurityGroup) -> Endpoint:
        props, capacity = self.props, self.props.capacity
        cluster = rds.CfnDBCluster(
            self,
            "Database",
            **common,
            **(_cluster_origin(props.restored_from) if props.restored_from else self._new("database_name")),
            port=props.port,
            db_cluster_parameter_group_name=parameters,
            vpc_security_group_ids=[group.security_group_id],
            serverless_v2_scaling_configuration=rds.CfnDBCluster.ServerlessV2ScalingConfigurationProperty(
                min_capacity=capacity.min, max_capacity=capacity.max
            )
            if capacity
            else None,
        )
        for number in range(1, props.instances + 1):
            rds.CfnDBInstance(
                self,
                f"Instance{number}",
                db_cluster_identifier=cluster.ref,
                db_instance_class=props.instance_class,
                engine=props.kind.engine,
                publicly_accessible=False,
            )
        self._acknowledge(cluster)
        return Endpoint(cluster.attr_endpoint_address, cluster.ref, group)

    def _instance(self, common: dict[str, Any], parameters: str, group: ec2.SecurityGroup) -> Endpoint:
        props = self.props
        instance = rds.CfnDBInstance(
            self,
            "Database",
            **common,
            **(_instance_origin(props.restored_from) if props.restored_from else self._new("db_name")),
            port=str(props.port),
            db_parameter_group_name=parameters,
            vpc_security_groups=[group.security_group_id],
            db_instance_class=props.instance_class,
            allocated_storage=str(props.storage_gib),
            storage_type="gp3",
            multi_az=props.instances > 1,
            publicly_accessible=False,
        )
        self._acknowledge(instance)
        return Endpoint(instance.attr_endpoint_address, instance.ref, group)

    def _new(self, name_property: str) -> dict[str, Any]:
        """The properties of a database that is created empty. A restored database has those of its backup."""
        return {
            name_property: self.props.database_name,
            "storage_encrypted": True,
            "master_username": self.props.master_username,
            "master_user_password": self.master_password_secret.secret_value.unsafe_unwrap(),
        }

    def _parameter_group(self) -> rds.CfnDBClusterParameterGroup | rds.CfnDBParameterGroup:
        kind = self.props.kind
        properties: dict[str, Any] = {
            "description": f"Parameters of {self.stack_name}",
            "family": self.props.parameter_group_family,
            "parameters": {kind.tls.name: kind.tls.on if self.props.tls else kind.tls.off},
        }
        made = rds.CfnDBClusterParameterGroup if kind.is_cluster else rds.CfnDBParameterGroup
        return made(self, "Parameters", **properties)

    def _acknowledge(self, database: cdk.CfnResource) -> None:
        for rule, reason in _ACKNOWLEDGED.items():
            acknowledge(database, rule, reason)


_ACKNOWLEDGED = {
    "AwsSolutions-RDS3": "A standby doubles the price: DATABASE_INSTANCES asks for it.",
    "AwsSolutions-RDS6": "The services log in with the generated password, which drivers without AWS's SDK can do too.",
    "AwsSolutions-RDS10": "It is protected unless it is deleted with its environment.",
    "AwsSolutions-RDS11": "Who carries the callers' group is let in and no one else, whatever the port.",
    "AwsSolutions-RDS14": "A database is restored next to the first, in the steps of docs/database.md.",
    "AwsSolutions-RDS16": "All services are the same user, so an audit of each query would not tell them apart.",
}


def _moment(origin: DatabaseOrigin, key: str) -> dict[str, Any]:
    return {"use_latest_restorable_time": True} if origin.time == LATEST else {key: origin.time}


def _cluster_origin(origin: DatabaseOrigin) -> dict[str, Any]:
    """The backup of a cluster. A change of it later would replace the cluster.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbcluster.html
    """
    if origin.snapshot:
        return {"snapshot_identifier": origin.snapshot}
    return {"source_db_cluster_identifier": origin.cluster, **_moment(origin, "restore_to_time")}


def _instance_origin(origin: DatabaseOrigin) -> dict[str, Any]:
    """The backup of an instance; with a time, its source is restored and not replicated.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html
    """
    if origin.snapshot:
        return {"db_snapshot_identifier": origin.snapshot}
    return {"source_db_instance_identifier": origin.instance, **_moment(origin, "restore_time")}
