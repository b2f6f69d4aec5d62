"""AWS::ECS::ClusterCapacityProviderAssociations: a cluster's capacity providers and default strategy.

Also AWS::ECS::Cluster, whose update in ministack deletes them if the cluster's own properties have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ecs, provisioners
from portside.emulator.resources import Created, ResourceType
from portside.emulator.resources.failure import checked


def _put(cluster: str, providers: list[str], strategy: list[dict[str, Any]]) -> None:
    checked(
        ecs._put_cluster_capacity_providers(
            {
                "cluster": cluster,
                "capacityProviders": providers,
                "defaultCapacityProviderStrategy": provisioners._pascal_to_camel(strategy),
            }
        )
    )


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    cluster = str(properties["Cluster"])
    _put(cluster, list(properties["CapacityProviders"]), list(properties["DefaultCapacityProviderStrategy"]))
    return cluster, {}


def update(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str | None
) -> Created:
    return create(logical_id or physical_id, new, stack_name)


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    if ecs._resolve_cluster_name(physical_id) in ecs._clusters:
        _put(physical_id, [], [])


def update_cluster(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str | None
) -> Created:
    kept = {name: ecs._clusters[physical_id].get(name, []) for name in _ASSOCIATED if physical_id in ecs._clusters}
    updated: Created = provisioners._ecs_cluster_update(physical_id, old, new, stack_name, logical_id)
    if updated[0] == physical_id and not {"CapacityProviders", "DefaultCapacityProviderStrategy"} & new.keys():
        ecs._clusters[physical_id] |= kept
    return updated


_ASSOCIATED = ("capacityProviders", "defaultCapacityProviderStrategy")

TYPES = (
    ResourceType("AWS::ECS::ClusterCapacityProviderAssociations", create, update, delete, replacing=("Cluster",)),
    ResourceType(
        "AWS::ECS::Cluster",
        provisioners._ecs_cluster_create,
        update_cluster,
        provisioners._ecs_cluster_delete,
        replacing=provisioners._REPLACING_PROPERTIES.get("AWS::ECS::Cluster", ()),
        tagged=True,
    ),
)
