"""Rules for every template, as functions that return a sentence for each violation."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from portside.config.image_reference import parse_reference
from portside.redact import holds_credential, looks_secret

Json = Mapping[str, Any]
Templates = Mapping[str, Json]

# Resources that cannot be restored after deletion.
_DATA = (
    "AWS::Backup::BackupVault",
    "AWS::DocDB::",
    "AWS::DynamoDB::",
    "AWS::ECR::Repository",
    "AWS::EFS::FileSystem",
    "AWS::KMS::Key",
    "AWS::RDS::",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
)
_NO_DATA = (
    "AWS::DocDB::EventSubscription",
    "AWS::RDS::EventSubscription",
    "AWS::S3::BucketPolicy",
    "AWS::SecretsManager::SecretTargetAttachment",
)
# Resources that others use by name or address, and CloudFormation can't keep without its stack.
_IDENTITY = (
    "AWS::EC2::EIP",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ServiceDiscovery::PrivateDnsNamespace",
)
_PROTECTABLE = ("AWS::DocDB::DBCluster", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance")
_KEPT = ("Retain", "RetainExceptOnCreate")
_LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
_PUBLIC_PORTS = (80, 443)
# Other ways for the internet into an account.
_OTHER_ENTRY_POINTS = (
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGatewayV2::Api",
    "AWS::AppRunner::Service",
    "AWS::CloudFront::Distribution",
    "AWS::EC2::EIPAssociation",
    "AWS::ElasticLoadBalancing::LoadBalancer",
    "AWS::Lambda::Url",
)


def deletable_state(templates: Templates, protected_stacks: Collection[str]) -> list[str]:
    """Stateful resources that would be deleted with their stack, or with one mistaken call."""
    found = []
    for stack, key, resource in resources(templates):
        kind, where = resource["Type"], place(stack, key, resource)
        if _contains_data(kind) and not _is_of_topics_alone(templates[stack], key, kind):
            found += [
                f"{where}: its {policy} keeps nothing, got {resource.get(policy)!r}"
                for policy in ("DeletionPolicy", "UpdateReplacePolicy")
                if resource.get(policy) not in _KEPT
            ]
        # An instance of a cluster is protected by the cluster.
        is_member = "DBClusterIdentifier" in properties(resource)
        if kind in _PROTECTABLE and not is_member and properties(resource).get("DeletionProtection") is not True:
            found.append(f"{where}: a database without protection from deletion")
        if kind == _LOAD_BALANCER and _attributes(resource).get("deletion_protection.enabled") != "true":
            found.append(f"{where}: a load balancer without protection from deletion")
    stateful = {
        stack
        for stack, key, each in resources(templates)
        if (_contains_data(each["Type"]) and not _is_of_topics_alone(templates[stack], key, each["Type"]))
        or each["Type"] in _IDENTITY
    }
    found += [
        f"{stack}: contains state without protection from termination" for stack in stateful - {*protected_stacks}
    ]
    return sorted(found)


def open_to_the_internet(templates: Templates) -> list[str]:
    """Whatever but the load balancer the internet gets to."""
    found = []
    for stack, key, resource in resources(templates):
        where, own = place(stack, key, resource), json.dumps(properties(resource))
        for rule in _ingress_rules(resource):
            if not _is_open(rule):
                continue
            if not _is_of_load_balancer(templates[stack], key, resource):
                found.append(f"{where}: lets the internet in, and is not the load balancer")
            elif not _is_public_port(rule):
                found.append(f"{where}: lets the internet in on other ports than {_PUBLIC_PORTS}")
        if resource["Type"] in _OTHER_ENTRY_POINTS:
            found.append(f"{where}: an entry point other than the load balancer")
        if resource["Type"] == "AWS::EC2::EIP" and not _is_of_nat_gateway(templates[stack], key):
            found.append(f"{where}: a public address that is no NAT gateway's")
        if resource["Type"] == "AWS::EC2::Instance" and "PublicSubnet" in own:
            found.append(f"{where}: a machine in a public subnet")
        if resource["Type"].endswith("::DBSubnetGroup") and "PublicSubnet" in own:
            found.append(f"{where}: a database in a public subnet")
        for name, value in leaves(properties(resource)):
            setting = name.rpartition(".")[2]
            if setting in ("PubliclyAccessible", "AssociatePublicIpAddress") and value not in (False, "false"):
                found.append(f"{where}: {setting} is on")
            if setting == "AssignPublicIp" and value != "DISABLED":
                found.append(f"{where}: its tasks have public addresses")
    return found


def _is_pinned(image: str) -> bool:
    reference = parse_reference(image)
    return bool(reference and reference.digest)


def mutable_images(templates: Templates) -> list[str]:
    """Images by anything that can be moved to another image."""
    return [
        f"{stack}: container {container['Name']}: not an image by digest, got {flat(container.get('Image'))!r}"
        for stack, _, resource in resources(templates, "AWS::ECS::TaskDefinition")
        for container in properties(resource)["ContainerDefinitions"]
        if not _is_pinned(flat(container.get("Image")))
    ]


def plain_secrets(templates: Templates) -> list[str]:
    """Secrets that are in a template, or that a template would show. Their values are not repeated."""
    found = []
    for stack, template in templates.items():
        for name, value in leaves(template):
            if isinstance(value, str) and holds_credential(value):
                found.append(f"{stack}: {name}: a credential in plain text")
        for key, parameter in template.get("Parameters", {}).items():
            if isinstance(default := parameter.get("Default"), str) and looks_secret(key, default):
                found.append(f"{stack}: parameter {key}: a secret as default value")
        for key, output in template.get("Outputs", {}).items():
            if _resolves_secret(output.get("Value")):
                found.append(f"{stack}: output {key}: shows a secret")
    for stack, key, resource in resources(templates):
        where = place(stack, key, resource)
        for name, value in _settings(properties(resource)):
            last = name.rpartition(".")[2]
            if _is_name_of_secret_value(last) and not flat(value).startswith(("{{resolve:", "<")):
                found.append(f"{where}: {name}: a literal where a reference to a secret belongs")
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            for container in properties(resource)["ContainerDefinitions"]:
                for variable in container.get("Environment", ()):
                    text = variable.get("Value")
                    if _resolves_secret(text) or (isinstance(text, str) and looks_secret(variable["Name"], text)):
                        found.append(
                            f"{stack}: container {container['Name']}: {variable['Name']} is a secret in plain text"
                        )
    return sorted(set(found))


def resources(templates: Templates, kind: str | None = None) -> Iterator[tuple[str, str, Json]]:
    for stack, template in templates.items():
        for key, resource in template.get("Resources", {}).items():
            if kind in (None, resource["Type"]):
                yield stack, key, resource


def place(stack: str, key: str, resource: Json) -> str:
    return f"{stack}: {key} ({resource['Type']})"


def properties(resource: Json) -> Json:
    found: Json = resource.get("Properties", {})
    return found


def _attributes(resource: Json) -> dict[str, str]:
    listed = properties(resource).get("LoadBalancerAttributes", ())
    return {each["Key"]: each["Value"] for each in listed}


def _contains_data(kind: str) -> bool:
    return kind.startswith(_DATA) and not kind.startswith(_NO_DATA)


def _is_of_topics_alone(template: Json, key: str, kind: str) -> bool:
    """Whether a key encrypts topics only: no stored data would be lost with it."""
    if kind != "AWS::KMS::Key":
        return False
    users = {
        each["Type"] for name, each in template["Resources"].items() if name != key and f'"{key}"' in json.dumps(each)
    }
    return users == {"AWS::SNS::Topic"}


def _ingress_rules(resource: Json) -> list[Json]:
    if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
        return [properties(resource)]
    if resource["Type"] == "AWS::EC2::SecurityGroup":
        return list(properties(resource).get("SecurityGroupIngress", ()))
    return []


def _is_open(rule: Json) -> bool:
    """Whether a rule allows addresses that are not private ones; what can't be read counts as such."""
    if "SourcePrefixListId" in rule:
        return True
    for family in ("CidrIp", "CidrIpv6"):
        if (addresses := rule.get(family)) is None:
            continue
        if not isinstance(addresses, str):
            return "CidrBlock" not in json.dumps(addresses)
        return not ipaddress.ip_network(addresses, strict=False).is_private
    return False


def _is_public_port(rule: Json) -> bool:
    return rule.get("FromPort") == rule.get("ToPort") and rule.get("FromPort") in _PUBLIC_PORTS


def _is_of_load_balancer(template: Json, key: str, resource: Json) -> bool:
    group = key if resource["Type"] == "AWS::EC2::SecurityGroup" else flat(properties(resource).get("GroupId"))
    return any(
        group.strip("<>").removesuffix(".GroupId") == flat(each).strip("<>").removesuffix(".GroupId")
        for balancer in template["Resources"].values()
        if balancer["Type"] == _LOAD_BALANCER
        for each in properties(balancer).get("SecurityGroups", ())
    )


def _is_of_nat_gateway(template: Json, key: str) -> bool:
    return any(
        flat(properties(gateway).get("AllocationId")) == f"<{key}.AllocationId>"
        for gateway in template["Resources"].values()
        if gateway["Type"] == "AWS::EC2::NatGateway"
    )


def _is_name_of_secret_value(name: str) -> bool:
    return name == "SecretString" or bool(re.search(r"(?i)(?<!exclude)(?<!require)(password|passphrase)$", name))


def _resolves_secret(value: object) -> bool:
    return "{{resolve:secretsmanager:" in flat(value) or "{{resolve:ssm-secure:" in flat(value)


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value in a structure, with the path to it."""
    return _walk(value, name, lambda each: isinstance(each, dict | list))


def _settings(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a structure, with the path to it; an intrinsic function is one value."""
    return _walk(value, name, lambda each: isinstance(each, dict | list) and not _is_computed(each))


def _walk(value: Any, name: str, goes_on: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    if not goes_on(value):
        yield name, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        yield from _walk(each, f"{name}.{key}" if name else str(key), goes_on)


def _is_computed(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def flat(value: Any) -> str:
    """A value that CloudFormation computes as one text, in cdk-nag's notation: <Ref>, <Resource.Attribute>."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        [(function, argument)] = value.items()
        if function == "Ref":
            return f"<{argument}>"
        if function == "Fn::GetAtt":
            return f"<{'.'.join(argument)}>" if isinstance(argument, list) else f"<{argument}>"
        if function == "Fn::Join":
            return str(argument[0]).join(map(flat, argument[1]))
        if function == "Fn::Sub" and isinstance(argument, str):
            return argument.replace("${", "<").replace("}", ">")
    return json.dumps(value, separators=(",", ":"))
