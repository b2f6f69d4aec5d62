"""The resources that a change of templates would replace or delete, if the templates show it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Resource = Mapping[str, Any]
Resources = Mapping[str, Resource]

# What holds state or an identity that others rely on, and the properties that can't be changed without a new one
# ("Update requires: Replacement"). From the resource types' schemas and
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
STATEFUL: Mapping[str, frozenset[str]] = {
    "AWS::DocDB::DBCluster": frozenset(
        {
            *("AvailabilityZones", "DBClusterIdentifier", "DBSubnetGroupName", "KmsKeyId", "MasterUsername"),
            *("SnapshotIdentifier", "SourceDBClusterIdentifier", "StorageEncrypted"),
        }
    ),
    "AWS::DocDB::DBClusterParameterGroup": frozenset({"Description", "Family", "Name"}),
    "AWS::DocDB::DBInstance": frozenset({"AvailabilityZone", "DBClusterIdentifier", "DBInstanceIdentifier"}),
    "AWS::DocDB::DBSubnetGroup": frozenset({"DBSubnetGroupName"}),
    "AWS::RDS::DBCluster": frozenset(
        {
            *("AvailabilityZones", "ClusterScalabilityType", "DBClusterIdentifier", "DBSubnetGroupName", "DBSystemId"),
            *(
                "DatabaseName",
                "Engine",
                "EngineMode",
                "KmsKeyId",
                "MasterUsername",
                "PubliclyAccessible",
                "RestoreToTime",
                "RestoreType",
            ),
            *("SnapshotIdentifier", "SourceDBClusterIdentifier", "SourceDbClusterResourceId", "SourceRegion"),
            *("StorageEncrypted", "UseLatestRestorableTime"),
        }
    ),
    "AWS::RDS::DBClusterParameterGroup": frozenset({"DBClusterParameterGroupName", "Description", "Family"}),
    "AWS::RDS::DBInstance": frozenset(
        {
            *("CharacterSetName", "CustomIAMInstanceProfile", "DBClusterIdentifier", "DBInstanceIdentifier", "DBName"),
            *("DBSnapshotIdentifier", "DBSubnetGroupName", "KmsKeyId", "MasterUsername", "NcharCharacterSetName"),
            *("RestoreTime", "SourceDBInstanceIdentifier", "SourceRegion", "StorageEncrypted", "Timezone"),
            *("AvailabilityZone", "BackupTarget", "DBClusterSnapshotIdentifier", "DBSystemId", "Engine"),
            *("PerformanceInsightsKMSKeyId", "SourceDBClusterIdentifier", "SourceDBInstanceAutomatedBackupsArn"),
            *("SourceDbiResourceId", "UseLatestRestorableTime"),
        }
    ),
    "AWS::RDS::DBParameterGroup": frozenset({"DBParameterGroupName", "Description", "Family"}),
    "AWS::RDS::DBSubnetGroup": frozenset({"DBSubnetGroupName"}),
    "AWS::DynamoDB::Table": frozenset({"ImportSourceSpecification", "KeySchema", "TableName"}),
    "AWS::EC2::EIP": frozenset({"Address", "IpamPoolId", "NetworkBorderGroup", "TransferAddress"}),
    "AWS::EC2::Instance": frozenset(
        {
            *("AvailabilityZone", "CpuOptions", "EnclaveOptions", "HibernationOptions", "HostResourceGroupArn"),
            *("ImageId", "Ipv6AddressCount", "Ipv6Addresses", "KeyName", "LaunchTemplate", "LicenseSpecifications"),
            *("NetworkInterfaces", "PlacementGroupName", "PrivateIpAddress", "SecurityGroups", "SubnetId"),
        }
    ),
    "AWS::EC2::InternetGateway": frozenset(),
    "AWS::EC2::NatGateway": frozenset(
        {
            *("AllocationId", "AvailabilityMode", "ConnectivityType", "PrivateIpAddress", "SubnetId", "VpcId"),
        }
    ),
    "AWS::EC2::Subnet": frozenset(
        {
            *("AvailabilityZone", "AvailabilityZoneId", "CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength"),
            *("Ipv6IpamPoolId", "Ipv6Native", "Ipv6NetmaskLength", "OutpostArn", "VpcId"),
        }
    ),
    "AWS::EC2::VPC": frozenset(
        {"CidrBlock", "InstanceTenancy", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "VpcEncryptionControl"}
    ),
    "AWS::EFS::FileSystem": frozenset({"AvailabilityZoneName", "Encrypted", "KmsKeyId", "PerformanceMode"}),
    "AWS::ElastiCache::CacheCluster": frozenset(
        {
            *("CacheSubnetGroupName", "ClusterName", "Engine", "NetworkType", "Port", "PreferredAvailabilityZones"),
            *("SnapshotArns", "SnapshotName"),
        }
    ),
    "AWS::ElastiCache::ReplicationGroup": frozenset(
        {
            *("AtRestEncryptionEnabled", "CacheSubnetGroupName", "DataTieringEnabled", "GlobalReplicationGroupId"),
            *("KmsKeyId", "NetworkType", "Port", "PreferredCacheClusterAZs", "ReplicationGroupId", "SnapshotArns"),
            "SnapshotName",
        }
    ),
    "AWS::ElastiCache::ServerlessCache": frozenset(
        {
            *("ConnectionType", "KmsKeyId", "NetworkType", "ServerlessCacheName", "SnapshotArnsToRestore"),
            "SubnetIds",
        }
    ),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": frozenset({"Name", "Scheme", "Type"}),
    "AWS::Logs::LogGroup": frozenset({"LogGroupName"}),
    "AWS::S3::Bucket": frozenset({"BucketName", "BucketNamePrefix", "BucketNamespace"}),
    "AWS::SQS::Queue": frozenset({"FifoQueue", "QueueName"}),
    "AWS::SecretsManager::Secret": frozenset({"Name"}),
    "AWS::ServiceDiscovery::PrivateDnsNamespace": frozenset({"Name", "Vpc"}),
}
# Can be created again without data loss, but not without an interruption.
_OTHERS: Mapping[str, frozenset[str]] = {
    "AWS::SNS::Topic": frozenset({"FifoTopic", "TopicName"}),
    "AWS::EC2::SecurityGroup": frozenset({"GroupDescription", "GroupName", "VpcId"}),
    "AWS::ECS::Cluster": frozenset({"ClusterName"}),
    "AWS::ECS::Service": frozenset({"Cluster", "LaunchType", "Role", "SchedulingStrategy", "ServiceName"}),
    "AWS::ElasticLoadBalancingV2::Listener": frozenset({"LoadBalancerArn"}),
    "AWS::ElasticLoadBalancingV2::TargetGroup": frozenset(
        {"IpAddressType", "Name", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId"}
    ),
}
# Replacing these interrupts traffic, or is rejected: why.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb.html
_INTERRUPTING: Mapping[str, str] = {
    "AWS::ECS::Cluster": "all its services move to the new one",
    "AWS::ECS::Service": "callers lose it until the new one's tasks are healthy",
    "AWS::ElasticLoadBalancingV2::Listener": "its port of the load balancer is in use until the old one is deleted",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "the load balancer has no target until new tasks are healthy",
}
# A new password is generated when its settings change, and those with the old one are not notified:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
_REGENERATING: Mapping[str, frozenset[str]] = {"AWS::SecretsManager::Secret": frozenset({"GenerateSecretString"})}

REPLACED, DELETED, REGENERATED = "replaced", "deleted", "given a new value"


@dataclass(frozen=True)
class Values:
    """The current values that stacks read from each other: exports by name, outputs by stack and name."""

    exports: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(frozen=True)
class Loss:
    """A resource that would not be the same any more, and whether that is certain; the old one may be kept."""

    logical_id: str
    kind: str
    what: str
    why: str = ""
    is_kept: bool = False
    is_certain: bool = True
    is_renamed: bool = False
    """Whether it is deleted and another one of its type is new."""

    @property
    def is_stateful(self) -> bool:
        """Whether more is lost than time."""
        return self.kind in STATEFUL

    @property
    def interruption(self) -> str:
        """The interruption and its reason, or empty."""
        return _INTERRUPTING.get(self.kind, "") if self.what == REPLACED or self.is_renamed else ""

    @property
    def sentence(self) -> str:
        """The effect, for a message after its name."""
        may = "would be" if self.is_certain else "may be"
        why = f": {self.why}" if self.why else ""
        kept = ", and the old one stays in the account" if self.is_kept else ""
        return f"{self.kind} {may} {self.what}{why}{kept}"


def losses(before: Resources, after: Resources, values: Values) -> list[Loss]:
    """The losses of a stack between two templates. Resources that refer to replaced ones can be replaced too."""
    new_types = {str(each["Type"]) for name, each in after.items() if name not in before}
    found = {name: _deletion(name, each, new_types) for name, each in before.items() if name not in after}
    common = [name for name in before if name in after]
    while True:
        replaced = {name for name, loss in found.items() if loss.what != REGENERATED and loss.is_certain}
        new = {
            name: loss
            for name in common
            if name not in found and (loss := _change(name, before[name], after[name], values, replaced))
        }
        if not new:
            return list(found.values())
        found |= new


def _deletion(name: str, resource: Resource, new_types: Container[str]) -> Loss:
    kind = str(resource["Type"])
    return Loss(name, kind, DELETED, is_kept=_stays(resource, "DeletionPolicy"), is_renamed=kind in new_types)


def _stays(resource: Resource, policy: str) -> bool:
    return str(resource.get(policy, "Delete")).startswith("Retain")


def _change(name: str, before: Resource, after: Resource, values: Values, replaced: set[str]) -> Loss | None:
    kind = str(before["Type"])
    if after["Type"] != kind:
        return Loss(name, kind, REPLACED, f"it becomes {after['Type']}, which CloudFormation refuses")
    old, new = before.get("Properties", {}), after.get("Properties", {})
    kept = _stays(after, "UpdateReplacePolicy")
    doubtful = None
    for key in sorted(STATEFUL.get(kind, _OTHERS.get(kind, frozenset()))):
        if replaced.intersection(_local_references(new.get(key))):
            names = ", ".join(sorted(replaced.intersection(_local_references(new.get(key)))))
            return Loss(name, kind, REPLACED, f"its {key} is of {names}", kept)
        match _differ(resolved(old.get(key), values), resolved(new.get(key), values)):
            case True:
                return Loss(name, kind, REPLACED, f"its {key} changes", kept)
            case None:
                why = f"its {key} is written otherwise, and what it comes to is known only later"
                doubtful = doubtful or Loss(name, kind, REPLACED, why, kept, is_certain=False)
    for key in sorted(_REGENERATING.get(kind, frozenset())):
        if resolved(old.get(key), values) != resolved(new.get(key), values):
            return Loss(name, kind, REGENERATED, f"its {key} changes")
    return doubtful


def resolved(node: Any, values: Values) -> Any:
    """A property with what stacks read from each other filled in, and numbers and flags as text."""
    if isinstance(node, Mapping):
        match dict(node):
            case {"Fn::ImportValue": str(name)} if name in values.exports:
                return values.exports[name]
            case {"Fn::GetStackOutput": {"StackName": stack, "OutputName": output}}:
                return values.outputs.get((str(stack), str(output)), dict(node))
            case {"Fn::Join": [str(glue), list(parts)]}:
                found = [resolved(part, values) for part in parts]
                return glue.join(found) if all(isinstance(each, str) for each in found) else {"Fn::Join": [glue, found]}
        return {key: resolved(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [resolved(each, values) for each in node]
    if isinstance(node, bool):
        return str(node).lower()
    return node if node is None else str(node)


def _differ(before: Any, after: Any) -> bool | None:
    """Whether two resolved properties have different values; None if unknown."""
    if before == after:
        return False
    references = [_reference(before), _reference(after)]
    if all(references):
        return True
    return None if _is_open(before) or _is_open(after) else True


def _reference(node: Any) -> str | None:
    """The resource of the same template that a property is."""
    match node:
        case {"Ref": str(name)} if not name.startswith("AWS::"):
            return name
        case {"Fn::GetAtt": [str(name), *_]}:
            return name
    return None


def _is_open(node: Any) -> bool:
    """Whether something in a property is known to CloudFormation only."""
    if isinstance(node, Mapping):
        return any(key == "Ref" or key.startswith("Fn::") or _is_open(value) for key, value in node.items())
    return isinstance(node, list) and any(_is_open(each) for each in node)


def _local_references(node: Any) -> Iterator[str]:
    name = _reference(node)
    if name is not None:
        yield name
    elif isinstance(node, Mapping | list):
        children: Sequence[Any] = list(node.values()) if isinstance(node, Mapping) else node
        for child in children:
            yield from _local_references(child)
