"""The common part of the stacks of databases: a password, the callers' security group, and alarms."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from portside.stacks.acknowledgment import acknowledge
from portside.stacks.alarms import EVERY_MINUTE, AlarmProps, add_alarm
from portside.stacks.callers import callers_group
from portside.stacks.props import DatabaseProps

# Short peaks of load are normal.
_ALARM_MINUTES = 10
# Free up to the size of the data, then $0.02 a GiB and month: https://aws.amazon.com/documentdb/pricing/
BACKUP_DAYS = 14
MAINTENANCE_WINDOW = "sat:06:54-sat:07:24"


@dataclass(frozen=True)
class Database:
    """The connection of a service to a database, and the security group for it."""

    host: str
    port: int
    secret: secretsmanager.ISecret
    callers: ec2.ISecurityGroup
    name: str = ""
    user: str = ""


@dataclass(frozen=True)
class Endpoint:
    """The address of a database: its host, its identifier in metrics, and its own security group."""

    host: str
    identifier: str
    group: ec2.ISecurityGroup


class DatabaseStack(cdk.Stack):
    """A database that is retained when its stack is deleted, its password, and its callers' security group.

    Members of `visitors`, the callers' group of another database, can read this one before a service uses it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        vpc: ec2.IVpc,
        props: DatabaseProps,
        *,
        visitors: ec2.ISecurityGroup | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.props = props
        self.removal_policy = cdk.RemovalPolicy.DESTROY if props.deletable else cdk.RemovalPolicy.RETAIN
        self.master_password_secret = self._master_password()
        self.endpoint = self._endpoint(vpc)
        if props.hardened:
            self.callers: ec2.ISecurityGroup = callers_group(self, "Callers", vpc, "the database")
            self._add_ingress(self.callers, "From the callers of the database")
        else:
            self.callers = self.endpoint.group
            self._add_ingress(ec2.Peer.ipv4(vpc.vpc_cidr_block), "From the VPC")
        if visitors:
            self._add_ingress(visitors, "From the callers of another database")
        self.database = Database(
            host=self.endpoint.host,
            port=props.port,
            secret=self.master_password_secret,
            callers=self.callers,
            name=props.database_name,
            user=props.master_username,
        )
        self.alarms = self._alarms(props.alarm_topic_arn)
        if props.keep_exports:
            for value in (self.master_password_secret.secret_arn, *self._exported()):
                self.export_value(value)

    @abstractmethod
    def _endpoint(self, vpc: ec2.IVpc) -> Endpoint:
        """Make the database."""

    def _exported(self) -> tuple[str, ...]:
        """The values that stacks of the previous app import."""
        return ()

    def metric(self, name: str, statistic: str, label: str | None = None) -> cloudwatch.Metric:
        """A metric of the cluster, or of the instance without one."""
        kind = self.props.kind
        return cloudwatch.Metric(
            namespace=kind.metrics,
            metric_name=name,
            dimensions_map={
                "DBClusterIdentifier" if kind.is_cluster else "DBInstanceIdentifier": self.endpoint.identifier
            },
            statistic=statistic,
            period=EVERY_MINUTE,
            label=label,
        )

    def _master_password(self) -> secretsmanager.Secret:
        # A change of these settings generates a new password, which the database does not have. No punctuation, because
        # the services insert it into a URI without encoding.
        secret = secretsmanager.Secret(
            self,
            self.props.kind.credentials_id,
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=32, exclude_punctuation=True),
            removal_policy=self.removal_policy,
        )
        acknowledge(
            cast(cdk.CfnResource, secret.node.default_child),
            "AwsSolutions-SMG4",
            "The services read the password at their start only, so a rotation by the clock would lock them out; it is "
            "rotated by hand, in the steps of docs/database.md.",
        )
        return secret

    def _add_ingress(self, callers: ec2.IPeer, description: str) -> None:
        self.endpoint.group.add_ingress_rule(callers, ec2.Port.tcp(self.props.port), description)

    def _alarms(self, topic_arn: str | None) -> list[str]:
        names = []
        for alarm in self.props.kind.alarms_of(serverless=self.props.capacity is not None):
            props = AlarmProps(
                name=f"{self.stack_name}-{alarm.name}",
                description=alarm.description,
                minutes=_ALARM_MINUTES,
                above=alarm.above,
                below=alarm.below,
            )
            metrics = [self.metric(name, alarm.statistic) for name in alarm.metrics]
            of = metrics[0] if len(metrics) == 1 else _percentage(*metrics)
            names.append(add_alarm(self, f"Alarm-{alarm.name}", of, props, topic_arn))
        return names


def _percentage(open_now: cloudwatch.IMetric, allowed: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression="100 * open / allowed",
        using_metrics={"open": open_now, "allowed": allowed},
        label="Connections, % of the limit",
        period=EVERY_MINUTE,
    )
