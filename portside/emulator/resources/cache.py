"""AWS::ElastiCache: tags, settings that an update removes, and ::ServerlessCache, which ministack lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import elasticache, provisioners
from portside.emulator.patches.cache_endpoints import address
from portside.emulator.resources import Change, Created, ResourceType
from portside.emulator.resources.failure import ResourceFailed

_SERVERLESS = "AWS::ElastiCache::ServerlessCache"
# A removed property goes back to its default:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-elasticache-replicationgroup.html
_DEFAULTS = {"Description": "", "SnapshotRetentionLimit": 0}


def create_cluster(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    created: Created = provisioners._ec_cluster_create(logical_id, properties, stack_name)
    _set_groups(created[0], properties)
    return created


def update_cluster(change: Change) -> Created:
    updated: Created = provisioners._ec_cluster_update(*_with_defaults(change))
    _set_groups(updated[0], change.new)
    return updated


def _set_groups(name: str, properties: Mapping[str, Any]) -> None:
    """ministack has no security groups of a cluster."""
    groups = [{"SecurityGroupId": each, "Status": "active"} for each in properties.get("VpcSecurityGroupIds") or ()]
    elasticache._clusters[name]["SecurityGroups"] = groups


def update_replication_group(change: Change) -> Created:
    return provisioners._ec_rg_update(*_with_defaults(change))


def _with_defaults(change: Change) -> Change:
    removed = {key: value for key, value in _DEFAULTS.items() if key in change.old and key not in change.new}
    return change._replace(new={**change.new, **removed})


def create_serverless(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    name = str(properties["ServerlessCacheName"]).lower()
    query = provisioners._ec_query(properties)
    provisioners._ec_call(elasticache._create_serverless_cache, query, _SERVERLESS, "create")
    record = elasticache._serverless_caches[name]
    record["Endpoint"] = {"Address": address(name, "serverless"), "Port": 6379}
    record["ReaderEndpoint"] = {**record["Endpoint"], "Port": 6380}
    return name, _attributes(name)


def update_serverless(change: Change) -> Created:
    new = _with_defaults(change).new
    changed = {key: value for key, value in new.items() if key != "Tags" and value != change.old.get(key)}
    query = provisioners._ec_query(changed)
    if "UserGroupId" in change.old and "UserGroupId" not in new:
        query["RemoveUserGroup"] = "true"
    if query:
        named = query | {"ServerlessCacheName": change.physical_id}
        provisioners._ec_call(elasticache._modify_serverless_cache, named, _SERVERLESS, "update")
    arn = elasticache._arn_serverless_cache(change.physical_id)
    provisioners._ec_sync_tags(arn, change.old, new, _SERVERLESS)
    return change.physical_id, _attributes(change.physical_id)


def delete_serverless(physical_id: str, properties: Mapping[str, Any]) -> None:
    if physical_id in elasticache._serverless_caches:
        query = {"ServerlessCacheName": physical_id}
        provisioners._ec_call(elasticache._delete_serverless_cache, query, _SERVERLESS, "delete")


def delete_subnet_group(physical_id: str, properties: Mapping[str, Any]) -> None:
    caches = [*elasticache._clusters.values(), *elasticache._replication_groups.values()]
    if any(each.get("CacheSubnetGroupName") == physical_id for each in caches):
        problem = f"Cache subnet group {physical_id} is currently in use by a cache cluster."
        raise ResourceFailed(problem, "GeneralServiceException")
    provisioners._ec_subnet_group_delete(physical_id, properties)


def _attributes(name: str) -> dict[str, Any]:
    record = elasticache._serverless_caches[name]
    return {
        "ARN": record["ARN"],
        "CreateTime": str(record["CreateTime"]),
        "FullEngineVersion": record["FullEngineVersion"],
        "Status": record["Status"],
        **{
            f"{endpoint}.{part}": str(record[endpoint][part])
            for endpoint in ("Endpoint", "ReaderEndpoint")
            for part in ("Address", "Port")
        },
    }


TYPES = (
    ResourceType("AWS::ElastiCache::CacheCluster", create_cluster, update_cluster, tagged=True),
    ResourceType("AWS::ElastiCache::ReplicationGroup", update=update_replication_group, tagged=True),
    ResourceType(_SERVERLESS, create_serverless, update_serverless, delete_serverless, tagged=True),
    ResourceType("AWS::ElastiCache::SubnetGroup", delete=delete_subnet_group, tagged=True),
    ResourceType("AWS::ElastiCache::ParameterGroup", tagged=True),
    ResourceType("AWS::ElastiCache::User", tagged=True),
    ResourceType("AWS::ElastiCache::UserGroup", tagged=True),
)
