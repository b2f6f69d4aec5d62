"""The costs of a database, by its kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from portside.config.environment import Environment

Quantity = tuple[str, float]
"""The name of a price, and how much of it."""

# The assumed usage of a small portal.
_DATA_GB, _MILLION_REQUESTS = 5, 5
_SERVERLESS = "db.serverless"


def standing(environment: Environment) -> list[Quantity]:
    """The fixed costs of an environment's databases; serverless instances at their minimum capacity."""
    kind, capacity, count = environment.database_kind, environment.database_capacity, environment.database_instances
    if kind is None:
        return []
    name = f"{kind.title}, capacity unit" if capacity else f"{kind.title} {environment.database_instance_class}"
    found: list[Quantity] = [(name, count * (capacity.min if capacity else 1))]
    if kind.storage_gib:
        found.append((f"{kind.title}, storage", count * environment.database_storage_gib))
    return found


def usage(environment: Environment) -> list[Quantity]:
    """The costs by use: storage and requests of a cluster, whose price has no allocation, and backups."""
    kind = environment.database_kind
    if kind is None:
        return []
    by_data = [(f"{kind.title}, storage", _DATA_GB), (f"{kind.title}, I/O", _MILLION_REQUESTS)]
    return [*(by_data if kind.is_cluster else []), (f"{kind.title}, backups", _DATA_GB)]


def alarmed_metrics(environment: Environment) -> int:
    """The metrics of its alarms: one of two metrics is billed as two."""
    kind = environment.database_kind
    alarms = kind.alarms_of(serverless=environment.database_capacity is not None) if kind else []
    return sum(len(alarm.metrics) for alarm in alarms)


def of_template(resources: Mapping[str, Mapping[str, Any]]) -> Iterator[Quantity]:
    """The fixed costs of the databases in a template."""
    for resource in resources.values():
        resource_type, properties = str(resource.get("Type")), resource.get("Properties", {})
        kind = _kind_of(resource_type, properties)
        if kind is None or not resource_type.endswith("::DBInstance"):
            continue
        # A standby in another zone is billed like an instance.
        count = 2 if properties.get("MultiAZ") else 1
        if properties.get("DBInstanceClass") == _SERVERLESS:
            yield f"{kind.title}, capacity unit", count * _least_capacity(resources)
        else:
            yield f"{kind.title} {str(properties.get('DBInstanceClass')).removeprefix('db.')}", count
        if kind.storage_gib:
            yield f"{kind.title}, storage", count * float(properties.get("AllocatedStorage", 0))


def _kind_of(resource_type: str, properties: Mapping[str, Any]) -> DatabaseKind | None:
    engine = "docdb" if resource_type.startswith("AWS::DocDB::") else properties.get("Engine")
    return next((kind for kind in DATABASE_KINDS.values() if kind.engine == engine), None)


def _least_capacity(resources: Mapping[str, Mapping[str, Any]]) -> float:
    scaling = (each.get("Properties", {}).get("ServerlessV2ScalingConfiguration") for each in resources.values())
    return sum(float(each.get("MinCapacity", 0)) for each in scaling if each)
