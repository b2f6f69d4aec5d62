"""Destroying for real, and comparing what is there before and after."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.aws import clients, inventory
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_with_its_data_dev_leaves_nothing_behind(deployed: Clone, before_deployment: frozenset[str]) -> None:
    of = clients(deployed.exports("dev"))
    assert inventory(of) > before_deployment
    _let_guardduty_in(of("ec2"))
    answer = deployed.agora("destroy", "dev", "--local", "--with-data")
    assert answer.exit_code == 0, answer.stderr
    assert inventory(of) == before_deployment


def test_with_its_data_prod_leaves_only_what_proves_its_release(new_clone: Callable[[], Clone]) -> None:
    clone = new_clone()
    options = ("prod", "--local", "--seed-stage")
    assert clone.agora("deploy", *options, "--dry-run").exit_code == 0
    of = clients(clone.exports("prod"))
    before = inventory(of)
    assert clone.agora("deploy", *options).exit_code == 0
    assert inventory(of) > before
    _let_guardduty_in(of("ec2"))
    answer = clone.agora("destroy", "prod", "--local", "--with-data")
    assert answer.exit_code == 0, answer.stderr
    # That is stage's.
    assert inventory(of) == before | {"ssm /agora/stage/deployment"}


def _let_guardduty_in(ec2: Any) -> None:
    """Put into the network what GuardDuty puts into it on AWS."""
    [vpc] = [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each.get("IsDefault")]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    group = ec2.create_security_group(GroupName=f"GuardDutyManagedSecurityGroup-{vpc}", Description="-", VpcId=vpc)
    ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.guardduty-data",
        VpcEndpointType="Interface",
        SubnetIds=[subnets[0]["SubnetId"]],
        SecurityGroupIds=[group["GroupId"]],
    )


def test_without_its_data_exactly_what_was_listed_stays(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    everything = inventory(of)
    listed = deployed.agora("destroy", "dev", "--local", "--dry-run", "--json").json()
    assert inventory(of) == everything, "a dry run destroys nothing"
    answer = deployed.agora("destroy", "dev", "--local")
    assert answer.exit_code == 0, answer.stderr
    staying = inventory(of)
    assert set(listed["staying"]) == {"agora-dev-network", "agora-dev-docdb-v8", "agora-dev-load-balancer"}
    assert [each.split(" ")[0] for each in listed["staying"]["agora-dev-load-balancer"]] == ["AWS::S3::Bucket"]
    assert staying < everything
    assert not [stack for stack in listed["going"] if f"cloudformation {stack}" in staying]
    for resources in listed["staying"].values():
        for resource in resources:
            assert f"   {resource}\n" in answer.stderr, "the resources that stay are listed in the text too"
    _assert_remaining_resources_were_listed(deployed, staying, listed["staying"])


def _assert_remaining_resources_were_listed(clone: Clone, staying: set[str], listed: dict[str, list[str]]) -> None:
    clone.agora("destroy", "dev", "--local", "--with-data")
    nothing = inventory(clients(clone.exports("dev")))
    physical = " ".join(resource for resources in listed.values() for resource in resources)
    for entry in staying - nothing:
        name = entry.split(" ", 1)[1]
        # An address is listed by its number and stored by its allocation; a stack and its secret by their names.
        assert name in physical or name in listed or re.match(r"eipalloc-", name), f"{entry} stays without being listed"
