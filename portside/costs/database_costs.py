"""The costs of databases, by their kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from portside.config.database_kinds import DATABASE_KINDS
from portside.costs.quantity import Priced, Quantity, by_use, fixed, number

INSTANCES = ("AWS::DocDB::DBInstance", "AWS::RDS::DBInstance")
CLUSTERS = ("AWS::DocDB::DBCluster", "AWS::RDS::DBCluster")
_SERVERLESS = "db.serverless"

Properties = Mapping[str, Any]


def of_instance(instance_id: str, instance: Properties, priced: Priced) -> Iterator[Quantity]:
    """The costs of an instance; of a serverless one with its minimum capacity and as expected."""
    title = _title_of(instance, priced.resources[instance_id]["Type"])
    # A standby in another zone is billed like an instance.
    count = 2 if instance.get("MultiAZ") else 1
    if instance.get("DBInstanceClass") == _SERVERLESS:
        scaling = _cluster_of(instance, priced).get("ServerlessV2ScalingConfiguration", {})
        least, expected = priced.between(number(scaling.get("MinCapacity")), number(scaling.get("MaxCapacity")))
        yield Quantity(f"{title}, capacity unit", count * least, count * expected)
    else:
        yield fixed(f"{title} {str(instance.get('DBInstanceClass')).removeprefix('db.')}", count)
    if "AllocatedStorage" in instance:
        yield fixed(f"{title}, storage", count * number(instance["AllocatedStorage"]))
        yield by_use(f"{title}, backups", priced.assumed["database_gb"])


def of_cluster(cluster_id: str, cluster: Properties, priced: Priced) -> Iterator[Quantity]:
    """The costs by use: storage and requests, and backups."""
    title = _title_of(cluster, priced.resources[cluster_id]["Type"])
    yield by_use(f"{title}, storage", priced.assumed["database_gb"])
    yield by_use(f"{title}, I/O", priced.assumed["database_requests_million"])
    yield by_use(f"{title}, backups", priced.assumed["database_gb"])


def _title_of(properties: Properties, resource_type: str) -> str:
    """The kind's title, with which its prices begin; of an engine that is none of them its type, without prices."""
    engine = "docdb" if resource_type.startswith("AWS::DocDB::") else properties.get("Engine")
    return next((kind.title for kind in DATABASE_KINDS.values() if kind.engine == engine), f"{resource_type} {engine}")


def _cluster_of(instance: Properties, priced: Priced) -> Properties:
    named = json.dumps(instance.get("DBClusterIdentifier"))
    clusters = {key: each for kind in CLUSTERS for key, each in priced.of_type(kind).items()}
    return next((each for key, each in clusters.items() if f'"{key}"' in named), {})
