from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from portside.config.configuration import Configuration
from portside.config.configuration import check_configuration as check_names
from portside.config.context_flags import WITH_DATA
from portside.config.deferred_values import StackOutput
from portside.config.environment import OWNER_TAG, Environment
from portside.config.own_stacks import OwnStack
from portside.config.service_props import Call, ServiceSecret
from portside.errors import ConfigurationError
from portside.stacks.describe_own_stacks import own_stacks_of
from portside.stacks.own_stacks import OwnResources, Platform, add_own_stacks
from portside.stacks.synthesize import build_app
from portside.synthesis.assembly import read_assembly
from tests.apps import shop
from tests.unit.configuration_support import environments, one_service, service
from tests.unit.stacks_support import Json, of_type, properties, read_templates

NO_PLATFORM: Any = None
FILES = ("AWS::EFS::FileSystem",)
BUCKET = ("AWS::S3::Bucket",)


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


def added(stacks: Callable[..., object], *, protected: bool = False) -> dict[str, OwnResources]:
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
    stack = added(storage, protected=True)["storage"].stack
    assert stack.stack_name == "shop-dev-storage"
    assert (stack.account, stack.region) == ("607346494281", "us-east-1")
    assert stack.tags.tag_values()[OWNER_TAG] == "shop/dev"
    assert stack.termination_protection is True


def test_with_its_data_nothing_is_retained_or_protected(tmp_path: Path) -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        stack = Storage(app, environment.stack_name("storage"))
        dynamodb.Table(
            stack,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            deletion_protection=True,
        )

    def resources(name: str, **context: str) -> list[Json]:
        build_app(configured(stacks), "dev", outdir=str(tmp_path / name), context=context).synth()
        return list(read_templates(tmp_path / name)["shop-dev-storage"]["Resources"].values())

    for each in resources("as it is"):
        assert each["DeletionPolicy"] == "Retain"
        assert each["Properties"].get("DeletionProtectionEnabled", True) is True
    for each in resources("destroyed", **{WITH_DATA: "true"}):
        assert each["DeletionPolicy"] == each["UpdateReplacePolicy"] == "Delete"
        assert each["Properties"].get("DeletionProtectionEnabled", False) is False


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
    "the database's name in calls": (
        lambda app, environment: Storage(app, environment.stack_name("database")),
        "stacks(…): Storage: in calls, this name is that of the environment's database, got 'database'\n"
        "Use another name.",
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
        OwnStack(part="storage", outputs=("BucketName",), retained=BUCKET),
        OwnStack(part="jobs", outputs=("Reads",), uses_network=True),
    ]


GROUP = "Write self.connections = ec2.Connections(security_groups=[group], default_port=ec2.Port.tcp(6379))."
GRANT = 'Write self.grants = {"read_write": bucket.grant_read_write}.'


@pytest.mark.parametrize(
    ("attribute", "value", "said"),
    [
        ("grants", ["read"], f"stacks(…): Storage.grants: not functions by name, got ['read']\n{GRANT}"),
        ("grants", {"read": "bucket"}, f"stacks(…): Storage.grants: not functions by name, got a dict\n{GRANT}"),
        (
            "connections",
            "sg-1",
            f"stacks(…): Storage.connections: no Connections with a security group, got 'sg-1'\n{GROUP}",
        ),
        (
            "connections",
            ec2.Connections(),
            f"stacks(…): Storage.connections: no Connections with a security group, got a Connections\n{GROUP}",
        ),
    ],
)
def test_an_attribute_that_services_can_not_use_is_refused(attribute: str, value: object, said: str) -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        setattr(Storage(app, environment.stack_name("storage")), attribute, value)

    assert refused(stacks) == [said]


def described(stacks: Callable[..., object]) -> list[OwnStack]:
    configuration = configured(stacks)
    return own_stacks_of(configuration, configuration.environment("dev"))


def test_a_grant_that_fails_is_refused_before_a_service_uses_it() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        stack: Any = Storage(app, environment.stack_name("storage"))
        stack.grants = {"read": stack.bucket.grant_read, "write": lambda: None}

    with pytest.raises(ConfigurationError) as refusal:
        described(stacks)
    [problem] = refusal.value.problems
    assert problem.where == 'stacks(…): the grant "write" of storage'
    assert problem.what.startswith("TypeError: ")
    assert "such as bucket.grant_read_write" in problem.hint


def test_a_grant_that_makes_a_stack_wait_for_its_services_is_refused() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        stack: Any = Storage(app, environment.stack_name("storage"))

        def both(role: iam.Role) -> None:
            stack.bucket.grant_read(role)
            cdk.CfnOutput(stack, "Reader", value=role.role_arn)

        stack.grants = {"read": both}

    with pytest.raises(ConfigurationError) as refusal:
        described(stacks)
    assert "shop-dev-storage" in str(refusal.value)
    assert "cyclic" in str(refusal.value)


def test_a_lookup_is_refused_because_its_values_are_unknown() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        ec2.Vpc.from_lookup(Jobs(app, environment.stack_name("jobs")), "Vpc", vpc_id="vpc-1")

    with pytest.raises(ConfigurationError, match=r"stacks\(…\): a lookup queries AWS, got vpc-provider\nUse platform"):
        described(stacks)


def test_the_description_of_the_shop_has_what_services_can_use() -> None:
    assert {each.part: each for each in shop().environment("dev").own_stacks or ()} == {
        "storage": OwnStack("storage", outputs=("BucketName",), grants=("read", "read_write"), retained=BUCKET),
        "orders": OwnStack("orders", outputs=("QueueUrl",), grants=("send", "consume")),
        "files": OwnStack(
            "files",
            volumes=("uploads",),
            accepts_calls=True,
            port=2049,
            retained=FILES,
            uses_network=True,
        ),
        "cache": OwnStack("cache", outputs=("Endpoint",), accepts_calls=True, port=6379, uses_network=True),
    }


@pytest.fixture(scope="module")
def shop_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    build_app(shop(), "dev", outdir=str(folder)).synth()
    return folder


def container(folder: Path, part: str) -> Json:
    [containers] = properties(read_templates(folder)[f"shop-dev-{part}"], "AWS::ECS::TaskDefinition")[
        "ContainerDefinitions"
    ]
    return dict(containers)


def output(stack: str, name: str) -> Json:
    return {"Fn::GetStackOutput": {"StackName": f"shop-dev-{stack}", "Region": "us-east-1", "OutputName": name}}


def test_outputs_are_read_by_their_names_alone_or_in_a_text(shop_folder: Path) -> None:
    assert {each["Name"]: each["Value"] for each in container(shop_folder, "web")["Environment"]} == {
        "UPLOADS_BUCKET": output("storage", "BucketName"),
        "ORDERS_QUEUE_URL": output("orders", "QueueUrl"),
        "CACHE_URL": {"Fn::Join": ["", ["rediss://", output("cache", "Endpoint"), ":6379"]]},
    }


def test_only_the_service_with_a_grant_has_its_rights(shop_folder: Path) -> None:
    def actions(part: str) -> set[str]:
        policies = of_type(read_templates(shop_folder)[f"shop-dev-{part}"], "AWS::IAM::Policy")
        [of_tasks] = [each["Properties"] for name, each in policies.items() if name.startswith("TaskRole")]
        listed = [each["Action"] for each in of_tasks["PolicyDocument"]["Statement"]]
        return {each for some in listed for each in some if each.startswith(("s3", "sqs"))}

    assert {"s3:PutObject", "sqs:SendMessage"} < actions("web")
    assert "sqs:ReceiveMessage" not in actions("web")
    assert "sqs:ReceiveMessage" in actions("worker")
    assert not any(each.startswith("s3") for each in actions("worker"))


def test_services_wait_for_the_stacks_that_they_use_and_no_own_stack_for_a_service(shop_folder: Path) -> None:
    waits = {each.name: set(each.depends_on) for each in read_assembly(shop_folder)}
    own = {"shop-dev-storage", "shop-dev-orders", "shop-dev-cache"}
    assert waits["shop-dev-web"] & own == own
    assert waits["shop-dev-worker"] & {*own, "shop-dev-files"} == {"shop-dev-orders", "shop-dev-files"}
    services = {"shop-dev-web", "shop-dev-worker"}
    assert not any(waits[each] & services for each in own)
    templates = read_templates(shop_folder)
    outputs = [each for name in own for each in templates[name]["Outputs"].values()]
    assert not any("Export" in each for each in outputs)


def test_callers_of_a_stack_are_in_the_group_that_its_resources_accept(shop_folder: Path) -> None:
    cache = read_templates(shop_folder)["shop-dev-cache"]
    rule = properties(cache, "AWS::EC2::SecurityGroupIngress")
    [callers] = [name for name in cache["Resources"] if name.startswith("Callers")]
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (6379, 6379, "tcp")
    assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [callers, "GroupId"]}
    [name] = [each for each in cache["Outputs"] if "Callers" in each]

    def groups(part: str) -> list[Json]:
        service = properties(read_templates(shop_folder)[f"shop-dev-{part}"], "AWS::ECS::Service")
        return list(service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"])

    assert output("cache", name) in groups("web")
    assert output("cache", name) not in groups("worker")


def with_cache(port: ec2.Port | None, *calls: Call, **changes: Any) -> Json:
    """The template of a cache with a default port that one service calls."""

    def stacks(app: cdk.App, environment: Environment, platform: Platform) -> None:
        stack: Any = Jobs(app, environment.stack_name("cache"))
        group = ec2.SecurityGroup(stack, "Group", vpc=platform.vpc)
        stack.connections = ec2.Connections(security_groups=[group], default_port=port)

    of = configured(stacks)
    web = service(public=True, calls=list(calls), **changes)
    with tempfile.TemporaryDirectory() as folder:
        build_app(dataclasses.replace(of, services={"dev": (web,)}), "dev", outdir=folder).synth()
        return {name.removeprefix("shop-dev-"): each for name, each in read_templates(Path(folder)).items()}


def ports(template: Json) -> list[int]:
    return [each["Properties"]["FromPort"] for each in of_type(template, "AWS::EC2::SecurityGroupIngress").values()]


def test_a_port_besides_the_default_is_open_while_a_service_calls_it() -> None:
    assert ports(with_cache(ec2.Port.tcp(6379))["cache"]) == [6379], "before the first call, and after the last"
    assert ports(with_cache(None)["cache"]) == []
    assert ports(with_cache(None, Call("cache", 6380))["cache"]) == [6380]
    assert sorted(ports(with_cache(ec2.Port.tcp(6379), Call("cache", 6380))["cache"])) == [6379, 6380]


def test_a_secret_can_be_an_output_and_its_field_one_of_json() -> None:
    arn = StackOutput("cache", "SecretArn")
    secrets = [ServiceSecret(arn, "TOKEN"), ServiceSecret(arn, "USER_NAME", "user")]
    template = with_cache(None, container_secrets=secrets)["app"]
    [containers] = properties(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    read = output("cache", "SecretArn")
    assert {each["Name"]: each["ValueFrom"] for each in containers["Secrets"]} == {
        "TOKEN": read,
        "USER_NAME": {"Fn::Join": ["", [read, ":user::"]]},
    }
    policies = json.dumps(of_type(template, "AWS::IAM::Policy"))
    assert "secretsmanager:GetSecretValue" in policies
    assert json.dumps(read) in policies


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
