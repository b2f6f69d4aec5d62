"""AWS::EC2::Instance: a record without a running machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from portside.emulator.ministack_modules import ec2, iam, provisioners
from portside.emulator.resources import Change, Created, ResourceType, again
from portside.emulator.resources.failure import ResourceFailed


def _created(instance: Mapping[str, Any]) -> Created:
    return instance["InstanceId"], {
        "InstanceId": instance["InstanceId"],
        "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
        "PrivateDnsName": instance["PrivateDnsName"],
        "PrivateIp": instance["PrivateIpAddress"],
        "PublicDnsName": instance["PublicDnsName"] if instance["PublicIpAddress"] else "",
        "PublicIp": instance["PublicIpAddress"] or "",
        "VpcId": instance["VpcId"],
    }


def _profile(name: str) -> dict[str, Any]:
    profile = iam._instance_profiles.get(name)
    if not profile:
        message = f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
        raise ResourceFailed(message, "InvalidRequest")
    return {"Arn": profile["Arn"], "Id": profile.get("InstanceProfileId", "")}


def create(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Created:
    interface = (properties.get("NetworkInterfaces") or [{}])[0]
    subnet_id = properties.get("SubnetId") or interface.get("SubnetId", "")
    subnet = ec2._subnets.get(subnet_id)
    if not subnet:
        raise ResourceFailed(f"The subnet ID '{subnet_id}' does not exist", "NotFound")
    in_use = {each.get("PrivateIpAddress") for each in ec2._instances.values()}
    hosts = list(ipaddress.ip_network(subnet["CidrBlock"]))[4:-1]
    address = next((str(each) for each in reversed(hosts) if str(each) not in in_use), str(hosts[-1]))
    profile = properties.get("IamInstanceProfile")
    (instance,) = ec2._launch_instances_internal(
        properties.get("ImageId", ""),
        properties.get("InstanceType", "m1.small"),
        subnet_id,
        1,
        key_name=properties.get("KeyName", ""),
        user_data=properties.get("UserData", ""),
        sg_ids=list(properties.get("SecurityGroupIds") or interface.get("GroupSet") or []),
        requested_private_ip=properties.get("PrivateIpAddress") or address,
        iam_profile=_profile(profile) if profile else None,
    )
    instance["Placement"]["AvailabilityZone"] = subnet["AvailabilityZone"]
    public = interface.get("AssociatePublicIpAddress", subnet.get("MapPublicIpOnLaunch"))
    if str(public).lower() != "true":
        instance["PublicIpAddress"] = None
    provisioners._ec2_apply_tags(instance["InstanceId"], properties)
    return _created(instance)


def update(change: Change) -> Created:
    instance, new = ec2._instances.get(change.physical_id), change.new
    if instance is None:
        return again(create)(change)
    instance["InstanceType"] = new.get("InstanceType", "m1.small")
    instance["UserData"] = new.get("UserData", "")
    instance["SecurityGroups"] = [
        {"GroupId": group, "GroupName": ec2._security_groups.get(group, {}).get("GroupName", group)}
        for group in new.get("SecurityGroupIds") or []
    ] or instance["SecurityGroups"]
    provisioners._ec2_apply_tags(change.physical_id, new, change.old)
    return _created(instance)


def delete(physical_id: str, properties: Mapping[str, Any]) -> None:
    """Deleted at once, with its root volume; AWS shows it as terminated for an hour."""
    instance = ec2._instances.pop(physical_id, None)
    ec2._tags.pop(physical_id, None)
    for mapping in (instance or {}).get("BlockDeviceMappings", []):
        ec2._volumes.pop(mapping["Ebs"]["VolumeId"], None)
    for identifier, association in list(ec2._iam_instance_profile_associations.items()):
        if association.get("InstanceId") == physical_id:
            ec2._iam_instance_profile_associations.pop(identifier, None)


TYPES = (ResourceType("AWS::EC2::Instance", create, update, delete, tagged=True),)
