"""Templates as one graph: what references come to, across stacks, and what stays open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portside.errors import UsageError
from portside.findings.templates.assembly import assembly_of
from portside.findings.templates.check import check
from portside.findings.templates.folder import read_folder
from portside.findings.templates.values import Handle, Text, Unknown, flag, many, number, whole

PRODUCER = {
    "Resources": {"Group": {"Type": "AWS::EC2::SecurityGroup"}, "Port": {"Type": "AWS::SSM::Parameter"}},
    "Outputs": {
        "Group": {"Value": {"Fn::GetAtt": ["Group", "GroupId"]}, "Export": {"Name": "producer-group"}},
        "Port": {"Value": "8080"},
    },
}
GROUP = Handle("producer", "Group", "GroupId")


def value(node: Any, **more: Any) -> Any:
    """The value of a resource's property."""
    consumer = {"Resources": {"It": {"Type": "AWS::X::Y", "Properties": {"P": node}}}, **more}
    found = assembly_of({"producer": PRODUCER, "consumer": consumer}, "123456789012", "us-east-1")
    return next(each for each in found.resources if each.logical_id == "It").properties.get("P")


def output(name: str) -> dict[str, Any]:
    return {"Fn::GetStackOutput": {"StackName": "producer", "OutputName": name}}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("text", "text"),
        ({"Ref": "It"}, Handle("consumer", "It")),
        ({"Fn::GetAtt": ["It", "Arn"]}, Handle("consumer", "It", "Arn")),
        ({"Fn::GetAtt": "It.Arn"}, Handle("consumer", "It", "Arn")),
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "AWS::AccountId"}, "123456789012"),
        ({"Ref": "AWS::Partition"}, "aws"),
        ({"Ref": "AWS::NoValue"}, None),
        ([1, {"Ref": "AWS::NoValue"}], [1]),
        (output("Group"), GROUP),
        (output("Port"), "8080"),
        ({"Fn::ImportValue": "producer-group"}, GROUP),
        ({"Fn::ImportValue": {"Fn::Join": ["-", ["producer", "group"]]}}, GROUP),
        ({"Fn::Join": [":", ["a", 1, True]]}, "a:1:true"),
        ({"Fn::Join": ["", ["a", output("Group"), "b", "c"]]}, Text(("a", GROUP, "bc"))),
        ({"Fn::Join": ["", [output("Group")]]}, GROUP),
        ({"Fn::Sub": "x-${AWS::Region}-${!Literal}"}, "x-us-east-1-${Literal}"),
        ({"Fn::Sub": "${It.Arn}/*"}, Text((Handle("consumer", "It", "Arn"), "/*"))),
        ({"Fn::Sub": ["${Port}!", {"Port": output("Port")}]}, "8080!"),
        ({"Fn::Select": [1, ["a", "b"]]}, "b"),
        ({"Fn::Select": ["0", {"Fn::Split": ["/", "a/b"]}]}, "a"),
        ({"Fn::Base64": "x"}, "x"),
    ],
)
def test_a_reference_is_followed_until_the_end(node: Any, expected: Any) -> None:
    assert value(node) == expected


def test_a_mapping_is_resolved() -> None:
    mappings = {"Sizes": {"us-east-1": {"Cpu": 256}}}
    assert value({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Cpu"]}, Mappings=mappings) == 256


@pytest.mark.parametrize(
    "node",
    [
        {"Ref": "Parameter"},
        {"Ref": "Missing"},
        {"Fn::If": ["IsProduction", 1, 2]},
        {"Fn::Select": [5, ["a"]]},
        {"Fn::GetAZs": ""},
        {"Fn::ImportValue": "elsewhere"},
        {"Fn::GetStackOutput": {"StackName": "elsewhere", "OutputName": "Port"}},
        {"Fn::Cidr": ["10.0.0.0/16", 2, 8]},
        "{{resolve:ssm:/port}}",
    ],
)
def test_what_only_cloudformation_knows_stays_open_and_is_the_same_each_time(node: Any) -> None:
    parameters = {"Parameter": {"Type": "String", "Default": "x"}}
    assert isinstance(value(node, Parameters=parameters), Unknown)
    assert value([node, node], Parameters=parameters)[0] == value([node, node], Parameters=parameters)[1]


def test_outputs_that_read_each_other_in_a_circle_end() -> None:
    def reads(stack: str) -> dict[str, Any]:
        read = {"Fn::GetStackOutput": {"StackName": stack, "OutputName": "Out"}}
        return {
            "Resources": {"It": {"Type": "AWS::X::Y", "Properties": {"P": read}}},
            "Outputs": {"Out": {"Value": read}},
        }

    found = assembly_of({"one": reads("two"), "two": reads("one")})
    assert len(found.resources) == 2


@pytest.mark.parametrize(
    ("given", "as_number", "as_whole", "as_flag"),
    [
        ("80", 80.0, 80, None),
        (80, 80.0, 80, None),
        ("1.5", 1.5, None, None),
        (True, None, None, True),
        ("false", None, None, False),
        ("x", None, None, None),
        (Unknown("x"), None, None, None),
        (None, None, None, None),
    ],
)
def test_numbers_and_flags_may_be_written_as_text(given: Any, as_number: Any, as_whole: Any, as_flag: Any) -> None:
    assert (number(given), whole(given), flag(given)) == (as_number, as_whole, as_flag)
    assert many(given) == ([] if given is None else [given])


TEMPLATE = """\
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub "${AWS::StackName}-alarms"
  Alarm:
    Type: AWS::CloudWatch::Alarm
    DependsOn: Topic
    Properties:
      AlarmActions: [!Ref Topic]
      AlarmName: !Join ["-", [a, !GetAtt Topic.TopicName]]
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: 1
      Metrics: !If [IsNew, [], !Ref AWS::NoValue]
"""


def test_a_folder_of_yaml_and_json_is_read_and_what_is_no_template_is_left(tmp_path: Path) -> None:
    (tmp_path / "alarms.yaml").write_text(TEMPLATE)
    (tmp_path / "other.template.json").write_text(json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup"}}}))
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("x")
    found = read_folder(tmp_path)
    assert [file.stack for file in found.files] == ["alarms", "other"]
    assert [each.type for each in found.resources] == [
        "AWS::SNS::Topic",
        "AWS::CloudWatch::Alarm",
        "AWS::Logs::LogGroup",
    ]
    assert found.resources[1].get("AlarmActions") == [Handle("alarms", "Topic")]
    assert check(found) == []


def test_a_cloud_assembly_is_read_by_its_manifest_with_its_stages(tmp_path: Path) -> None:
    def stack(name: str) -> dict[str, Any]:
        properties = {"templateFile": f"{name}.template.json", "stackName": f"app-{name}"}
        place = "aws://123456789012/eu-west-1"
        return {"type": "aws:cloudformation:stack", "environment": place, "properties": properties}

    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}}
    nested = tmp_path / "assembly-Stage"
    nested.mkdir()
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"One": stack("one"), "Stage": stage}}))
    (nested / "manifest.json").write_text(json.dumps({"artifacts": {"Two": stack("two")}}))
    for folder, name in ((tmp_path, "one"), (nested, "two")):
        (folder / f"{name}.template.json").write_text(json.dumps({"Resources": {}}))
    found = read_folder(tmp_path)
    assert [(file.stack, file.account, file.region) for file in found.files] == [
        ("app-one", "123456789012", "eu-west-1"),
        ("app-two", "123456789012", "eu-west-1"),
    ]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (None, "", "no CloudFormation template in it"),
        ("a.json", "{", "not JSON"),
        ("a.yaml", "a: [", "not YAML"),
        ("manifest.json", "[]", "not a JSON object"),
    ],
)
def test_a_folder_that_cannot_be_read_is_a_usage_error(
    tmp_path: Path, file: str | None, content: str, said: str
) -> None:
    if file:
        (tmp_path / file).write_text(content)
    with pytest.raises(UsageError, match=said):
        read_folder(tmp_path)


def test_a_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        read_folder(tmp_path / "cdk.out")
