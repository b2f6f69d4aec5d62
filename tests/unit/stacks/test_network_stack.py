from __future__ import annotations

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from portside.stacks.network_stack import NetworkStack
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    environment,
    json_of,
    moving_templates,
    of_type,
    properties,
    settled_templates,
    stack,
)


def test_a_network_is_made_from_its_addresses_alone() -> None:
    template = Template.from_stack(NetworkStack(cdk.App(), "NetworkStack", "10.254.192.0/24"))
    template.has_resource_properties("AWS::EC2::VPC", {"CidrBlock": "10.254.192.0/24"})
    template.resource_count_is("AWS::EC2::NatGateway", 2)


@pytest.mark.parametrize("gateways", [1, 2])
def test_the_configuration_says_how_many_nat_gateways_there_are_and_the_first_keeps_its_address(gateways: int) -> None:
    template = json_of(NetworkStack(cdk.App(), "N", "10.0.0.0/24", nat_gateways=gateways))
    assert len(of_type(template, "AWS::EC2::NatGateway")) == len(of_type(template, "AWS::EC2::EIP")) == gateways
    assert "VpcPublicSubnet1EIPD7E02669" in template["Resources"]


def test_zones_are_chosen_by_cloudformation_even_in_a_named_account() -> None:
    zones = {
        str(subnet["Properties"]["AvailabilityZone"])
        for subnet in of_type(stack("prod", "network"), "AWS::EC2::Subnet").values()
    }
    assert zones == {str({"Fn::Select": [zone, {"Fn::GetAZs": ""}]}) for zone in (0, 1)}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_environment_has_its_own_addresses(name: str) -> None:
    assert properties(stack(name, "network"), "AWS::EC2::VPC")["CidrBlock"] == environment(name).vpc_cidr


def test_nothing_is_exported_unless_a_running_environment_needs_it() -> None:
    def exports(template: dict[str, dict[str, dict[str, object]]]) -> list[object]:
        return [output["Export"] for output in template["Outputs"].values() if "Export" in output]

    assert len(exports(moving_templates("dev")["agora-dev-network"])) == 5
    assert exports(settled_templates("dev")["agora-dev-network"]) == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_traffic_that_is_refused_is_logged_by_a_role_that_may_do_nothing_else(name: str) -> None:
    template = stack(name, "network")
    log = properties(template, "AWS::EC2::FlowLog")
    assert (log["TrafficType"], log["LogDestinationType"]) == ("REJECT", "cloud-watch-logs")
    assert log["ResourceId"] == {"Ref": "Vpc8378EB38"}
    group = {"Fn::GetAtt": ["RefusedTrafficLogGroup01988F93", "Arn"]}
    for statement in properties(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]:
        of_role = {"Fn::GetAtt": ["VpcRefusedTrafficIAMRole5C8AB1D6", "Arn"]}
        assert statement["Resource"] in (group, of_role), statement
