"""An environment is "production" by its kind, never by its name: each rule is tried with each kind, under neutral,
matching and contradicting names."""

from __future__ import annotations

import ast
import functools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

from portside.config.configuration import ROOT, Configuration
from portside.config.environment import Environment
from portside.config.kind import Kind
from portside.config.service_props import ServiceProps
from portside.deploy import destroy
from portside.deploy.deploy_role import role_documents
from portside.errors import ConfigurationError, UsageError
from portside.images.synthesis_images import images_for_synthesis, references_of
from portside.plan.images import locked_images
from portside.synthesis import cdk_cli
from tests import apps
from tests.apps import AGORA
from tests.source_code import nodes_of, sources, text_of
from tests.stubs import stubs
from tests.unit.configuration_support import WAIVED, check_configuration, environments, service
from tests.unit.operations_support import FakeCloudFormation, FakeParameters, target
from tests.unit.stacks_support import shared_synthesis_with

KINDS = {
    "sandbox": Kind.DEVELOPMENT,
    "uat": Kind.STAGING,
    "qa2": Kind.STAGING,
    "live": Kind.PRODUCTION,
    "production": Kind.PRODUCTION,
    # The names that have a default, each as what it is not.
    "prod": Kind.DEVELOPMENT,
    "stage": Kind.PRODUCTION,
    "dev": Kind.PRODUCTION,
}
RELEASED = [name for name, kind in KINDS.items() if kind is not Kind.DEVELOPMENT]
each_environment = pytest.mark.parametrize(("name", "kind"), KINDS.items())


def written(**changes: Any) -> dict[str, dict[str, Any]]:
    """Entries of all these environments, each with the changes."""
    proof = {kind: {"PROVED_BY": "uat"} if kind is Kind.PRODUCTION else {} for kind in Kind}
    return environments(**{name: {"KIND": kind} | proof[kind] | changes for name, kind in KINDS.items()})


def one_service(_: Environment) -> list[ServiceProps]:
    return [service(public=True)]


@functools.cache
def configuration() -> Configuration:
    return check_configuration(written(), one_service)


def problems_of(**props: Any) -> dict[str, list[str]]:
    """The mistakes reported for a service, by environment; empty if there are none."""
    found: dict[str, list[str]] = {}
    for name, entry in written().items():
        alone = {name: entry | (WAIVED if entry["KIND"] is Kind.PRODUCTION else {})}
        try:
            check_configuration(alone, lambda _: [service(public=True, **props)])
        except ConfigurationError as error:
            found[name] = [problem.what for problem in error.problems]
    return found


@functools.cache
def assembly(name: str) -> Path:
    """The stacks of an environment, as `cdk deploy` gets them."""
    images = stubs("1.0.0", references_of(configuration().services_of(name)))
    return shared_synthesis_with(images, configuration(), name)


def template(name: str, part: str) -> Template:
    text = (assembly(name) / f"agora-{name}-{part}.template.json").read_text(encoding="utf-8")
    return Template.from_string(text)


def stacks(name: str) -> dict[str, dict[str, Any]]:
    manifest = json.loads((assembly(name) / "manifest.json").read_text(encoding="utf-8"))
    artifacts = manifest["artifacts"].items()
    return {key: each["properties"] for key, each in artifacts if each["type"] == "aws:cloudformation:stack"}


@pytest.mark.slow
@each_environment
def test_only_production_is_protected_from_deletion(name: str, kind: Kind) -> None:
    protected = kind is Kind.PRODUCTION
    assert {bool(each.get("terminationProtection")) for each in stacks(name).values()} == {protected}
    [balancer] = template(name, "load-balancer").find_resources("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    attributes = {each["Key"]: each["Value"] for each in balancer["Properties"]["LoadBalancerAttributes"]}
    assert attributes["deletion_protection.enabled"] == str(protected).lower()


@pytest.mark.slow
@each_environment
def test_commands_can_be_executed_except_in_production(name: str, kind: Kind) -> None:
    [ran] = template(name, "app").find_resources("AWS::ECS::Service").values()
    assert bool(ran["Properties"].get("EnableExecuteCommand")) is (kind is not Kind.PRODUCTION)
    rights = json.dumps(template(name, "app").find_resources("AWS::IAM::Policy"))
    assert ("ssmmessages" in rights) is (kind is not Kind.PRODUCTION)


@pytest.mark.slow
@each_environment
def test_outside_development_there_are_two_ways_out(name: str, kind: Kind) -> None:
    ways_out = 1 if kind is Kind.DEVELOPMENT else 2
    template(name, "network").resource_count_is("AWS::EC2::NatGateway", ways_out)


@pytest.mark.slow
@each_environment
def test_data_stays_and_alarms_are_there_whatever_the_kind(name: str, kind: Kind) -> None:
    template(name, "monitoring").resource_count_is("AWS::SNS::Topic", 1)
    assert len(template(name, "load-balancer").find_resources("AWS::CloudWatch::Alarm")) >= 1, kind
    [cluster] = template(name, "docdb-v8").find_resources("AWS::DocDB::DBCluster").values()
    assert (cluster["DeletionPolicy"], cluster["Properties"]["DeletionProtection"]) == ("Retain", True)


@pytest.mark.parametrize(
    ("props", "what"),
    [
        ({"container_location": "path://docker/app"}, "must not run an image that is built on the deploying machine"),
        ({"container_location": "ghcr.io/org/app:edge"}, "must not run a tag that moves from image to image"),
        ({"container_location": "ghcr.io/org/app:latest"}, "must not run a tag that moves from image to image"),
        ({"container_location": "ghcr.io/org/app:live"}, "must not run a tag that moves from image to image"),
        ({"spot_weight": 1}, "AWS can interrupt Spot capacity at any time"),
    ],
)
def test_what_may_change_or_stop_under_a_release_is_refused_outside_development(
    props: dict[str, Any], what: str
) -> None:
    found = problems_of(**props)
    # In development the folder of path:// is searched for, and does not exist.
    assert [name for name, problems in found.items() if any(what in each for each in problems)] == RELEASED


@pytest.mark.parametrize("tag", ["edge", "latest", "main", "sha-0123abc"])
def test_an_environment_names_a_moving_tag_only_in_development(tag: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        check_configuration(written(GHCR_PACKAGE_VERSION=tag), one_service)
    wrong = [problem.where.split('"')[1] for problem in raised.value.problems]
    assert wrong == RELEASED


@pytest.mark.parametrize("name", RELEASED)
def test_a_moving_tag_stops_what_acts_on_its_environment_and_nothing_else(name: str) -> None:
    moving = written() | {name: written()[name] | {"GHCR_PACKAGE_VERSION": "edge"}}
    for acting_on in ([name], ["sandbox", name], list(KINDS), None):
        with pytest.raises(ConfigurationError, match="moves from image to image"):
            check_configuration(moving, one_service, acting_on=acting_on)
    [warning] = check_configuration(moving, one_service, acting_on=["sandbox"]).warnings
    assert warning.where == f'ENVIRONMENTS["{name}"]["GHCR_PACKAGE_VERSION"]'


@pytest.mark.parametrize("location", ["ghcr.io/org/app:edge", "nginx:latest", "path://docker/app"])
def test_an_image_that_cannot_be_released_stops_what_acts_on_its_environment(location: str, tmp_path: Path) -> None:
    (tmp_path / "docker" / "app").mkdir(parents=True)
    (tmp_path / "docker" / "app" / "Dockerfile").touch()

    def services(_: Environment) -> list[ServiceProps]:
        return [service(public=True, container_location=location)]

    for name in RELEASED:
        with pytest.raises(ConfigurationError, match="must not run"):
            check_configuration(written(), services, tmp_path, acting_on=[name])
    warnings = check_configuration(written(), services, tmp_path, acting_on=["sandbox"]).warnings
    assert [each.what.split()[0] for each in warnings] == RELEASED


@each_environment
def test_images_come_from_a_lock_outside_development(
    name: str, kind: Kind, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("portside.images.synthesis_images.RELEASES", tmp_path)
    monkeypatch.setattr("portside.plan.images.RELEASES", tmp_path)
    environment = configuration().environment(name)
    if kind is Kind.DEVELOPMENT:
        assert locked_images(environment, configuration(), local=False) is None
        return
    with pytest.raises(UsageError, match="is missing") as refused:
        locked_images(environment, configuration(), local=False)
    assert name in str(refused.value)
    with pytest.raises(UsageError, match="is missing"):
        images_for_synthesis(environment, configuration().services_of(name))


@each_environment
def test_a_change_of_production_is_confirmed_with_its_name(name: str, kind: Kind) -> None:
    assert configuration().environment(name).confirmation == (name if kind is Kind.PRODUCTION else "yes")


class Synthesized(Exception):
    """The command came so far as to make templates."""


@pytest.fixture
def stops_at_the_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    def synthesize(*_: object, **__: object) -> None:
        raise Synthesized

    monkeypatch.setattr(cdk_cli, "synthesize", synthesize)


@pytest.mark.usefixtures("stops_at_the_templates")
@each_environment
@pytest.mark.parametrize("is_local", [False, True])
def test_the_data_of_production_is_deleted_in_rehearsals_only(name: str, kind: Kind, is_local: bool) -> None:
    refused = kind is Kind.PRODUCTION and not is_local
    aws = {"cloudformation": FakeCloudFormation(), "ssm": FakeParameters()}
    place = target(aws, environment=name, is_local=is_local, configuration=configuration())
    with pytest.raises(UsageError if refused else Synthesized, match=name if refused else None):
        destroy.plan(place, configuration().services_of(name), with_data=True)


@each_environment
def test_taking_production_down_lifts_its_protection_first(name: str, kind: Kind) -> None:
    lifted = []

    class Noting(FakeCloudFormation):
        def update_termination_protection(self, *, StackName: str, EnableTerminationProtection: bool) -> None:
            assert not EnableTerminationProtection
            lifted.append(StackName)

    names = [configuration().environment(name).stack_name(part) for part in ("load-balancer", "app")]
    destroy._unprotect(target({"cloudformation": Noting()}, environment=name, configuration=configuration()), names)
    assert lifted == (names if kind is Kind.PRODUCTION else [])
    inside = {f"agora-{name}-ecs", f"agora-{name}-load-balancer"} if kind is Kind.PRODUCTION else set()
    assert set(destroy._protected(configuration().environment(name), with_data=False)) == inside


@each_environment
def test_no_role_takes_production_down(name: str, kind: Kind) -> None:
    lasting = json.dumps(role_documents(configuration(), name).destroy)
    assert (f"stack/agora-{name}-*" in lasting) is (kind is not Kind.PRODUCTION)


def test_the_proving_environment_is_always_a_staging_one() -> None:
    found = configuration().environments.values()
    assert {each.name for each in found if each.proved_by} == {name for name in KINDS if KINDS[name] is Kind.PRODUCTION}
    assert {each.proved_by for each in found if each.proved_by} == {"uat"}


def test_what_an_app_derives_follows_the_kind_too() -> None:
    agora = check_agora()
    variables = {
        name: agora.services_of(name)[3].container_env_vars["GOOGLE_TAG_MANAGER_ENABLED"] for name in agora.environments
    }
    assert variables == {name: str(kind is Kind.PRODUCTION).lower() for name, kind in KINDS.items()}


def check_agora() -> Configuration:
    """Agora's services in these environments."""
    changed = written(GHCR_PACKAGE_VERSION="4.2.1-rc1")
    wide = {name: entry | {"VPC_CIDR": f"10.{index}.0.0/22"} for index, (name, entry) in enumerate(changed.items(), 2)}
    return check_configuration(wide, apps.written(AGORA)["services"])


# The names that environments have, have had, or are often given.
NAMES = {"dev", "stage", "prod", "staging", "production", "development", "live", "uat", "prd", "qa"}
ALLOWED = {
    "portside/config/kind.py": "gives the three names their defaults, and proposes kinds for others",
    "portside/config/context_files.py": "reads files of apps with these environments, and refuses others",
    "tests/apps/agora/app.py": "has Agora's own environments, and the names that its programs have for kinds",
}


def said(nodes: Iterable[ast.AST]) -> list[int]:
    """The lines that contain the name of an environment as a literal, however they use it."""
    return sorted({node.lineno for node in nodes if isinstance(node, ast.Constant) and node.value in NAMES})


def compared(nodes: Iterable[ast.AST]) -> list[int]:
    """The lines that compare an environment's name with a text."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            texts = [each for part in parts for each in ast.walk(part) if isinstance(each, ast.Constant)]
            if any(isinstance(each.value, str) for each in texts) and any(map(_is_name_of_one, parts)):
                found.add(node.lineno)
        elif isinstance(node, ast.Match) and _is_name_of_one(node.subject):
            found.add(node.lineno)
    return sorted(found)


def _is_name_of_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "name" and ast.unparse(node.value).endswith("environment")


def test_no_code_asks_an_environment_for_its_name() -> None:
    found = {}
    for place, nodes in [
        *sources("src", "portside", "agora_own"),
        ("tests/apps/agora/app.py", nodes_of(text_of(AGORA / "app.py"))),
    ]:
        lines = [*compared(nodes), *([] if place in ALLOWED else said(nodes))]
        if lines:
            found[place] = lines
    assert found == {}


def test_what_is_allowed_to_say_names_still_does() -> None:
    for place in ALLOWED:
        assert said(nodes_of(text_of(ROOT / place))), place


@pytest.mark.parametrize(
    "source",
    [
        'environment.name == "prod"',
        'name in ("stage", "prod")',
        'PROTECTED = "prod"',
        'SOURCES = {"stage": "dev"}',
        'name.startswith("prod")',
        'click.argument("environment", default="dev")',
    ],
)
def test_the_search_finds_a_name_in_whatever_way_it_is_used(source: str) -> None:
    assert said(nodes_of(source)) == [1]


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ('target.environment.name == "blue"', True),
        ('"blue" != environment.name', True),
        ('environment.name not in ("blue", "green")', True),
        ('match environment.name:\n    case "blue": pass', True),
        ('environment.kind == "production"', False),
        ("environment.name == other.name", False),
        ('service.name == "blue"', False),
    ],
)
def test_the_search_finds_comparisons_with_names_that_it_does_not_know(source: str, is_found: bool) -> None:
    assert bool(compared(nodes_of(source))) is is_found
