"""Properties of the database and the bastion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2

from portside.config.database_kinds import DOCUMENTDB, Bounds, DatabaseKind
from portside.config.environment import DatabaseOrigin


def instance_type(written: ec2.InstanceType | str) -> ec2.InstanceType:
    """The CDK's instance type for `r5.large` or `db.r5.large`."""
    return ec2.InstanceType(written.removeprefix("db.")) if isinstance(written, str) else written


@dataclass(frozen=True)
class DatabaseProps:
    """A database with the class of its instances, such as `r5.large`, or with serverless instances of a `capacity`.

    A database that is `restored_from` a backup has the user and password of the backup. Without an `engine_version` it
    has the default of its kind. Unless it is `hardened`, the whole VPC can connect and no logins are audited, as in the
    previous app. With `deletable` the database is deleted with its stack.
    """

    instance_type: ec2.InstanceType | str
    master_username: str
    port: int = DOCUMENTDB.port
    instances: int = 1
    engine_version: str = ""
    family: str = ""
    restored_from: DatabaseOrigin | None = None
    kind: DatabaseKind = DOCUMENTDB
    capacity: Bounds | None = None
    storage_gib: int = 0
    database_name: str = ""
    tls: bool = False
    """Whether only encrypted connections are accepted."""
    alarm_topic_arn: str | None = None
    keep_exports: bool = False
    deletable: bool = False
    hardened: bool = False

    @property
    def version(self) -> str:
        """The engine's version."""
        return self.engine_version or self.kind.engine_version

    @property
    def parameter_group_family(self) -> str:
        """The parameter group family."""
        return self.family or self.kind.family_of(self.version)

    @property
    def instance_class(self) -> str:
        """The class of its instances in CloudFormation."""
        return "db.serverless" if self.capacity else f"db.{instance_type(self.instance_type).to_string()}"


DocdbProps = DatabaseProps


@dataclass(frozen=True)
class BastionProps:
    """A bastion: the name of an existing key pair, the instance type, and an AMI in its region."""

    key_name: str
    instance_type: ec2.InstanceType | str
    ami_id: str
    ami_region: str = "us-east-1"
    block_devices: Sequence[ec2.BlockDevice] = ()
