"""Every template as a whole: what holds for all of them, and the reviewed copy of each."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from portside.config.image_reference import IMAGE_COMMIT_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_OUTPUT
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    SERVICES,
    environment,
    every_resource,
    images_of,
    stack,
    templates,
)

WHOLE = "prod"
"""The environment whose templates are reviewed as a whole, the others by how they differ from it."""


def test_the_templates_are_those_that_were_reviewed(snapshot: SnapshotAssertion) -> None:
    reviewed = snapshot.use_extension(JSONSnapshotExtension)
    for stack_name, template in sorted(templates(WHOLE).items()):
        assert whatever_it_runs(template, WHOLE) == reviewed(name=stack_name)


@pytest.mark.parametrize("name", [name for name in ENVIRONMENTS if name != WHOLE])
def test_the_other_environments_differ_as_was_reviewed(name: str, snapshot: SnapshotAssertion) -> None:
    lines = difflib.unified_diff(lines_of(WHOLE), lines_of(name), WHOLE, name, n=2, lineterm="")
    assert "\n".join(lines) == snapshot(extension_class=Differences)


class Differences(SingleFileSnapshotExtension):
    file_extension = "diff"
    _write_mode = WriteMode.TEXT


def lines_of(name: str) -> list[str]:
    """All templates of an environment line by line, without its own name and account."""
    own = {name: "ENVIRONMENT", environment(name).account: "ACCOUNT"}
    text = json.dumps(whatever_it_runs(templates(name), name), indent=1, sort_keys=True)
    return re.sub(r"\b(" + "|".join(own) + r")\b", lambda match: own[match[1]], text).splitlines()


def whatever_it_runs(template: Any, name: str) -> Any:
    """The template without what follows from the images, which are reviewed in the lock: a release changes no copy."""
    names: dict[str, str] = {}
    for image in images_of(name).images.values():
        names |= {f"{image.name}:{image.tag}": f"{image.name}:TAG", image.reference: f"{image.name}@DIGEST"}
        names |= {image.tag: "TAG", image.digest: "DIGEST", image.commit or "": "COMMIT"}
        names |= {image.short_commit or "": "SHORT COMMIT"}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [named(each) for each in value]
        return names.get(value, value) if isinstance(value, str) and value else value

    return named(template)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_image_is_a_digest_and_no_tag_can_move_it(name: str) -> None:
    definitions = [each for _, _, each in every_resource(name) if each["Type"] == "AWS::ECS::TaskDefinition"]
    images = [container["Image"] for each in definitions for container in each["Properties"]["ContainerDefinitions"]]
    assert len(images) == len(SERVICES)
    assert [
        image for image in images if not re.fullmatch(r"[a-z0-9.-]+(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}", image)
    ] == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_tag_is_in_a_template_only_as_an_output(name: str) -> None:
    tagged = set(images_of(name).images)
    for stack_name, template in templates(name).items():
        reported = {each["Value"] for key, each in template.get("Outputs", {}).items() if key == IMAGE_OUTPUT}
        assert reported <= tagged
        rest = json.dumps(template["Resources"])
        assert not [reference for reference in tagged if reference in rest], stack_name


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_service_names_its_image_and_exports_none_of_it(name: str) -> None:
    for part in SERVICES:
        outputs = stack(name, part)["Outputs"]
        assert {IMAGE_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_COMMIT_OUTPUT} <= outputs.keys()
        reported = [outputs[key] for key in (IMAGE_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_COMMIT_OUTPUT)]
        assert all(each.keys() == {"Value"} for each in reported)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_template_has_a_lambda_function_or_a_custom_resource(name: str) -> None:
    kinds = {resource["Type"] for _, _, resource in every_resource(name)}
    assert not {kind for kind in kinds if kind.startswith(("AWS::Lambda::", "Custom::", "AWS::CloudFormation::Custom"))}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_log_group_has_the_retention_of_the_configuration(name: str) -> None:
    groups = [each["Properties"] for _, _, each in every_resource(name) if each["Type"] == "AWS::Logs::LogGroup"]
    assert {group["RetentionInDays"] for group in groups} == {environment(name).log_retention_days}
    firewall = refused_traffic = 1
    assert len(groups) == 2 * len(SERVICES) + firewall + refused_traffic


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_taggable_resource_has_the_tags_of_the_configuration(name: str) -> None:
    untaggable = {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudWatch::Dashboard",
        "AWS::EC2::Route",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::ClusterCapacityProviderAssociations",
        "AWS::IAM::Policy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::WAFv2::LoggingConfiguration",
        "AWS::WAFv2::WebACLAssociation",
    }
    for stack_name, key, resource in every_resource(name):
        if resource["Type"] in untaggable:
            continue
        tags = resource["Properties"].get("Tags")
        found = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags or []}
        assert environment(name).tags.items() <= found.items(), f"{stack_name}: {key} ({resource['Type']})"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_references_between_stacks_are_weak(name: str) -> None:
    text = json.dumps(templates(name))
    assert "Fn::ImportValue" not in text
    assert "Fn::GetStackOutput" in text


def test_no_template_says_which_version_of_the_cdk_wrote_it() -> None:
    assert all(resource["Type"] != "AWS::CDK::Metadata" for _, _, resource in every_resource("dev"))
