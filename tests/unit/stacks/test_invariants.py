"""Rules for every environment, and that each violation is refused."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from portside.testing.invariants import deletable_state, mutable_images, open_to_the_internet, plain_secrets
from tests.audits.assemblies import AUDITED, acknowledgments_of, audited
from tests.unit.invariants import (
    Acknowledgment,
    containers_unwatched,
    unexplained_wildcards,
    unpinned_actions,
)
from tests.unit.stacks_support import ENVIRONMENTS, assembly, configuration, read_templates

ROOT = Path(__file__).parents[3]
WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text())
    for folder in (".github/workflows", ".github/actions")
    for path in sorted((ROOT / folder).rglob("*.y*ml"))
}

Json = dict[str, Any]

ASSEMBLIES = [
    *(pytest.param(name, None, id=name) for name in ENVIRONMENTS),
    *(pytest.param(*each, id="-".join(each), marks=pytest.mark.slow) for each in AUDITED),
]
every_assembly = pytest.mark.parametrize(("name", "step"), ASSEMBLIES)


def folder_of(name: str, step: str | None) -> Path:
    return audited(name, step).folder if step else assembly(name)


def templates_of(name: str, step: str | None = None) -> dict[str, Json]:
    return read_templates(folder_of(name, step))


def protected_stacks(folder: Path) -> set[str]:
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    return {key for key, each in artifacts.items() if each.get("properties", {}).get("terminationProtection")}


def reasons_without_check(name: str) -> dict[str, str]:
    return {props.container_name: props.no_healthcheck_reason for props in configuration().services_of(name)}


@pytest.mark.parametrize(("name", "step"), [each for each in ASSEMBLIES if each.values[0] == "prod"])
def test_nothing_stateful_can_be_deleted_in_prod(name: str, step: str | None) -> None:
    folder = folder_of(name, step)
    assert deletable_state(read_templates(folder), protected_stacks(folder)) == []


@every_assembly
def test_only_the_load_balancer_accepts_the_internet(name: str, step: str | None) -> None:
    assert open_to_the_internet(templates_of(name, step)) == []


@every_assembly
def test_every_container_has_a_check_limits_and_a_log_that_is_kept(name: str, step: str | None) -> None:
    assert containers_unwatched(templates_of(name, step), reasons_without_check(name)) == []


@every_assembly
def test_no_value_in_a_template_is_a_secret(name: str, step: str | None) -> None:
    assert plain_secrets(templates_of(name, step)) == []


@every_assembly
def test_no_permission_is_wider_than_its_reason_explains(name: str, step: str | None) -> None:
    folder = folder_of(name, step)
    assert unexplained_wildcards(read_templates(folder), acknowledgments_of(folder)) == []


@every_assembly
def test_no_image_can_be_moved(name: str, step: str | None) -> None:
    assert mutable_images(templates_of(name, step)) == []


def test_every_action_is_pinned_by_commit() -> None:
    assert len(WORKFLOWS) >= 4
    assert unpinned_actions(WORKFLOWS) == []


def broken(part: str, change: Callable[[Json], None], name: str = "prod") -> dict[str, Json]:
    """The templates of an environment with a change by hand in one of its stacks."""
    changed = copy.deepcopy(templates_of(name))
    change(changed[f"agora-{name}-{part}"]["Resources"])
    return changed


def only(resources: Json, kind: str) -> Json:
    """The only resource of a type."""
    [found] = [each for each in resources.values() if each["Type"] == kind]
    return dict(found)


def first(resources: Json, kind: str) -> Json:
    found: Json = next(each for each in resources.values() if each["Type"] == kind)
    return found


def container(resources: Json) -> Json:
    [found] = only(resources, "AWS::ECS::TaskDefinition")["Properties"]["ContainerDefinitions"]
    return dict(found)


def set_in(resources: Json, kind: str, name: str, value: object) -> None:
    first(resources, kind)["Properties"][name] = value


def set_in_container(resources: Json, name: str, value: object) -> None:
    first(resources, "AWS::ECS::TaskDefinition")["Properties"]["ContainerDefinitions"][0][name] = value


def rule(**changes: object) -> Json:
    return {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443} | changes


def allow(resources: Json, **source: object) -> None:
    first(resources, "AWS::EC2::SecurityGroup")["Properties"]["SecurityGroupIngress"] = [rule(**source)]


def add(resources: Json, kind: str, **properties: object) -> None:
    resources["ByHand"] = {"Type": kind, "Properties": properties}


PROTECTED = {"agora-prod-network", "agora-prod-docdb-v8", "agora-prod-ecs", "agora-prod-load-balancer"}


def deleted_with_stack(resources: Json) -> None:
    first(resources, "AWS::DocDB::DBCluster")["DeletionPolicy"] = "Delete"


def replaced_without_a_trace(resources: Json) -> None:
    del first(resources, "AWS::SecretsManager::Secret")["UpdateReplacePolicy"]


def unprotected(resources: Json) -> None:
    set_in(resources, "AWS::DocDB::DBCluster", "DeletionProtection", False)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (deleted_with_stack, "its DeletionPolicy keeps nothing, got 'Delete'"),
        (replaced_without_a_trace, "its UpdateReplacePolicy keeps nothing, got None"),
        (unprotected, "without protection from deletion"),
    ],
)
def test_a_database_that_can_be_deleted_is_refused(change: Callable[[Json], None], said: str) -> None:
    [refusal] = deletable_state(broken("docdb-v8", change), protected_stacks(assembly("prod")))
    assert said in refusal


def test_a_bucket_that_is_deleted_with_its_stack_is_refused() -> None:
    changed = broken("ecs", lambda resources: add(resources, "AWS::S3::Bucket"))
    assert len(deletable_state(changed, protected_stacks(assembly("prod")))) == 2


def test_a_load_balancer_that_can_be_deleted_is_refused() -> None:
    changed = broken(
        "load-balancer",
        lambda resources: set_in(resources, "AWS::ElasticLoadBalancingV2::LoadBalancer", "LoadBalancerAttributes", []),
    )
    [refusal] = deletable_state(changed, protected_stacks(assembly("prod")))
    assert "a load balancer without protection" in refusal


def test_a_stack_with_state_that_can_be_terminated_is_refused() -> None:
    protected = protected_stacks(assembly("prod"))
    assert protected >= PROTECTED
    [refusal] = deletable_state(templates_of("prod"), protected - {"agora-prod-network"})
    assert refusal == "agora-prod-network: contains state without protection from termination"


WAYS_IN: dict[str, tuple[str, Callable[[Json], None]]] = {
    "a service by its group": ("api", lambda it: allow(it, CidrIp="0.0.0.0/0")),
    "a service over IPv6": ("api", lambda it: allow(it, CidrIpv6="::/0")),
    "half of the internet": ("api", lambda it: allow(it, CidrIp="128.0.0.0/1")),
    "a prefix list": ("api", lambda it: allow(it, SourcePrefixListId="pl-1234")),
    "a separate rule": (
        "app",
        lambda it: add(it, "AWS::EC2::SecurityGroupIngress", **rule(CidrIp="0.0.0.0/0", GroupId={"Ref": "Group"})),
    ),
    "the database by its group": ("docdb-v8", lambda it: allow(it, CidrIp="0.0.0.0/0", FromPort=27017, ToPort=27017)),
    "the database by an address": (
        "docdb-v8",
        lambda it: set_in(it, "AWS::DocDB::DBInstance", "PubliclyAccessible", True),
    ),
    "the database by its subnets": (
        "docdb-v8",
        lambda it: set_in(it, "AWS::DocDB::DBSubnetGroup", "SubnetIds", [{"Ref": "VpcPublicSubnet1Subnet"}]),
    ),
    "tasks with public addresses": (
        "app",
        lambda it: set_in(
            it, "AWS::ECS::Service", "NetworkConfiguration", {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}
        ),
    ),
    "an address for a machine": ("network", lambda it: add(it, "AWS::EC2::EIP", InstanceId="i-1234")),
    "a function's address": ("ecs", lambda it: add(it, "AWS::Lambda::Url", AuthType="NONE")),
    "another port of the load balancer": (
        "load-balancer",
        lambda it: allow(it, CidrIp="0.0.0.0/0", FromPort=0, ToPort=65535),
    ),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_another_entry_point_from_the_internet_is_refused(way: str) -> None:
    part, change = WAYS_IN[way]
    [refusal] = open_to_the_internet(broken(part, change))
    assert refusal.startswith(f"agora-prod-{part}: ")


def test_the_load_balancer_and_private_networks_may_come_in() -> None:
    text = json.dumps(templates_of("prod"))
    assert '"CidrIp": "0.0.0.0/0"' in text
    assert open_to_the_internet(broken("api", lambda it: allow(it, CidrIp="10.254.174.0/24"))) == []


def without(name: str) -> Callable[[Json], None]:
    def change(resources: Json) -> None:
        first(resources, "AWS::ECS::TaskDefinition")["Properties"]["ContainerDefinitions"][0].pop(name)

    return change


def forgetting_logs(resources: Json) -> None:
    for each in resources.values():
        if each["Type"] == "AWS::Logs::LogGroup":
            each["Properties"].pop("RetentionInDays")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("HealthCheck"), "no health check, and no reason for it"),
        (without("MemoryReservation"), "no memory reservation"),
        (without("LogConfiguration"), "no log"),
        (lambda it: set_in(it, "AWS::ECS::TaskDefinition", "Memory", None), "a task without Memory"),
        (lambda it: set_in_container(it, "Privileged", True), "privileged"),
        (
            lambda it: set_in_container(
                it, "LogConfiguration", {"LogDriver": "awslogs", "Options": {"awslogs-group": "elsewhere"}}
            ),
            "its log is no group of its stack",
        ),
    ],
)
def test_a_container_that_no_one_can_watch_is_refused(change: Callable[[Json], None], said: str) -> None:
    [refusal] = containers_unwatched(broken("api", change), reasons_without_check("prod"))
    assert refusal.endswith(said)


def test_a_log_that_no_one_ends_is_refused() -> None:
    refusals = containers_unwatched(broken("api", forgetting_logs), reasons_without_check("prod"))
    assert [each.rpartition(": ")[2] for each in refusals] == ["nothing says how long its log is kept"] * 2


def test_a_written_reason_replaces_a_health_check() -> None:
    reasons = reasons_without_check("prod")
    changed = broken("api", without("HealthCheck"))
    assert containers_unwatched(changed, reasons | {"agora-api": "has no program that could ask it"}) == []
    assert containers_unwatched(changed, reasons | {"agora-api": "false positive"})


AWS_KEY = f"AKIA{'Q' * 16}"
SECRETS: dict[str, tuple[str, Callable[[Json], None]]] = {
    "a literal password": (
        "docdb-v8",
        lambda it: set_in(it, "AWS::DocDB::DBCluster", "MasterUserPassword", "hunter2hunter2"),
    ),
    "a literal secret": (
        "docdb-v8",
        lambda it: set_in(it, "AWS::SecretsManager::Secret", "SecretString", "hunter2hunter2"),
    ),
    "an assembled password": (
        "docdb-v8",
        lambda it: set_in(
            it, "AWS::DocDB::DBCluster", "MasterUserPassword", {"Fn::Join": ["", ["hunter2", "hunter2"]]}
        ),
    ),
    "a variable that is called a secret": (
        "api",
        lambda it: set_in_container(it, "Environment", [{"Name": "MONGODB_PASS", "Value": "hunter2hunter2"}]),
    ),
    "a variable that shows a secret": (
        "api",
        lambda it: set_in_container(
            it, "Environment", [{"Name": "MONGODB", "Value": "{{resolve:secretsmanager:name:SecretString:::}}"}]
        ),
    ),
    "a key in any place": ("app", lambda it: set_in_container(it, "Command", ["--key", AWS_KEY])),
}


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_a_template_is_refused_and_not_repeated(secret: str) -> None:
    part, change = SECRETS[secret]
    [refusal] = plain_secrets(broken(part, change))
    assert refusal.startswith(f"agora-prod-{part}: ")
    assert not re.search(f"hunter2|{AWS_KEY}", refusal)


def test_an_output_that_shows_a_secret_is_refused() -> None:
    changed = copy.deepcopy(templates_of("prod"))
    shown = {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Secret"}, ":SecretString:::}}"]]}
    changed["agora-prod-docdb-v8"]["Outputs"]["ByHand"] = {"Value": shown}
    assert plain_secrets(changed) == ["agora-prod-docdb-v8: output ByHand: shows a secret"]


def policy(**statement: object) -> dict[str, Json]:
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:x"} | statement]}
    resource = {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyDocument": document},
        "Metadata": {"aws:cdk:path": "stack/Role/DefaultPolicy/Resource"},
    }
    return {"stack": {"Resources": {"Policy": resource}}}


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "*"},
        {"Action": ["s3:GetObject", "s3:*"]},
        {"Resource": "*"},
        {"Resource": {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::bucket/*"]]}},
        {"NotAction": "iam:*"},
        {"Principal": {"AWS": "*"}},
    ],
)
def test_a_wildcard_without_a_reason_is_refused(statement: Json) -> None:
    assert len(unexplained_wildcards(policy(**statement))) == 1


def test_a_wildcard_with_a_reason_on_its_role_is_taken_and_no_other_with_it() -> None:
    given = [Acknowledgment("stack/Role", "AwsSolutions::AwsSolutions-IAM5[Resource::*]", "these have no resources")]
    assert unexplained_wildcards(policy(Resource="*"), given) == []
    assert len(unexplained_wildcards(policy(Resource="*", Action="s3:*"), given)) == 1
    elsewhere = [Acknowledgment("stack/Other", given[0].id, given[0].reason)]
    assert len(unexplained_wildcards(policy(Resource="*"), elsewhere)) == 1


@pytest.mark.parametrize("name", ["stage", "prod"])
@pytest.mark.parametrize("image", ["ghcr.io/sage-bionetworks/agora-api:4.2.1", "ghcr.io/sage-bionetworks/agora-api"])
def test_a_tag_in_stage_or_prod_is_refused(name: str, image: str) -> None:
    changed = broken("api", lambda it: set_in_container(it, "Image", image), name)
    [refusal] = mutable_images(changed)
    assert refusal.endswith(f"got {image!r}")


@pytest.mark.parametrize(
    "workflow",
    [
        {"jobs": {"one": {"steps": [{"uses": "actions/checkout@v6"}]}}},
        {"jobs": {"one": {"steps": [{"uses": "actions/checkout@main"}]}}},
        {"jobs": {"one": {"uses": "someone/else/.github/workflows/deploy.yaml@v1"}}},
        {"jobs": {"one": {"steps": [{"uses": "docker://alpine:3"}]}}},
        {"jobs": {"one": {"container": {"image": "node:24"}}}},
    ],
)
def test_an_action_that_can_be_moved_is_refused(workflow: Json) -> None:
    assert len(unpinned_actions({"by-hand.yaml": workflow})) == 1


def test_a_key_that_encrypts_more_than_a_topic_must_stay() -> None:
    key: dict[str, object] = {"Type": "AWS::KMS::Key"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}}
    log = {"Type": "AWS::Logs::LogGroup", "Properties": {"KmsKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}}
    of_a_topic = {"s": {"Resources": {"Key": key, "Topic": topic}}}
    of_logs_too = {"s": {"Resources": {"Key": key, "Topic": topic, "Log": log}}}
    assert deletable_state(of_a_topic, []) == []
    assert len(deletable_state(of_logs_too, [])) == 3
