"""AWS::ECS::ClusterCapacityProviderAssociations: which capacity providers a cluster may use, and its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_aws.ministack_modules import ecs, provisioners
from local_aws.resource_types import Created, ResourceType
from local_aws.resource_types.failure import checked


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


TYPES = (ResourceType("AWS::ECS::ClusterCapacityProviderAssociations", create, update, delete, replacing=("Cluster",)),)
