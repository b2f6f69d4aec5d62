"""The options of the CDK's command line, and the error that stopped it, in its own output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import Target
from portside.synthesis import cdk_cli, image_builder
from portside.synthesis.cdk_cli import CdkFailed
from tests.unit.operations_support import target

BREAKER = """
agora-dev-api |  3/14 | 9:30:45 PM | ROLLBACK_COMPLETE | AWS::CloudFormation::Stack | agora-dev-api Rollback complete
\x1b[31m❌  agora-dev-api failed to deploy\x1b[39m
‣ DeploymentError: Resource updates failed:
agora-dev-api/Service/Service  (AWS::ECS::Service ServiceD69D759B)
  Resource handler returned message: "The circuit breaker was triggered".
  (RequestToken: 6e9c8fee-511d-4bea-a856-e670cea1b307, HandlerErrorCode: GeneralServiceException)
    at async Object.deployStack (/x/node_modules/aws-cdk/lib/index.js:1:2)
"""
EXPIRED = "❌  agora-dev-app failed to deploy\n‣ ExpiredToken: The security token included in the request is expired\n"
THROTTLED = "❌  agora-dev-app failed to deploy\n‣ Throttling: Rate exceeded\n"
LOST = "❌  agora-dev-app failed to deploy\n‣ Error: connect ECONNREFUSED 127.0.0.1:4566\n"


def test_its_error_is_one_line_for_each_stack() -> None:
    assert CdkFailed("deploy", BREAKER + THROTTLED).message.splitlines() == [
        "cdk deploy failed: agora-dev-api failed to deploy: DeploymentError: Resource updates failed: "
        'agora-dev-api/Service/Service (AWS::ECS::Service ServiceD69D759B) Resource handler returned message: "The '
        'circuit breaker was triggered". (HandlerErrorCode: GeneralServiceException)',
        "agora-dev-app failed to deploy: Throttling: Rate exceeded",
    ]


def test_without_an_error_as_such_its_last_words_are_it() -> None:
    output = "agora-dev | 1/2 | AWS::X | progress\nENV: not set\nName it.\n    at main (/x/index.js:3:4)\n"
    assert CdkFailed("synth", output).message == "cdk synth failed: ENV: not set\nName it."
    assert CdkFailed("synth", "").message == "cdk synth failed"


@pytest.mark.parametrize(
    ("output", "lost"),
    [
        (BREAKER, False),
        (BREAKER + THROTTLED, False),
        (EXPIRED, True),
        (THROTTLED, True),
        (LOST, True),
        ("odd\n", False),
    ],
)
def test_losing_aws_is_another_thing_than_a_resource_that_failed(output: str, lost: bool) -> None:
    assert CdkFailed("deploy", output).has_lost_aws is lost


@pytest.mark.parametrize(
    ("is_local", "are_new", "without_change_sets"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_only_new_stacks_of_a_rehearsal_are_deployed_without_change_sets(
    monkeypatch: pytest.MonkeyPatch, is_local: bool, are_new: bool, without_change_sets: bool
) -> None:
    runs: list[Sequence[str]] = []
    monkeypatch.setattr(cdk_cli, "_run", lambda _, arguments, *__, **___: runs.append(arguments))
    cdk_cli.deploy(target({}, is_local=is_local), ["agora-dev-app"], lambda _: None, are_new=are_new)
    (arguments,) = runs
    assert ("direct" in arguments) is without_change_sets


@pytest.mark.parametrize(("images", "variables"), [({"1": {}}, {"CDK_DOCKER": "podman"}), ({}, None)])
def test_images_are_built_with_the_program_that_this_machine_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, images: dict[str, Any], variables: dict[str, str] | None
) -> None:
    given: list[object] = []
    monkeypatch.setattr(cdk_cli, "_run", lambda *_, **options: given.append(options["variables"]))
    monkeypatch.setattr(image_builder, "find_builder", lambda _: "podman")
    monkeypatch.setattr(Target, "assembly_dir", tmp_path)
    (tmp_path / "app.assets.json").write_text(json.dumps({"dockerImages": images}), encoding="utf-8")
    cdk_cli.deploy(target({}), ["agora-dev-app"], lambda _: None)
    assert given == [variables]
