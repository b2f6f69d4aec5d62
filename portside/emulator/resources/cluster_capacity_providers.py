"""AWS::ECS::ClusterCapacityProviderAssociations: a cluster's capacity providers and default strategy.

Also AWS::ECS::Cluster, whose update in ministack deletes them if the cluster's own properties have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ecs, provisioners
from portside.emulator.resources import Change, Created, ResourceType, again
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


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    if ecs._resolve_cluster_name(physical_id) in ecs._clusters:
        _put(physical_id, [], [])


def update_cluster(change: Change) -> Created:
    name = change.physical_id
    kept = {each: ecs._clusters[name].get(each, []) for each in _ASSOCIATED if name in ecs._clusters}
    updated: Created = provisioners._ecs_cluster_update(*change)
    if updated[0] == name and not {"CapacityProviders", "DefaultCapacityProviderStrategy"} & change.new.keys():
        ecs._clusters[name] |= kept
    return updated


_ASSOCIATED = ("capacityProviders", "defaultCapacityProviderStrategy")

TYPES = (
    ResourceType("AWS::ECS::ClusterCapacityProviderAssociations", create, again(create), delete),
    ResourceType("AWS::ECS::Cluster", update=update_cluster),
)
