"""The command that checks a folder of templates, and what a rehearsal refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from portside.cli.verify import verify
from portside.findings.check import FAIL
from portside.preflight.templates import _INSTEAD, TemplatesRefused, expect_accepted, expect_rehearsable
from tests.unit.faulty_templates import FaultyTemplates
from tests.unit.operations_support import stack
from tests.unit.stacks_support import assembly, environment, settled_templates
from tests.unit.template_rule_faults import FAULTS


def stacks_with(fault: str | None, folder: Path) -> list[object]:
    changed = copy.deepcopy(settled_templates("dev"))
    if fault:
        FAULTS[fault](FaultyTemplates(changed))
    return [stack(name, template, folder) for name, template in changed.items()]


def test_a_rehearsal_refuses_what_aws_would_refuse_and_nothing_else(tmp_path: Path) -> None:
    expect_accepted(environment("dev"), stacks_with(None, tmp_path))  # type: ignore[arg-type]
    expect_accepted(environment("dev"), stacks_with("NO_ROOM", tmp_path))  # type: ignore[arg-type]
    with pytest.raises(TemplatesRefused, match="AWS would refuse agora-dev-api"):
        expect_accepted(environment("dev"), stacks_with("LIMIT", tmp_path))  # type: ignore[arg-type]


def resource(kind: str, path: str = "shop-dev-storage/Bucket/Resource") -> dict[str, object]:
    return {"Type": kind, "Metadata": {"aws:cdk:path": path}}


@pytest.mark.parametrize("kind", [each for each in _INSTEAD if each])
def test_a_rehearsal_refuses_a_custom_resource_with_its_construct_and_what_to_write_instead(
    kind: str, tmp_path: Path
) -> None:
    template = {
        "Resources": {
            "Handler": resource("AWS::Lambda::Function", "shop-dev-storage/Custom::Provider/Handler"),
            "Custom": resource(kind, "shop-dev-storage/Bucket/Custom/Default"),
        }
    }
    with pytest.raises(TemplatesRefused) as refusal:
        expect_rehearsable([stack("shop-dev-storage", template, tmp_path)])
    assert refusal.value.message == (
        f"shop-dev-storage: a rehearsal can't create {kind}, which shop-dev-storage/Bucket/Custom makes: "
        "custom resources and functions are code (and 1 more)"
    )
    assert refusal.value.hint == _INSTEAD[kind]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("AWS::Lambda::Function", "custom resources and functions are code"),
        ("AWS::GameLift::Fleet", "the embedded AWS does not have it"),
    ],
)
def test_a_rehearsal_refuses_other_types_that_it_does_not_have(kind: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(TemplatesRefused) as refusal:
        expect_rehearsable([stack("shop-dev-storage", {"Resources": {"It": resource(kind)}}, tmp_path)])
    assert refusal.value.message.endswith(f"can't create {kind}, which shop-dev-storage/Bucket makes: {why}")


def test_a_rehearsal_takes_the_types_that_it_has(tmp_path: Path) -> None:
    template = {"Resources": {"Bucket": resource("AWS::S3::Bucket"), "Plain": {"Type": "AWS::SQS::Queue"}}}
    expect_rehearsable([stack("shop-dev-storage", template, tmp_path)])


def test_a_sound_folder_passes() -> None:
    done = CliRunner().invoke(verify, ["dev", "--templates", str(assembly("dev")), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["well"]) == (0, True)


def test_a_faulty_folder_fails_with_its_findings(tmp_path: Path) -> None:
    template = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 100}}}}
    (tmp_path / "logs.template.json").write_text(json.dumps(template))
    done = CliRunner().invoke(verify, ["dev", "--templates", str(tmp_path), "--json"])
    [found] = json.loads(done.stdout.partition("\n}\n")[0] + "\n}")["checks"]
    assert done.exit_code == 1
    assert (found["subject"], found["state"]) == ("template: logs", "FAIL")
    assert "RetentionInDays: must be one of 1, 3, 5" in found["found"]
    assert FAIL.value == "wrong"
