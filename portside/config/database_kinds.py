"""The kinds of databases, one row a kind, with AWS's names, defaults and limits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from portside.config.aws_names import AURORA_CLASSES, DOCUMENTDB_CLASSES, RDS_CLASSES


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The smallest and largest value that AWS accepts."""

    min: float
    max: float


@dataclass(frozen=True, kw_only=True)
class TlsParameter:
    """The parameter of a parameter group that requires TLS, with its values."""

    name: str
    on: str
    off: str


@dataclass(frozen=True, kw_only=True)
class DatabaseAlarm:
    """An alarm on a metric, or on the percentage that the first of two metrics is of the second."""

    name: str
    metrics: Sequence[str]
    statistic: str
    description: str
    above: float | None = None
    below: float | None = None
    if_serverless: bool = False
    """Whether only databases with serverless instances have it."""


@dataclass(frozen=True, kw_only=True)
class DatabaseKind:
    """A kind of database: its names in AWS, its defaults and its limits."""

    name: str
    """The value of DATABASE_KIND."""
    title: str
    engine: str
    """AWS's name of the engine, as in CreateDBCluster and CreateDBInstance."""
    service: str
    """The service in AWS's SDK and command line, such as `docdb`."""
    resource_type: str
    """The CloudFormation type that has the endpoint: a cluster, or an instance without one."""
    parameter_group_type: str
    stack: str
    """The default end of the name of its stack, and with `stack_prefix` that of others."""
    stack_prefix: str
    credentials_id: str
    """The logical id of its secret, with which the secret's name begins."""
    port: int
    username: str = "master"
    username_pattern: str
    username_hint: str
    reserved_usernames: Sequence[str]
    name_pattern: str
    reserved_names: Sequence[str] = ()
    instance_class: str
    instance_classes: Sequence[str]
    most_instances: int
    instances_hint: str
    engine_version: str
    version_pattern: str
    family_parts: int
    """How many numbers of the engine's version are in the name of its parameter group family."""
    capacity: Bounds | None = None
    """The capacity units of a serverless instance; None if it is not serverless."""
    storage_gib: Bounds | None = None
    """The storage that must be allocated; None if it grows automatically."""
    tls: TlsParameter
    logs: Sequence[str]
    """The logs that it exports to CloudWatch Logs."""
    log_group: str
    """The prefix of the names of its log groups, with `{}` for its identifier."""
    metrics: str
    """The namespace of its metrics in CloudWatch."""
    alarms: Sequence[DatabaseAlarm]
    uri: str
    """The address for a client on this machine, with `{user}`, `{port}` and `{name}`."""
    client: str
    """The command that connects to such an address."""

    @property
    def is_cluster(self) -> bool:
        """Whether its instances belong to a cluster, which has the endpoint and the storage."""
        return self.resource_type.endswith("DBCluster")

    @property
    def source_key(self) -> str:
        """The key of DATABASES that names the database to restore."""
        return "CLUSTER" if self.is_cluster else "INSTANCE"

    @property
    def noun(self) -> str:
        """`cluster` or `instance`."""
        return "cluster" if self.is_cluster else "instance"

    def command(self, verb: str) -> tuple[str, str]:
        """A command of AWS's command line, such as `docdb modify-db-cluster`."""
        return self.service, f"{verb}-db-{self.noun}"

    def identified(self, identifier: str) -> dict[str, str]:
        """The option of such a command that identifies the database."""
        return {f"db_{self.noun}_identifier": identifier}

    def alarms_of(self, *, serverless: bool) -> list[DatabaseAlarm]:
        """The alarms of a database with provisioned or with serverless instances."""
        return [alarm for alarm in self.alarms if serverless or not alarm.if_serverless]

    def family_of(self, engine_version: str) -> str:
        """The parameter group family of an engine version, such as `docdb8.0` of `8.0.0`."""
        return self.engine + ".".join(engine_version.split(".")[: self.family_parts])

    def default_name(self, app: str) -> str:
        """The name of an app as a name of a database."""
        return app if re.fullmatch(self.name_pattern, app) else app.replace("-", "_")


# The ports of all: https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html and
# https://docs.aws.amazon.com/documentdb/latest/developerguide/API_CreateDBCluster.html
PORTS = Bounds(min=1150, max=65535)

_GIB = 1024**3
_CPU = DatabaseAlarm(
    name="cpu",
    metrics=("CPUUtilization",),
    statistic="Average",
    description="The database is short of CPU",
    above=80,
)
# The volume grows automatically, to 128 TiB.
_STORAGE = DatabaseAlarm(
    name="storage",
    metrics=("VolumeBytesUsed",),
    statistic="Maximum",
    description="The data is larger than a portal's, and each GiB is paid for",
    above=100 * _GIB,
)
_LOCAL_STORAGE = DatabaseAlarm(
    name="local-storage",
    metrics=("FreeLocalStorage",),
    statistic="Minimum",
    description="An instance is short of room for sorting and logs",
    below=2 * _GIB,
)


# MySQL and PostgreSQL have no metric of the largest number of connections, which depends on the memory.
_MEMORY = DatabaseAlarm(
    name="memory",
    metrics=("FreeableMemory",),
    statistic="Minimum",
    description="The database is short of memory: a larger class, or fewer connections",
    below=64 * 1024**2,
)
_FREE_STORAGE = DatabaseAlarm(
    name="storage",
    metrics=("FreeStorageSpace",),
    statistic="Minimum",
    description="The storage is nearly full, and a full database stops: increase DATABASE_STORAGE_GIB",
    below=2 * _GIB,
)
_CREDENTIALS = "DatabaseMasterPassword"


def _capacity_alarm(metric: str) -> DatabaseAlarm:
    return DatabaseAlarm(
        name="capacity",
        metrics=(metric,),
        statistic="Average",
        description="The instances are near the maximum of DATABASE_CAPACITY",
        above=90,
        if_serverless=True,
    )


DOCUMENTDB = DatabaseKind(
    name="documentdb",
    title="DocumentDB",
    engine="docdb",
    service="docdb",
    resource_type="AWS::DocDB::DBCluster",
    parameter_group_type="AWS::DocDB::DBClusterParameterGroup",
    stack="docdb-v8",
    stack_prefix="docdb",
    # Another name would be another secret: those of running clusters have it.
    credentials_id="DocDbMasterPassword",
    port=27017,
    # https://docs.aws.amazon.com/documentdb/latest/developerguide/API_CreateDBCluster.html
    username_pattern="[A-Za-z][A-Za-z0-9]{0,62}",
    username_hint='Use up to 63 letters and digits that begin with a letter, such as "master".',
    reserved_usernames=("admin",),
    name_pattern="[A-Za-z0-9_-]{1,63}",
    instance_class="r5.large",
    instance_classes=DOCUMENTDB_CLASSES,
    # https://docs.aws.amazon.com/documentdb/latest/developerguide/limits.html
    most_instances=16,
    instances_hint="Use 1 to 16, the number of instances of the cluster.",
    engine_version="8.0.0",
    version_pattern=r"(?:[589]|[1-9][0-9])\.[0-9]+\.[0-9]+",
    family_parts=2,
    # https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-serverless-scaling-config.html
    capacity=Bounds(min=0.5, max=256),
    tls=TlsParameter(name="tls", on="enabled", off="disabled"),
    logs=("audit", "profiler"),
    log_group="/aws/docdb/{}/",
    metrics="AWS/DocDB",
    alarms=(
        _CPU,
        DatabaseAlarm(
            name="connections",
            metrics=("DatabaseConnections", "DatabaseConnectionsLimit"),
            statistic="Maximum",
            description="Most of the connections that the database allows are open",
            above=80,
        ),
        _STORAGE,
        _LOCAL_STORAGE,
        # https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-serverless-monitoring.html
        _capacity_alarm("DCUUtilization"),
    ),
    # The cluster's other hosts can't be reached through a tunnel.
    uri="mongodb://{user}@127.0.0.1:{port}/{name}?directConnection=true&authSource=admin&retryWrites=false",
    client="mongosh",
)

# Common to both versions of an engine, Aurora's and RDS's own.
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html
# https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
_POSTGRESQL: dict[str, Any] = {
    "service": "rds",
    "credentials_id": _CREDENTIALS,
    "port": 5432,
    "username_pattern": "[A-Za-z][A-Za-z0-9_]{0,62}",
    "username_hint": 'Use up to 63 letters, digits and "_" that begin with a letter, such as "master".',
    "reserved_usernames": ("admin", "rdsadmin", "rds_superuser", "public", "user", "pg_.*"),
    "name_pattern": "[A-Za-z][A-Za-z0-9_]{0,62}",
    "reserved_names": ("rdsadmin", "template0", "template1", "user", "default"),
    "family_parts": 1,
    "tls": TlsParameter(name="rds.force_ssl", on="1", off="0"),
    "logs": ("postgresql",),
    "metrics": "AWS/RDS",
    # `require` encrypts, and does not compare the server's name, which is not that of this machine.
    "uri": "postgresql://{user}@127.0.0.1:{port}/{name}?sslmode=require",
    "client": "psql",
}
_MYSQL: dict[str, Any] = {
    "service": "rds",
    "credentials_id": _CREDENTIALS,
    "port": 3306,
    "username_pattern": "[A-Za-z][A-Za-z0-9_]{0,15}",
    "username_hint": 'Use up to 16 letters, digits and "_" that begin with a letter, such as "master".',
    "reserved_usernames": ("rdsadmin", "root", "mysql.*", "rdsrepladmin"),
    "name_pattern": "[A-Za-z][A-Za-z0-9_]{0,63}",
    "reserved_names": ("mysql", "sys", "information_schema", "performance_schema", "innodb", "tmp", "default"),
    "family_parts": 2,
    "tls": TlsParameter(name="require_secure_transport", on="ON", off="OFF"),
    "logs": ("error", "slowquery"),
    "metrics": "AWS/RDS",
    "uri": "mysql://{user}@127.0.0.1:{port}/{name}?ssl-mode=REQUIRED",
    "client": "mysqlsh",
}
_AURORA: dict[str, Any] = {
    "resource_type": "AWS::RDS::DBCluster",
    "parameter_group_type": "AWS::RDS::DBClusterParameterGroup",
    "instance_class": "t4g.medium",
    "instance_classes": AURORA_CLASSES,
    "most_instances": 16,
    "instances_hint": "Use 1 to 16, the number of instances of the cluster.",
    # 0 lets idle instances pause: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
    "capacity": Bounds(min=0, max=256),
    "log_group": "/aws/rds/cluster/{}/",
    # https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html
    "alarms": (_CPU, _MEMORY, _STORAGE, _LOCAL_STORAGE, _capacity_alarm("ACUUtilization")),
}
_RDS: dict[str, Any] = {
    "resource_type": "AWS::RDS::DBInstance",
    "parameter_group_type": "AWS::RDS::DBParameterGroup",
    "instance_class": "t4g.micro",
    "instance_classes": RDS_CLASSES,
    "most_instances": 2,
    "instances_hint": "Use 1, or 2 for a standby in another zone.",
    # Of gp3: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Storage.html
    "storage_gib": Bounds(min=20, max=65536),
    "log_group": "/aws/rds/instance/{}/",
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    "alarms": (_CPU, _MEMORY, _FREE_STORAGE),
}


def _named(name: str) -> dict[str, Any]:
    return {"name": name, "stack": name, "stack_prefix": name}


DATABASE_KINDS = {
    kind.name: kind
    for kind in (
        DOCUMENTDB,
        DatabaseKind(
            **_named("aurora-postgresql"),
            title="Aurora PostgreSQL",
            engine="aurora-postgresql",
            engine_version="17.7",
            version_pattern=r"1[4-9]\.[0-9]+",
            **_POSTGRESQL,
            **_AURORA,
        ),
        DatabaseKind(
            **_named("aurora-mysql"),
            title="Aurora MySQL",
            engine="aurora-mysql",
            engine_version="8.0.mysql_aurora.3.10.3",
            version_pattern=r"8\.0\.mysql_aurora\.3\.[0-9]+\.[0-9]+|8\.4\.mysql_aurora\.8\.4\.[0-9]+",
            **_MYSQL,
            **_AURORA,
        ),
        DatabaseKind(
            **_named("postgresql"),
            title="RDS for PostgreSQL",
            engine="postgres",
            engine_version="17.7",
            version_pattern=r"1[4-9]\.[0-9]+",
            **_POSTGRESQL,
            **_RDS,
        ),
        DatabaseKind(
            **_named("mysql"),
            title="RDS for MySQL",
            engine="mysql",
            engine_version="8.4.7",
            version_pattern=r"8\.[04]\.[0-9]+",
            **_MYSQL,
            **_RDS,
        ),
    )
}
