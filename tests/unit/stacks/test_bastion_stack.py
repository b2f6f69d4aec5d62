from __future__ import annotations

from aws_cdk.assertions import Match, Template

from portside.stacks.bastion_stack import BastionStack
from portside.stacks.props import BastionProps
from tests.unit.stacks_support import Json, Parts, configuration, moving_templates, of_type, properties, templates


def bastion() -> Json:
    return moving_templates("dev")["agora-dev-bastion"]


def test_a_bastion_is_made_from_a_network_and_its_props() -> None:
    parts = Parts()
    props = BastionProps(
        key_name="agora-ci", instance_type="t3.micro", ami_id="ami-074a6fac5773fe883", ami_region="us-east-1"
    )
    template = Template.from_stack(BastionStack(parts.app, "bastion", parts.network.vpc, props))
    template.has_resource_properties(
        "AWS::EC2::Instance",
        {
            "KeyName": "agora-ci",
            "InstanceType": "t3.micro",
            "Tags": Match.array_with([{"Key": "PatchGroup", "Value": "prod-default"}]),
        },
    )


def test_nothing_comes_in() -> None:
    assert of_type(bastion(), "AWS::EC2::SecurityGroupIngress") == {}
    assert "SecurityGroupIngress" not in properties(bastion(), "AWS::EC2::SecurityGroup")
    policies = properties(bastion(), "AWS::IAM::Role")["ManagedPolicyArns"]
    assert "AmazonSSMManagedInstanceCore" in str(policies)


def test_metadata_takes_a_token_without_a_launch_template_that_would_replace_the_machine() -> None:
    instance = properties(bastion(), "AWS::EC2::Instance")
    assert instance["MetadataOptions"] == {"HttpTokens": "required"}
    assert "LaunchTemplate" not in instance


def test_it_carries_the_group_that_the_database_accepts() -> None:
    own, database = properties(bastion(), "AWS::EC2::Instance")["SecurityGroupIds"]
    assert database["Fn::GetStackOutput"]["StackName"] == "agora-dev-docdb-v8"
    assert own == {"Fn::GetAtt": ["BastionHostInstanceSecurityGroupE1AD2D4E", "GroupId"]}


def test_no_bastion_exists_unless_it_is_configured() -> None:
    without = [name for name in configuration().environments if configuration().environment(name).bastion is None]
    assert all(f"agora-{name}-bastion" not in templates(name) for name in without)
