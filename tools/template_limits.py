"""Write what AWS accepts in a template's properties into portside/findings/templates/limits.json.

    .venv/bin/python tools/template_limits.py

The source is cfn-lint's copy of CloudFormation's resource schemas (MIT-0), with its rules across properties, and the
ranges of numbers that botocore's service models have and the schemas lack. cfn-lint is for development only: loading
it takes a second and 40 MB, so that what the checks need of it is a file of this repository. A test compares the
file with the installed cfn-lint, so that an update of it asks for this tool.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from botocore.session import Session

Json = dict[str, Any]

LIMITS = Path(__file__).parents[1] / "portside" / "findings" / "templates" / "limits.json"
SOURCE = "https://github.com/aws-cloudformation/cfn-lint"

# The resource types of a containerised application.
SERVICES = (
    *("ApplicationAutoScaling", "CloudWatch", "DocDB", "DynamoDB", "EC2", "ECR", "ECS", "EFS", "ElastiCache"),
    *("ElasticLoadBalancingV2", "Events", "IAM", "KMS", "Logs", "RDS", "S3", "SNS", "SQS", "SSM", "SecretsManager"),
    *("ServiceDiscovery", "WAFv2"),
)
_EC2 = (
    *("EIP", "FlowLog", "Instance", "InternetGateway", "NatGateway", "Route", "RouteTable", "SecurityGroup"),
    *("SecurityGroupEgress", "SecurityGroupIngress", "Subnet", "SubnetRouteTableAssociation", "VPC"),
    *("VPCEndpoint", "VPCGatewayAttachment"),
)
# How a type is created where its API has a model of the same properties: the service and the operation.
_CALLS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": ("application-autoscaling", "RegisterScalableTarget"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": ("application-autoscaling", "PutScalingPolicy"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "PutMetricAlarm"),
    "AWS::ECS::ClusterCapacityProviderAssociations": ("ecs", "PutClusterCapacityProviders"),
    "AWS::ECS::Service": ("ecs", "CreateService"),
    "AWS::ECS::TaskDefinition": ("ecs", "RegisterTaskDefinition"),
    "AWS::ElasticLoadBalancingV2::Listener": ("elbv2", "CreateListener"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("elbv2", "CreateRule"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("elbv2", "CreateLoadBalancer"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elbv2", "CreateTargetGroup"),
    "AWS::WAFv2::WebACL": ("wafv2", "CreateWebACL"),
}
# Where the classes of a type stand, by region. A class of any region is let pass.
_CLASSES = {
    "AWS::DocDB::DBInstance": ("dbinstanceclass_enum.json", "DBInstanceClass"),
    "AWS::EC2::Instance": ("instancetype_enum.json", "InstanceType"),
}
# Those that cfn-lint's lists lack: https://docs.aws.amazon.com/documentdb/latest/developerguide/docdb-serverless.html
_NEWER = {"AWS::DocDB::DBInstance": {"db.serverless"}}
# Names that are unique in an account and region, of resources that something else identifies.
_NAMES = {
    "AWS::Events::Rule": "Name",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Name",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "Name",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
}
# https://docs.aws.amazon.com/documentdb/latest/devguide/docdb-serverless-limitations.html
_CLASSES_MISSING = {"AWS::DocDB::DBInstance": {"db.serverless"}}
_KEPT = frozenset(
    {
        *("$ref", "additionalProperties", "allOf", "anyOf", "const", "contains", "dependentExcluded"),
        *("dependentRequired", "else", "enum", "enumCaseInsensitive", "if", "items", "maxItems", "maxLength"),
        *("maximum", "minItems", "minLength", "minimum", "multipleOf", "not", "oneOf", "pattern"),
        *("patternProperties", "properties", "required", "requiredOr", "requiredXor", "then", "type", "uniqueItems"),
    }
)
_OF_NAMES = frozenset({"definitions", "dependentExcluded", "dependentRequired", "patternProperties", "properties"})


def main() -> None:
    """Write the file."""
    LIMITS.write_text(written(limits()), encoding="utf-8")
    print(f"{LIMITS.name}: {LIMITS.stat().st_size // 1024} KiB", file=sys.stderr)


def written(found: Mapping[str, Any]) -> str:
    """A line for each type, so that a change of one can be read."""
    types = ",\n".join(f"  {json.dumps(name)}: {_compact(each)}" for name, each in found["types"].items())
    head = ",\n".join(f" {json.dumps(name)}: {_compact(each)}" for name, each in found.items() if name != "types")
    return f'{{\n{head},\n "types": {{\n{types}\n }}\n}}\n'


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def limits() -> Json:
    """By type the part of its schema that says which values it accepts, what replaces a resource, and what names it."""
    schemas = dict(_schemas())
    return {
        "source": SOURCE,
        "cfn-lint": importlib.metadata.version("cfn-lint"),
        "botocore": importlib.metadata.version("botocore"),
        "names": sorted(name for name in _read("providers", "us-east-1.json") if name.startswith("AWS::")),
        "replacing": {name: _top_level(schema, "createOnlyProperties") for name, schema in schemas.items()},
        "identifiers": _NAMES
        | {
            name: found[0]
            for name, schema in schemas.items()
            if len(found := _top_level(schema, "primaryIdentifier")) == 1
            and found[0] not in _top_level(schema, "readOnlyProperties")
        },
        "types": {name: _limits_of(name, schema) for name, schema in schemas.items()},
    }


def _top_level(schema: Json, key: str) -> list[str]:
    """The properties that a list of pointers names, without those to a part of a property."""
    names = [each.removeprefix("/properties/") for each in schema.get(key, ())]
    return sorted(name for name in names if "/" not in name)


def _limits_of(name: str, schema: Json) -> Json:
    kept = _stripped(
        {key: schema[key] for key in ("definitions", "properties", *_KEPT) if key in schema}, is_schema=True
    )
    for read_only in schema.get("readOnlyProperties", ()):
        # Only a value to be read: nothing is set there.
        kept["properties"].pop(read_only.removeprefix("/properties/"), None)
    if name.startswith("AWS::RDS::"):
        # The names of engines are accepted in any case, and differ by region and date.
        kept.get("properties", {}).get("Engine", {}).pop("enum", None)
    if name in _CALLS:
        service, operation = _CALLS[name]
        model = Session().get_service_model(service)
        _add_ranges(kept, kept.get("definitions", {}), model.operation_model(operation).input_shape, set())
    if name in _CLASSES:
        file, key = _CLASSES[name]
        kept["properties"][key]["enum"] = sorted(
            _CLASSES_MISSING.get(name, set())
            | {
                each
                for region in _read("extensions", _folder_of(name), file).values()
                if isinstance(region, dict)
                for each in region["enum"]
            }
            | _NEWER.get(name, set())
        )
    more = [_stripped(each, is_schema=True) for each in _extensions(name)]
    if read_only := [each.removeprefix("/properties/") for each in schema.get("readOnlyProperties", ())]:
        kept["readOnlyProperties"] = sorted(read_only)
    found: Json = kept | ({"allOf": [*kept.get("allOf", ()), *more]} if more else {})
    return found


def _stripped(node: Any, *, is_schema: bool) -> Any:
    if isinstance(node, list):
        return [_stripped(each, is_schema=True) for each in node]
    if not isinstance(node, dict):
        return node
    found = {}
    for key, value in node.items():
        if is_schema and key not in _KEPT and key != "definitions":
            continue
        if is_schema and key in ("enum", "const", "enumCaseInsensitive", "required", "type"):
            found[key] = value
        elif is_schema and (key, value) == ("uniqueItems", False):
            continue
        else:
            found[key] = _stripped(value, is_schema=not (is_schema and key in _OF_NAMES))
    return found


def _add_ranges(schema: Json, definitions: Json, shape: Any, under_way: set[tuple[str, str]]) -> None:
    """The ranges of a shape of an API, where the schema of the same property has no range."""
    reference = schema.get("$ref", "").rpartition("/")[2]
    if reference:
        if (reference, shape.name) in under_way:
            return
        under_way.add((reference, shape.name))
        schema = definitions[reference]
    if shape.type_name == "structure":
        members = {name.lower(): each for name, each in shape.members.items()}
        for name, each in schema.get("properties", {}).items():
            if name.lower() in members:
                _add_ranges(each, definitions, members[name.lower()], under_way)
    elif shape.type_name == "list" and isinstance(schema.get("items"), dict):
        _add_ranges(schema["items"], definitions, shape.member, under_way)
    elif shape.type_name in ("integer", "long", "double", "float") and schema.get("type") in ("integer", "number"):
        for key, ours in (("min", "minimum"), ("max", "maximum")):
            if key in shape.metadata:
                schema.setdefault(ours, shape.metadata[key])


def _schemas() -> Iterator[tuple[str, Json]]:
    for name, key in _read("providers", "us-east-1.json").items():
        _, service, kind = name.split("::")[:3]
        if name.startswith("AWS::") and service in SERVICES and (service != "EC2" or kind in _EC2):
            yield name, _read("resources", f"{key}.json")


def _extensions(name: str) -> Iterator[Json]:
    """The rules across the properties of one resource; those across resources are not data."""
    folder = files("cfnlint") / "data" / "schemas" / "extensions" / _folder_of(name)
    # Those on RDS are advice, or about versions of engines, which differ by region and date.
    if not folder.is_dir() or name.startswith("AWS::RDS::"):
        return
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        # CloudWatch accepts a period of 20 s, which that rule refuses:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
        if file.name == "period.json" and name == "AWS::CloudWatch::Alarm":
            continue
        if file.name.endswith(".json") and not file.name.endswith(
            ("_class.json", "_deprecated.json", "_enum.json", "_warning.json")
        ):
            rule = json.loads(file.read_text(encoding="utf-8"))
            if "cfnGather" not in rule and "cfnLint" not in rule:
                yield rule


def _folder_of(name: str) -> str:
    return name.lower().replace("::", "_")


def _read(*place: str) -> Any:
    return json.loads((files("cfnlint") / "data" / "schemas").joinpath(*place).read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
