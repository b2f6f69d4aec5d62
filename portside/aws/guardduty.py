"""The endpoints and security groups that GuardDuty adds to a VPC, which block the deletion of the VPC.

https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-agent-resource-clean-up.html
"""

from __future__ import annotations

from typing import Any

_ENDPOINT_SUFFIX = ".guardduty-data"
_GROUP_PREFIX = "GuardDutyManagedSecurityGroup"


def endpoints_of(ec2: Any, vpc_id: str) -> list[str]:
    """The ids of GuardDuty's endpoints in a network."""
    found = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["VpcEndpoints"]
    return [each["VpcEndpointId"] for each in found if each["ServiceName"].endswith(_ENDPOINT_SUFFIX)]


def groups_of(ec2: Any, vpc_id: str) -> list[str]:
    """The ids of the security groups that GuardDuty made for its endpoints in a network."""
    found = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["SecurityGroups"]
    return [each["GroupId"] for each in found if each["GroupName"].startswith(_GROUP_PREFIX)]


def delete_endpoints(ec2: Any, vpc_id: str) -> list[str]:
    """Ask for the deletion of GuardDuty's endpoints in a network; AWS takes a minute or two for it."""
    endpoints = endpoints_of(ec2, vpc_id)
    if endpoints:
        ec2.delete_vpc_endpoints(VpcEndpointIds=endpoints)
    return endpoints


def delete_groups(ec2: Any, vpc_id: str) -> None:
    """Delete GuardDuty's groups in a network, once its endpoints are deleted."""
    for group in groups_of(ec2, vpc_id):
        ec2.delete_security_group(GroupId=group)
