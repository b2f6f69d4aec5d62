from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from portside.config.configuration import Configuration
from portside.config.configuration import check_configuration as check_names
from portside.config.environment import OWNER_TAG, Environment
from portside.config.own_stacks import OwnStack
from portside.errors import ConfigurationError
from portside.stacks.describe_own_stacks import own_stacks_of
from portside.stacks.own_stacks import Platform, add_own_stacks
from portside.stacks.synthesize import build_app
from tests.unit.configuration_support import environments, one_service
from tests.unit.stacks_support import read_templates

NO_PLATFORM: Any = None


class Storage(cdk.Stack):
    def __init__(self, scope: cdk.App, construct_id: str, **keywords: Any) -> None:
        super().__init__(scope, construct_id, **keywords)
        self.bucket = s3.Bucket(self, "Bucket")
        cdk.CfnOutput(self, "BucketName", value=self.bucket.bucket_name)


class Jobs(cdk.Stack):
    def __init__(self, scope: cdk.App, construct_id: str, **keywords: Any) -> None:
        super().__init__(scope, construct_id, **keywords)
        sqs.Queue(self, "Queue")


def configured(stacks: Callable[..., object]) -> Configuration:
    written = environments(dev={}, stage={"VPC_CIDR": "10.254.173.0/24"})
    return check_names({"APP": "shop", "ENVIRONMENTS": written, "services": one_service, "stacks": stacks})


def added(stacks: Callable[..., object], *, protected: bool = False) -> dict[str, cdk.Stack]:
    configuration = configured(stacks)
    environment = configuration.environment("dev")
    return add_own_stacks(cdk.App(), configuration, environment, NO_PLATFORM, protected=protected)


def storage(app: cdk.App, environment: Environment) -> None:
    Storage(app, environment.stack_name("storage"))


def refused(stacks: Callable[..., object]) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        added(stacks)
    return [str(each) for each in refusal.value.problems]


def test_a_stack_is_one_of_its_environment_in_account_region_tags_and_protection() -> None:
    stack = added(storage, protected=True)["storage"]
    assert stack.stack_name == "shop-dev-storage"
    assert (stack.account, stack.region) == ("607346494281", "us-east-1")
    assert stack.tags.tag_values()[OWNER_TAG] == "shop/dev"
    assert stack.termination_protection is True


def test_the_default_of_the_account_is_only_that_of_own_stacks() -> None:
    added(storage)
    assert cdk.Token.is_unresolved(cdk.Stack(cdk.App(), "other").account)


def test_the_third_argument_can_be_omitted() -> None:
    given: list[object] = []

    def three(app: cdk.App, environment: Environment, platform: object) -> None:
        given.append(platform)

    assert added(three) == {}
    assert given == [NO_PLATFORM]
    assert list(added(storage)) == ["storage"]


MISTAKES: dict[str, tuple[Callable[..., object], str]] = {
    "outside the prefix": (
        lambda app, environment: Storage(app, "storage"),
        "stacks(…): Storage: a stack outside this environment, got 'storage'\n"
        'Name it environment.stack_name("storage").',
    ),
    "the prefix alone": (
        lambda app, environment: Storage(app, "shop-dev-"),
        "stacks(…): Storage: a stack outside this environment, got 'shop-dev-'\n"
        'Name it environment.stack_name("storage").',
    ),
    "another environment's": (
        lambda app, environment: Storage(app, "shop-stage-storage"),
        "stacks(…): Storage: a stack of stage, not of dev, got 'shop-stage-storage'\n"
        'Name it environment.stack_name("storage").',
    ),
    "a name of the machinery": (
        lambda app, environment: Storage(app, environment.stack_name("network")),
        "stacks(…): Storage: another stack has this name, got 'shop-dev-network'\nUse another name.",
    ),
    "twice": (
        lambda app, environment: [
            Storage(app, each, stack_name=environment.stack_name("storage")) for each in ("one", "two")
        ],
        "stacks(…): Storage: another stack has this name, got 'shop-dev-storage'\nUse another name.",
    ),
    "another account": (
        lambda app, environment: Storage(
            app, environment.stack_name("storage"), env=cdk.Environment(account="1" * 12, region="us-east-1")
        ),
        "stacks(…): Storage: not in the account and region of its environment, got '111111111111/us-east-1'\n"
        "Leave env out: a stack is created in the account and region of its environment.",
    ),
    "not a stack": (
        lambda app, environment: cdk.Stage(app, "stage"),
        "stacks(…): Stage: not a stack, got 'stage'\nCreate it in a subclass of aws_cdk.Stack.",
    ),
    "nested": (
        lambda app, environment: cdk.NestedStack(Storage(app, environment.stack_name("storage")), "Inner"),
        "stacks(…): Storage: nested stacks are not supported, got 'shop-dev-storage/Inner'\nMake each a stack.",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_what_to_do(mistake: str) -> None:
    stacks, said = MISTAKES[mistake]
    assert refused(stacks) == [said]


def test_all_mistakes_are_reported_together() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        Storage(app, "storage")
        Jobs(app, environment.stack_name("ecs"))

    assert [each.partition(":")[2].partition(",")[0] for each in refused(stacks)] == [
        " Storage: a stack outside this environment",
        " Jobs: another stack has this name",
    ]


def test_an_error_in_the_function_is_reported_with_its_line() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        raise ValueError("no such plan")

    line = stacks.__code__.co_firstlineno + 1
    assert refused(stacks) == [f"test_own_stacks.py, line {line}: ValueError: no such plan\nCorrect that line."]


def test_a_name_that_the_cdk_refuses_is_reported() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        Storage(app, environment.stack_name("no_name"))

    [said] = refused(stacks)
    assert said.startswith("test_own_stacks.py, line ")
    assert "shop-dev-no_name" in said
    assert "\n    at " not in said


@pytest.mark.parametrize(
    ("stacks", "said"),
    [
        ({"storage": Storage}, "stacks: not a function, got a dict"),
        (lambda app: None, "stacks: does not take an app, an environment and the platform"),
        (lambda a, b, c, d: None, "stacks: does not take an app, an environment and the platform"),
    ],
)
def test_a_value_that_is_not_a_function_of_an_environment_is_refused(stacks: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refusal:
        configured(stacks)
    assert "def stacks(app, environment, platform):" in str(refusal.value)


def test_the_description_has_outputs_retained_types_and_the_use_of_the_network() -> None:
    def stacks(app: cdk.App, environment: Environment, platform: Platform) -> None:
        # Created before the stack that it reads from.
        jobs = Jobs(app, environment.stack_name("jobs"))
        storage = Storage(app, environment.stack_name("storage"))
        cdk.CfnOutput(jobs, "Reads", value=f"{platform.vpc.vpc_id} {storage.bucket.bucket_arn}")

    configuration = configured(stacks)
    assert own_stacks_of(configuration, configuration.environment("dev")) == [
        OwnStack(part="storage", outputs=("BucketName",), retained=("AWS::S3::Bucket",)),
        OwnStack(part="jobs", outputs=("Reads",), uses_network=True),
    ]


def test_a_synthesis_has_own_stacks_with_the_tags_of_the_app(tmp_path: Path) -> None:
    app = build_app(configured(storage), "dev", outdir=str(tmp_path))
    app.synth()
    assert "shop-dev-storage" in read_templates(tmp_path)
    artifacts = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    tags = [artifacts[f"shop-dev-{part}"]["properties"]["tags"] for part in ("storage", "network")]
    assert tags[0] == tags[1] == {OWNER_TAG: "shop/dev", "CostCenter": "NO PROGRAM / 000000"}


def test_own_stacks_of_a_configuration_in_memory_are_unknown() -> None:
    assert configured(storage).environment("dev").own_stacks is None
    assert dataclasses.replace(configured(storage).environment("dev"), own_stacks=()).own_stacks == ()
