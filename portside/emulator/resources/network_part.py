"""AWS::EC2::VPC, ::Subnet and ::SecurityGroup. ministack deletes the latter two even if they are in use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from portside.emulator.ministack_modules import alb, documentdb, ec2, ecs, efs, elasticache, provisioners, rds
from portside.emulator.resources import ResourceType
from portside.emulator.resources.failure import ResourceFailed


def _services() -> Iterator[tuple[str, dict[str, Any]]]:
    for service in ecs._services.values():
        if service["status"] == "ACTIVE":
            yield (
                f"service {service['serviceName']}",
                (service.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {},
            )


def subnet_users(subnet_id: str) -> list[str]:
    """The resources with a network interface in the subnet."""
    users = [
        f"NAT gateway {identifier}"
        for identifier, each in ec2._nat_gateways.items()
        if each["SubnetId"] == subnet_id and each["State"] != "deleted"
    ]
    users += [f"instance {identifier}" for identifier, each in ec2._instances.items() if each["SubnetId"] == subnet_id]
    users += [f"load balancer {each['LoadBalancerName']}" for each in alb._lbs.values() if subnet_id in each["Subnets"]]
    users += [name for name, network in _services() if subnet_id in network.get("subnets", [])]
    return users + [name for name, _, subnets in _interfaces() if subnet_id in subnets]


def security_group_users(group_id: str) -> list[str]:
    """The resources with the group, and the groups with a rule that refers to it."""
    users = [
        f"load balancer {each['LoadBalancerName']}" for each in alb._lbs.values() if group_id in each["SecurityGroups"]
    ]
    users += [name for name, network in _services() if group_id in network.get("securityGroups", [])]
    users += [
        f"instance {identifier}"
        for identifier, each in ec2._instances.items()
        if group_id in {own["GroupId"] for own in each["SecurityGroups"]}
    ]
    users += [name for name, groups, _ in _interfaces() if group_id in groups]
    users += [
        f"security group {identifier}"
        for identifier, each in ec2._security_groups.items()
        if identifier != group_id
        for rule in (*each.get("IpPermissions", []), *each.get("IpPermissionsEgress", []))
        if group_id in {pair.get("GroupId") for pair in rule.get("UserIdGroupPairs", [])}
    ]
    return users


def _interfaces() -> Iterator[tuple[str, set[str], set[str]]]:
    """Databases, caches, mount targets and endpoints, each with its security groups and subnets."""
    for each in ec2._vpc_endpoints.values():
        name = f"VPC endpoint {each['VpcEndpointId']}"
        yield name, set(each.get("SecurityGroupIds") or ()), set(each.get("SubnetIds") or ())
    for each in efs._mount_targets.values():
        yield f"mount target {each['MountTargetId']}", set(each.get("SecurityGroups") or ()), {each["SubnetId"]}
    for each in elasticache._serverless_caches.values():
        yield f"cache {each['ServerlessCacheName']}", set(each["SecurityGroupIds"]), set(each["SubnetIds"])
    caches = [*elasticache._replication_groups.values(), *elasticache._clusters.values()]
    for each in caches:
        name = f"cache {each.get('CacheClusterId') or each.get('ReplicationGroupId')}"
        group = elasticache._subnet_groups.get(each.get("CacheSubnetGroupName")) or {}
        yield name, _ids(each.get("SecurityGroups"), "SecurityGroupId"), _ids(group.get("Subnets"), "SubnetIdentifier")
    for module in (documentdb, rds):
        for each in module._clusters.values():
            groups = _ids(each["VpcSecurityGroups"], "VpcSecurityGroupId")
            yield f"database cluster {each['DBClusterIdentifier']}", groups, set()
        for each in module._instances.values():
            cluster = module._clusters.get(each.get("DBClusterIdentifier") or "") or each
            named = cluster.get("DBSubnetGroup") or ""
            group = named if isinstance(named, dict) else rds._subnet_groups.get(named) or {}
            subnets = _ids(group.get("Subnets"), "SubnetIdentifier")
            groups = _ids(each.get("VpcSecurityGroups"), "VpcSecurityGroupId")
            yield f"database instance {each['DBInstanceIdentifier']}", groups, subnets


def _ids(items: Iterable[Mapping[str, Any]] | None, key: str) -> set[str]:
    return {str(each[key]) for each in items or () if each.get(key)}


def delete_vpc(physical_id: str, properties: Mapping[str, Any]) -> None:
    try:
        provisioners._ec2_vpc_delete(physical_id, properties)
    except ValueError as error:
        message = f"The vpc '{physical_id}' has dependencies and cannot be deleted."
        raise ResourceFailed(message, "GeneralServiceException") from error


def delete_subnet(physical_id: str, properties: Mapping[str, Any]) -> None:
    if physical_id in ec2._subnets and subnet_users(physical_id):
        raise ResourceFailed(f"The subnet '{physical_id}' has dependencies and cannot be deleted.")
    provisioners._ec2_subnet_delete(physical_id, properties)


def delete_security_group(physical_id: str, properties: Mapping[str, Any]) -> None:
    if physical_id in ec2._security_groups and security_group_users(physical_id):
        raise ResourceFailed(f"resource {physical_id} has a dependent object")
    provisioners._ec2_sg_delete(physical_id, properties)


TYPES = (
    ResourceType("AWS::EC2::VPC", delete=delete_vpc),
    ResourceType("AWS::EC2::Subnet", delete=delete_subnet),
    ResourceType("AWS::EC2::SecurityGroup", delete=delete_security_group),
)
