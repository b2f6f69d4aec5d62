"""Deleting stacks that are not configured, through the CDK's command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.aws.ownership import Owner
from portside.aws.target import Target
from portside.config.environment import OWNER_TAG
from portside.deploy import stack_removal
from portside.deploy.stack_removal import deletable, remove_stacks
from portside.errors import UserError
from portside.plan.unconfigured import UnconfiguredStack
from portside.synthesis import cdk_cli
from tests.unit.operations_support import FakeCloudFormation, resource, target

OLD = "agora-dev-old"
TEMPLATE = {
    "Resources": {
        "Cluster": resource("AWS::DocDB::DBCluster", DeletionProtection=True) | {"DeletionPolicy": "Retain"},
        "Topic": {"Type": "AWS::SNS::Topic"},
    }
}


class Deleting:
    """The arguments and the effects of the CDK's command line."""

    def __init__(self, aws: FakeCloudFormation, *, fails: bool = False) -> None:
        self.aws, self.fails = aws, fails
        self.asked: list[str] = []
        self.manifest: dict[str, Any] = {}
        self.template: dict[str, Any] = {}

    def deploy(self, place: Target, names: Sequence[str], _: object) -> None:
        self._note("deploy", place, names)

    def destroy(self, place: Target, names: Sequence[str], _: object) -> None:
        self._note("destroy", place, names)
        if not self.fails:
            for name in names:
                del self.aws.stacks[name]

    def _note(self, verb: str, place: Target, names: Sequence[str]) -> None:
        self.asked.append(f"{verb} {' '.join(names)}")
        self.manifest = json.loads((place.assembly_dir / "manifest.json").read_text())
        self.template = json.loads((place.assembly_dir / f"{OLD}.template.json").read_text())


def removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, fails: bool = False, **more: bool) -> Deleting:
    aws = FakeCloudFormation({OLD: {"template": TEMPLATE}, "agora-dev-app": {"template": {}}})
    cdk = Deleting(aws, fails=fails)
    monkeypatch.setattr(cdk_cli, "deploy", cdk.deploy)
    monkeypatch.setattr(cdk_cli, "destroy", cdk.destroy)
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    stack = UnconfiguredStack(OLD, "UPDATE_COMPLETE", Owner.OURS, is_protected=more.get("protected", False))
    remove_stacks(target({"cloudformation": aws}, is_local=True), [stack], with_data=more.get("with_data", False))
    return cdk


def test_a_stack_is_deleted_with_the_roles_that_deploy_and_no_other_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cdk = removed(monkeypatch, tmp_path)
    assert cdk.asked == [f"destroy {OLD}"]
    assert set(cdk.aws.stacks) == {"agora-dev-app"}
    (artifact,) = cdk.manifest["artifacts"].values()
    assert artifact["environment"] == "aws://607346494281/us-east-1"
    assert artifact["properties"]["assumeRoleArn"] == (
        "arn:aws:iam::607346494281:role/cdk-hnb659fds-deploy-role-607346494281-us-east-1"
    )
    assert "cfn-exec-role" in artifact["properties"]["cloudFormationExecutionRoleArn"]
    assert artifact["properties"]["tags"] == {OWNER_TAG: "agora/dev"}
    assert cdk.template == TEMPLATE


def test_protection_is_removed_first_by_a_deployment_that_changes_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cdk = removed(monkeypatch, tmp_path, protected=True)
    assert cdk.asked == [f"deploy {OLD}", f"destroy {OLD}"]
    assert cdk.template == TEMPLATE


def test_with_its_data_nothing_is_retained_or_protected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cdk = removed(monkeypatch, tmp_path, with_data=True)
    assert cdk.asked == [f"deploy {OLD}", f"destroy {OLD}"]
    assert cdk.template == deletable(TEMPLATE)
    assert {each["DeletionPolicy"] for each in cdk.template["Resources"].values()} == {"Delete"}
    assert cdk.template["Resources"]["Cluster"]["Properties"] == {"DeletionProtection": False}
    assert "Properties" not in cdk.template["Resources"]["Topic"]


def test_a_stack_that_is_still_there_is_no_success(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"still there: {OLD}"):
        removed(monkeypatch, tmp_path, fails=True)
    assert stack_removal.deletable({}) == {"Resources": {}}
