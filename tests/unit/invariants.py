"""Rules for every template and workflow, as functions that say in sentences where it does not."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
    "AWS::ElastiCache::",
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
_DIGEST = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}")
_PINNED_ACTION = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_REASON_WORDS = 5


@dataclass(frozen=True)
class Acknowledgment:
    """A finding of cdk-nag that was accepted: on which construct, by which id, and why."""

    at: str
    id: str
    reason: str


def deletable_state(templates: Templates, protected_stacks: Collection[str]) -> list[str]:
    """Stateful resources that would be deleted with their stack, or with one mistaken call."""
    found = []
    for stack, key, resource in _resources(templates):
        kind, where = resource["Type"], _where(stack, key, resource)
        if _holds_data(kind) and not _is_of_topics_alone(templates[stack], key, kind):
            found += [
                f"{where}: its {policy} keeps nothing, got {resource.get(policy)!r}"
                for policy in ("DeletionPolicy", "UpdateReplacePolicy")
                if resource.get(policy) not in _KEPT
            ]
        if kind in _PROTECTABLE and _properties(resource).get("DeletionProtection") is not True:
            found.append(f"{where}: a database without protection from deletion")
        if kind == _LOAD_BALANCER and _attributes(resource).get("deletion_protection.enabled") != "true":
            found.append(f"{where}: a load balancer without protection from deletion")
    stateful = {
        stack
        for stack, key, each in _resources(templates)
        if (_holds_data(each["Type"]) and not _is_of_topics_alone(templates[stack], key, each["Type"]))
        or _is_identity(each)
    }
    found += [f"{stack}: holds state without protection from termination" for stack in stateful - {*protected_stacks}]
    return sorted(found)


def open_to_the_internet(templates: Templates) -> list[str]:
    """Whatever but the load balancer the internet gets to."""
    found = []
    for stack, key, resource in _resources(templates):
        where, properties = _where(stack, key, resource), _properties(resource)
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
        if resource["Type"] == "AWS::EC2::Instance" and "PublicSubnet" in json.dumps(properties):
            found.append(f"{where}: a machine in a public subnet")
        if resource["Type"].endswith("::DBSubnetGroup") and "PublicSubnet" in json.dumps(properties):
            found.append(f"{where}: a database in a public subnet")
        for name, value in _leaves(properties):
            setting = name.rpartition(".")[2]
            if setting in ("PubliclyAccessible", "AssociatePublicIpAddress") and value not in (False, "false"):
                found.append(f"{where}: {setting} is on")
            if setting == "AssignPublicIp" and value != "DISABLED":
                found.append(f"{where}: its tasks have public addresses")
    return found


def containers_unwatched(templates: Templates, without_check: Mapping[str, str]) -> list[str]:
    """Containers without a health check, limits or a log that is kept for a set time.

    `without_check` has the reasons of those that have no health check, by name.
    """
    found = []
    for stack, key, resource in _resources(templates, "AWS::ECS::TaskDefinition"):
        task = _properties(resource)
        found += [
            f"{_where(stack, key, resource)}: a task without {limit}"
            for limit in ("Cpu", "Memory")
            if not task.get(limit)
        ]
        for container in task["ContainerDefinitions"]:
            where = f"{stack}: container {container['Name']}"
            if not container.get("HealthCheck") and not is_reason(without_check.get(container["Name"], "")):
                found.append(f"{where}: no health check, and no reason for it")
            if not (container.get("Memory") or container.get("MemoryReservation")):
                found.append(f"{where}: no memory reservation")
            if container.get("Privileged"):
                found.append(f"{where}: privileged")
            found += _unkept_log(where, container.get("LogConfiguration"), templates[stack])
    for stack, key, resource in _resources(templates, "AWS::ECS::Service"):
        connect = _properties(resource).get("ServiceConnectConfiguration")
        if connect and connect.get("Enabled", True):
            where = f"{_where(stack, key, resource)}: its Service Connect proxy"
            found += _unkept_log(where, connect.get("LogConfiguration"), templates[stack])
    return found


def mutable_images(templates: Templates) -> list[str]:
    """Images by anything that can be moved to another image."""
    return [
        f"{stack}: container {container['Name']}: not an image by digest, got {_flat(container.get('Image'))!r}"
        for stack, _, resource in _resources(templates, "AWS::ECS::TaskDefinition")
        for container in _properties(resource)["ContainerDefinitions"]
        if not _DIGEST.fullmatch(_flat(container.get("Image")))
    ]


def plain_secrets(templates: Templates) -> list[str]:
    """Secrets that are in a template, or that a template would show. Their values are not repeated."""
    found = []
    for stack, template in templates.items():
        for name, value in _leaves(template):
            if isinstance(value, str) and holds_credential(value):
                found.append(f"{stack}: {name}: a credential in plain text")
        for key, parameter in template.get("Parameters", {}).items():
            if isinstance(default := parameter.get("Default"), str) and looks_secret(key, default):
                found.append(f"{stack}: parameter {key}: a secret as default value")
        for key, output in template.get("Outputs", {}).items():
            if _resolves_secret(output.get("Value")):
                found.append(f"{stack}: output {key}: shows a secret")
    for stack, key, resource in _resources(templates):
        where = _where(stack, key, resource)
        for name, value in _settings(_properties(resource)):
            last = name.rpartition(".")[2]
            if _is_name_of_secret_value(last) and not _flat(value).startswith(("{{resolve:", "<")):
                found.append(f"{where}: {name}: a literal where a reference to a secret belongs")
        if resource["Type"] == "AWS::ECS::TaskDefinition":
            for container in _properties(resource)["ContainerDefinitions"]:
                for variable in container.get("Environment", ()):
                    text = variable.get("Value")
                    if _resolves_secret(text) or (isinstance(text, str) and looks_secret(variable["Name"], text)):
                        found.append(
                            f"{stack}: container {container['Name']}: {variable['Name']} is a secret in plain text"
                        )
    return sorted(set(found))


def unexplained_wildcards(templates: Templates, acknowledgments: Iterable[Acknowledgment] = ()) -> list[str]:
    """Rights on everything, or of everyone, that no one has given a reason for on the same role or policy.

    The reason is cdk-nag's: `AwsSolutions-IAM5[Action::…]` or `[Resource::…]`, acknowledged where the policy is made.
    """
    accepted = {(each.at, each.id.rpartition("AwsSolutions-IAM5")[2]) for each in acknowledgments}
    found = []
    for stack, key, resource in _resources(templates):
        where, path = _where(stack, key, resource), str(resource.get("Metadata", {}).get("aws:cdk:path", ""))
        for statement in _statements(resource):
            if statement.get("Effect") != "Allow":
                continue
            if "NotAction" in statement or "NotResource" in statement or "NotPrincipal" in statement:
                found.append(f"{where}: allows everything except the named actions")
            if "Principal" in statement:
                if "*" in _flat(statement["Principal"]) and not statement.get("Condition"):
                    found.append(f"{where}: allows everyone")
                continue
            wide = [f"[Action::{each}]" for each in map(_flat, _listed(statement.get("Action"))) if "*" in each]
            wide += [f"[Resource::{each}]" for each in map(_flat, _listed(statement.get("Resource"))) if "*" in each]
            found += [
                f"{where}: {each[1:-1]} in a right without a reason"
                for each in wide
                if not any((at, each) in accepted for at in _itself_and_above(path))
            ]
    return found


def unpinned_actions(workflows: Mapping[str, Json]) -> list[str]:
    """Actions, reusable workflows and images of others that are not pinned by commit or digest."""
    found = []
    for file, workflow in workflows.items():
        for name, value in _leaves(workflow):
            last = name.rpartition(".")[2]
            if last == "uses" and not _is_pinned(value):
                found.append(f"{file}: {name}: not pinned by commit, got {value!r}")
            if last in ("image", "container") and isinstance(value, str) and "@sha256:" not in value:
                found.append(f"{file}: {name}: not pinned by digest, got {value!r}")
    return found


def unsound_acknowledgments(
    acknowledgments: Collection[Acknowledgment], findings: Mapping[tuple[str, str], Collection[str]]
) -> list[str]:
    """Acknowledgments that have no reason, cover too much, or outlived what they were for.

    `findings` has the resources that each acknowledgment, by its construct and id, is for.
    """
    found = []
    for each in acknowledgments:
        where = f"{each.at or 'the app'}: {each.id}"
        resources = findings.get((each.at, each.id), ())
        if not re.fullmatch(r"AwsSolutions::AwsSolutions-[A-Z]+\d+(\[.+\])?", each.id):
            found.append(f"{where}: not a rule of AwsSolutions by its full name, without which there is no record")
        if "/" not in each.at:
            found.append(f"{where}: on a whole stack or app instead of a resource")
        if not is_reason(each.reason):
            found.append(f"{where}: no reason that a reviewer could judge, got {each.reason!r}")
        if not resources:
            found.append(f"{where}: nothing is found there any more")
        elif len(resources) > 1:
            found.append(f"{where}: covers {len(resources)} resources, not one")
    for reason in {each.reason for each in acknowledgments}:
        rules = {each.id.partition("[")[0] for each in acknowledgments if each.reason == reason}
        if len(rules) > 1:
            found.append(f"{', '.join(sorted(rules))}: one text for different rules, {reason!r}")
    return sorted(found)


def is_reason(text: str) -> bool:
    """Whether a text gives a reason, judged by its length: five words in addition to "false positive"."""
    return len(re.sub(r"(?i)\bfalse[ -]positives?\b", "", text).split()) >= _REASON_WORDS


def _resources(templates: Templates, kind: str | None = None) -> Iterator[tuple[str, str, Json]]:
    for stack, template in templates.items():
        for key, resource in template.get("Resources", {}).items():
            if kind in (None, resource["Type"]):
                yield stack, key, resource


def _where(stack: str, key: str, resource: Json) -> str:
    return f"{stack}: {key} ({resource['Type']})"


def _properties(resource: Json) -> Json:
    properties: Json = resource.get("Properties", {})
    return properties


def _attributes(resource: Json) -> dict[str, str]:
    listed = _properties(resource).get("LoadBalancerAttributes", ())
    return {each["Key"]: each["Value"] for each in listed}


def _holds_data(kind: str) -> bool:
    return kind.startswith(_DATA) and not kind.startswith(_NO_DATA)


def _is_of_topics_alone(template: Json, key: str, kind: str) -> bool:
    """Whether a key encrypts topics only: no stored data would be lost with it."""
    if kind != "AWS::KMS::Key":
        return False
    users = {
        each["Type"] for name, each in template["Resources"].items() if name != key and f'"{key}"' in json.dumps(each)
    }
    return users == {"AWS::SNS::Topic"}


def _is_identity(resource: Json) -> bool:
    return resource["Type"] in _IDENTITY


def _ingress_rules(resource: Json) -> list[Json]:
    if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
        return [_properties(resource)]
    if resource["Type"] == "AWS::EC2::SecurityGroup":
        return list(_properties(resource).get("SecurityGroupIngress", ()))
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
    group = key if resource["Type"] == "AWS::EC2::SecurityGroup" else _flat(_properties(resource).get("GroupId"))
    return any(
        group.strip("<>").removesuffix(".GroupId") == _flat(each).strip("<>").removesuffix(".GroupId")
        for balancer in template["Resources"].values()
        if balancer["Type"] == _LOAD_BALANCER
        for each in _properties(balancer).get("SecurityGroups", ())
    )


def _is_of_nat_gateway(template: Json, key: str) -> bool:
    return any(
        _flat(_properties(gateway).get("AllocationId")) == f"<{key}.AllocationId>"
        for gateway in template["Resources"].values()
        if gateway["Type"] == "AWS::EC2::NatGateway"
    )


def _unkept_log(where: str, log: Json | None, template: Json) -> list[str]:
    if not log:
        return [f"{where}: no log"]
    group = template["Resources"].get(_flat(log.get("Options", {}).get("awslogs-group")).strip("<>"))
    if log.get("LogDriver") != "awslogs" or group is None or group["Type"] != "AWS::Logs::LogGroup":
        return [f"{where}: its log is no group of its stack"]
    if not _properties(group).get("RetentionInDays"):
        return [f"{where}: nothing says how long its log is kept"]
    return []


def _is_name_of_secret_value(name: str) -> bool:
    return name == "SecretString" or bool(re.search(r"(?i)(?<!exclude)(?<!require)(password|passphrase)$", name))


def _resolves_secret(value: object) -> bool:
    return "{{resolve:secretsmanager:" in _flat(value) or "{{resolve:ssm-secure:" in _flat(value)


def _statements(resource: Json) -> Iterator[Json]:
    properties = _properties(resource)
    documents = [properties.get(name) for name in ("PolicyDocument", "ResourcePolicy", "KeyPolicy")]
    documents += [
        policy.get("PolicyDocument") for policy in properties.get("Policies") or () if isinstance(policy, dict)
    ]
    for document in documents:
        if isinstance(document, Mapping):
            yield from _listed(document.get("Statement"))


def _itself_and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _is_pinned(action: object) -> bool:
    text = str(action)
    if text.startswith("docker://"):
        return "@sha256:" in text
    return text.startswith(("./", "$/")) or bool(_PINNED_ACTION.fullmatch(text))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
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


def _flat(value: Any) -> str:
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
            return str(argument[0]).join(map(_flat, argument[1]))
        if function == "Fn::Sub" and isinstance(argument, str):
            return argument.replace("${", "<").replace("}", ">")
    return json.dumps(value, separators=(",", ":"))
