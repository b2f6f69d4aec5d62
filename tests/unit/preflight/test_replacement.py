"""The resources that a change of templates would replace or delete, found from the templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portside.config.environment import OWNER_TAG
from portside.findings.check import FAIL, OK, SKIP
from portside.plan.replacement import _INTERRUPTING, _OTHERS, STATEFUL, Loss, Values, losses, resolved
from portside.preflight import changes, stacks
from tests.unit.operations_support import reads, resource, stack
from tests.unit.verification_support import by_subject, context, deployed

VALUES = Values(exports={"network:Vpc": "vpc-1"}, outputs={("network", "Vpc"): "vpc-1"})


def lost(before: dict[str, Any], after: dict[str, Any], values: Values = VALUES) -> dict[str, Loss]:
    return {loss.logical_id: loss for loss in losses(before, after, values)}


def subnet(**properties: Any) -> dict[str, Any]:
    return {"Subnet": resource("AWS::EC2::Subnet", **({"CidrBlock": "10.0.0.0/26"} | properties))}


def test_a_property_that_can_be_changed_in_place_loses_nothing() -> None:
    assert lost(subnet(MapPublicIpOnLaunch=True), subnet(MapPublicIpOnLaunch=False)) == {}


def test_a_property_that_can_only_be_recreated_replaces() -> None:
    loss = lost(subnet(), subnet(CidrBlock="10.0.1.0/26"))["Subnet"]
    assert loss.sentence == "AWS::EC2::Subnet would be replaced: its CidrBlock changes"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Fn::ImportValue": "network:Vpc"}, reads("network", "Vpc")),
        ("vpc-1", {"Fn::ImportValue": "network:Vpc"}),
        ({"Fn::Join": ["-", ["vpc", "1"]]}, "vpc-1"),
        ({"Ref": "Vpc"}, {"Ref": "Vpc"}),
    ],
)
def test_the_same_value_written_otherwise_replaces_nothing(before: Any, after: Any) -> None:
    assert lost(subnet(VpcId=before), subnet(VpcId=after)) == {}


def test_a_reference_to_another_resource_replaces() -> None:
    assert lost(subnet(VpcId={"Ref": "One"}), subnet(VpcId={"Ref": "Two"}))["Subnet"].is_certain


def test_what_is_known_only_later_is_not_certain() -> None:
    loss = lost(subnet(VpcId="vpc-1"), subnet(VpcId=reads("network", "NewOutput")))["Subnet"]
    assert not loss.is_certain
    assert "may be replaced" in loss.sentence


def test_what_is_inside_a_replaced_resource_is_replaced_too_however_deep() -> None:
    def network(cidr: str) -> dict[str, Any]:
        return {
            "Nat": resource("AWS::EC2::NatGateway", SubnetId={"Ref": "Subnet"}),
            "Subnet": resource("AWS::EC2::Subnet", VpcId={"Ref": "Vpc"}),
            "Vpc": resource("AWS::EC2::VPC", CidrBlock=cidr),
        }

    found = lost(network("10.0.0.0/24"), network("10.0.1.0/24"))
    assert set(found) == {"Vpc", "Subnet", "Nat"}
    assert found["Nat"].why == "its SubnetId is of Subnet"


def cluster(**more: Any) -> dict[str, Any]:
    return {"Type": "AWS::DocDB::DBCluster", "Properties": {}, **more}


@pytest.mark.parametrize(
    ("policy", "kept"), [("Retain", True), ("RetainExceptOnCreate", True), ("Delete", False), (None, False)]
)
def test_a_logical_id_that_changes_deletes_what_the_deployed_template_does_not_retain(
    policy: str | None, kept: bool
) -> None:
    policies = {"DeletionPolicy": policy} if policy else {}
    found = lost({"Old": cluster(**policies)}, {"New": cluster(DeletionPolicy="Retain")})
    assert list(found) == ["Old"]
    assert (found["Old"].what, found["Old"].is_kept) == ("deleted", kept)


def test_a_secret_whose_making_changes_gets_a_new_value() -> None:
    def password(length: int) -> dict[str, Any]:
        return {"Password": resource("AWS::SecretsManager::Secret", GenerateSecretString={"PasswordLength": length})}

    loss = lost(password(32), password(40))["Password"]
    assert (loss.what, loss.is_stateful) == ("given a new value", True)


def test_another_type_under_the_same_name_is_reported() -> None:
    assert "which CloudFormation refuses" in lost({"X": resource()}, {"X": resource("AWS::EC2::VPC")})["X"].why


@settings(max_examples=25)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_no_property_differs_from_itself(value: Any) -> None:
    for kind, keys in STATEFUL.items():
        same = {"X": resource(kind, **dict.fromkeys(keys, value))}
        assert losses(same, same, VALUES) == []
    assert resolved(resolved(value, VALUES), VALUES) == resolved(value, VALUES)


NAME = "agora-dev-network"


def found(folder: Path, before: dict[str, Any], after: dict[str, Any], *replace: str) -> dict[str, Any]:
    about = context(
        stacks={NAME: deployed({"Resources": before})},
        new=[stack(NAME, {"Resources": after}, folder)],
        replace=frozenset(replace),
    )
    return by_subject(changes.questions(), about)


def test_nothing_lost_is_ok(tmp_path: Path) -> None:
    checks = found(tmp_path, subnet(), subnet())
    assert {check.state for check in checks.values()} == {OK}


def test_state_that_would_be_lost_fails_unless_it_is_named(tmp_path: Path) -> None:
    subject = f"state: {NAME} Subnet"
    refused = found(tmp_path, subnet(), {})[subject]
    assert (refused.state, refused.fix.endswith("--replace Subnet")) == (FAIL, True)
    assert found(tmp_path, subnet(), {}, "Subnet")[subject].state == OK


@pytest.mark.parametrize(
    ("kind", "setting"),
    [
        ("AWS::EC2::EIP", "NAT_GATEWAYS"),
        ("AWS::EC2::NatGateway", "NAT_GATEWAYS"),
        ("AWS::DocDB::DBClusterParameterGroup", "DATABASE_ENGINE_VERSION"),
        ("AWS::RDS::DBClusterParameterGroup", "DATABASE_ENGINE_VERSION"),
        ("AWS::RDS::DBParameterGroup", "DATABASE_ENGINE_VERSION"),
        ("AWS::ServiceDiscovery::PrivateDnsNamespace", "NAMESPACE"),
    ],
)
def test_the_setting_that_keeps_what_would_be_lost_is_named(tmp_path: Path, kind: str, setting: str) -> None:
    check = found(tmp_path, {"X": resource(kind)}, {})[f"state: {NAME} X"]
    assert f"set {setting} in app.py" in check.fix


def test_what_may_be_lost_is_not_known(tmp_path: Path) -> None:
    checks = found(tmp_path, subnet(VpcId="vpc-1"), subnet(VpcId=reads("elsewhere", "Vpc")))
    assert checks[f"state: {NAME} Subnet"].state == SKIP


def test_what_holds_no_state_is_only_told(tmp_path: Path) -> None:
    before = {"Group": resource("AWS::EC2::SecurityGroup", GroupName="a"), "Rule": resource("AWS::EC2::Route")}
    check = found(tmp_path, before, {"Group": resource("AWS::EC2::SecurityGroup", GroupName="b")})["templates"]
    assert check.state == OK
    assert check.what == "stateless resources: 1 deleted (Rule); 1 replaced (Group)"


def target_group(port: int) -> dict[str, Any]:
    return {"Targets": resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=port)}


def test_what_stops_answering_fails_unless_it_is_named(tmp_path: Path) -> None:
    subject = f"interruption: {NAME} Targets"
    refused = found(tmp_path, target_group(80), target_group(8080))[subject]
    assert refused.state == FAIL
    assert "its Port changes; the load balancer has no target until new tasks are healthy" in refused.what
    assert "set target_group_port" in refused.fix
    assert found(tmp_path, target_group(80), target_group(8080), "Targets")[subject].state == OK


@pytest.mark.parametrize("kind", _INTERRUPTING)
def test_each_type_that_stops_answering_can_be_replaced(kind: str) -> None:
    assert kind in _OTHERS


def test_a_new_logical_id_interrupts_as_a_replacement_does_and_a_removal_is_intended(tmp_path: Path) -> None:
    renamed = {"Renamed": target_group(80)["Targets"]}
    subject = f"interruption: {NAME} Targets"
    assert found(tmp_path, target_group(80), renamed)[subject].state == FAIL
    assert subject not in found(tmp_path, target_group(80), {})


def test_what_may_be_interrupted_is_not_known(tmp_path: Path) -> None:
    after = {"Targets": resource("AWS::ElasticLoadBalancingV2::TargetGroup", Port=reads("elsewhere", "Port"))}
    assert found(tmp_path, target_group(80), after)[f"interruption: {NAME} Targets"].state == SKIP


def test_a_name_that_loses_nothing_is_reported(tmp_path: Path) -> None:
    assert found(tmp_path, subnet(), subnet(), "Sbunet")["state: Sbunet"].state == SKIP


def test_a_stack_in_no_state_to_compare_with_is_reported(tmp_path: Path) -> None:
    about = context(stacks={NAME: deployed(status="UPDATE_ROLLBACK_FAILED")})
    assert by_subject(changes.questions(), about)[f"templates of {NAME}"].state == SKIP


def test_nothing_is_compared_with_a_stack_of_another_app(tmp_path: Path) -> None:
    theirs = {NAME: deployed({"Resources": subnet()}, tags={OWNER_TAG: "model-ad/dev"})}
    about = context(stacks=theirs, new=[stack(NAME, {"Resources": {}}, tmp_path)])
    assert {check.state for check in by_subject(changes.questions(), about).values()} == {OK}
    refused = by_subject(stacks.questions()[:1], about)
    assert refused[f"stack {NAME}"].what == "belongs to model-ad/dev, by its tag portside:owner"
    assert refused["stacks"].what == "0 can be updated, 5 would be made"
