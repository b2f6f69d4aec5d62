"""AWS::EC2::VPC, ::Subnet and ::SecurityGroup. ministack deletes the latter two even if they are in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portside.emulator.ministack_modules import alb, documentdb, ec2, ecs, provisioners, rds
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
    users += [
        f"VPC endpoint {identifier}"
        for identifier, each in ec2._vpc_endpoints.items()
        if subnet_id in each.get("SubnetIds", [])
    ]
    users += [f"load balancer {each['LoadBalancerName']}" for each in alb._lbs.values() if subnet_id in each["Subnets"]]
    users += [name for name, network in _services() if subnet_id in network.get("subnets", [])]
    for instance in documentdb._instances.values():
        cluster = documentdb._clusters.get(instance.get("DBClusterIdentifier", "")) or {}
        group = rds._subnet_groups.get(cluster.get("DBSubnetGroup", "")) or {}
        if subnet_id in {each.get("SubnetIdentifier") for each in group.get("Subnets", [])}:
            users.append(f"database instance {instance['DBInstanceIdentifier']}")
    return users


def security_group_users(group_id: str) -> list[str]:
    """The resources with the group, and the groups with a rule that refers to it."""
    users = [
        f"load balancer {each['LoadBalancerName']}" for each in alb._lbs.values() if group_id in each["SecurityGroups"]
    ]
    users += [name for name, network in _services() if group_id in network.get("securityGroups", [])]
    users += [
        f"database cluster {identifier}"
        for identifier, each in documentdb._clusters.items()
        if group_id in {own["VpcSecurityGroupId"] for own in each["VpcSecurityGroups"]}
    ]
    users += [
        f"instance {identifier}"
        for identifier, each in ec2._instances.items()
        if group_id in {own["GroupId"] for own in each["SecurityGroups"]}
    ]
    users += [
        f"security group {identifier}"
        for identifier, each in ec2._security_groups.items()
        if identifier != group_id
        for rule in (*each.get("IpPermissions", []), *each.get("IpPermissionsEgress", []))
        if group_id in {pair.get("GroupId") for pair in rule.get("UserIdGroupPairs", [])}
    ]
    return users


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
