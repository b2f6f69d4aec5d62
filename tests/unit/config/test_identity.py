"""The identity of an app: what it is called in AWS, and how stacks that run today keep their names."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from portside.config.configuration import Configuration, load_configuration
from portside.config.environment import Environment
from portside.config.identity import APP_HINT, Identity, parse_identity
from portside.config.mistakes import Report
from portside.config.service_names import find_service
from portside.config.service_props import ServiceProps
from portside.config.stacks import service_stack, stacks_of
from portside.errors import ConfigurationError, Problem
from portside.extension import Extension, install, installed
from tests.apps import AGORA
from tests.unit.configuration_support import (
    check_configuration,
    environments,
    named,
    one_service,
    problems_raised_by,
    service,
)

MODEL_AD = dataclasses.replace(named("dev"), identity=Identity("model-ad", "model-ad-{environment}"))


def parsed(app: object, stack_prefix: object = None) -> tuple[Identity | None, list[Problem]]:
    report = Report("app.py")
    return parse_identity(app, stack_prefix, report, report), report.problems


def test_stacks_parameters_and_topics_are_named_after_the_app() -> None:
    configuration = check_configuration(environments(dev={}), one_service, app="model-ad")
    environment = configuration.environment("dev")
    assert environment.owner == "model-ad/dev"
    assert environment.parameter_name("deployment") == "/model-ad/dev/deployment"
    assert environment.alarm_topic_name == "model-ad-dev-alarms"
    assert environment.database_name == "model-ad"
    assert {stack.name.removesuffix(stack.part) for stack in stacks_of(configuration, "dev")} == {"model-ad-dev-"}


@pytest.mark.parametrize(
    ("container_name", "short"),
    [("model-ad-api", "api"), ("model-ad-api-next", "api-next"), ("api", "api"), ("agora-api", "agora-api")],
)
def test_the_short_name_of_a_service_omits_the_app(container_name: str, short: str) -> None:
    assert MODEL_AD.short_name(container_name) == short


@pytest.mark.parametrize("app", ["a", "model-ad", "a1-b2", "x" * 32])
def test_a_name_of_small_letters_digits_and_hyphens_is_an_app(app: str) -> None:
    assert parsed(app) == (Identity(app, f"{app}-{{environment}}"), [])


@pytest.mark.parametrize("app", ["", "Model", "1a", "-a", "a-", "a--b", "a_b", "a b", "x" * 33, 7, None, "é"])
def test_any_other_name_is_refused(app: object) -> None:
    identity, (problem,) = parsed(app)
    assert identity is None
    assert problem.what.startswith("not a valid name of an app, got ")
    assert problem.hint == APP_HINT


@pytest.mark.parametrize(
    ("prefix", "in_dev"),
    [("app-{environment}", "app-dev"), ("{environment}-Model", "dev-Model"), ("a{environment}", "adev")],
)
def test_stacks_that_run_with_other_names_are_adopted(prefix: str, in_dev: str) -> None:
    identity, problems = parsed("model-ad", prefix)
    assert identity is not None
    assert problems == []
    assert identity.stack_prefix_in("dev") == in_dev
    adopted = dataclasses.replace(MODEL_AD, identity=identity)
    assert adopted.stack_name("network") == f"{in_dev}-network"
    assert adopted.parameter_name("deployment") == "/model-ad/dev/deployment", "only stacks have the earlier names"


@pytest.mark.parametrize(
    "prefix", ["app", "", "{environment}-", "1-{environment}", "{environment}{environment}", "a_{environment}", 7]
)
def test_a_prefix_that_no_stack_could_have_or_all_environments_share_is_refused(prefix: Any) -> None:
    identity, (problem,) = parsed("model-ad", prefix)
    assert identity is None
    assert problem.what.startswith("not a valid prefix of stack names, got ")
    assert problem.hint == 'Use the prefix of the running stacks, such as "model-ad-{environment}".'


def test_a_wrong_name_is_reported_with_all_other_mistakes() -> None:
    problems = problems_raised_by(
        lambda: check_configuration(environments(dev={"ACCOUNT": "1"}), one_service, app="My App")
    )
    assert [problem.where for problem in problems] == ["APP", 'ENVIRONMENTS["dev"]["ACCOUNT"]']


def test_a_configuration_from_before_the_setting_is_of_the_app_of_the_extension(tmp_path: Path) -> None:
    earlier = (AGORA / "app.py").read_text().replace('APP = "agora"\n', "")
    (tmp_path / "app.py").write_text(earlier)
    assert load_configuration(tmp_path / "app.py").identity.app == "agora"
    extension = installed()
    install(Extension())
    try:
        (problem,) = problems_raised_by(lambda: load_configuration(tmp_path / "app.py"))
    finally:
        install(extension)
    assert problem == Problem("app.py", "APP is missing", APP_HINT)


@pytest.mark.parametrize("name", ["APPS", "app", "AP"])
def test_a_misspelt_name_does_not_make_it_the_app_of_the_extension(tmp_path: Path, name: str) -> None:
    (tmp_path / "app.py").write_text((AGORA / "app.py").read_text().replace('APP = "agora"', f'{name} = "model-ad"'))
    (problem,) = problems_raised_by(lambda: load_configuration(tmp_path / "app.py"))
    assert problem.what == "APP is missing"


@pytest.mark.parametrize(("app", "title"), [("agora", "Agora"), ("model-ad", "Model Ad")])
def test_headings_have_the_name_in_capitals(app: str, title: str) -> None:
    assert Identity(app, "").title == title


def services_named(**stacks: str) -> Configuration:
    def listed(_: Environment) -> list[ServiceProps]:
        ends = {"public": True, "container_port": 80}
        return [service(container_name=name, **ends, stack=end) for name, end in stacks.items()]

    return check_configuration(environments(dev={}), listed, app="portal")


def test_a_service_can_run_in_a_stack_with_another_name_than_its_own() -> None:
    dev = services_named(portal="site").environment("dev")
    assert service_stack(dev, "portal").name == "portal-dev-site"
    assert dev.short_name("portal") == "site"
    assert find_service(dev, services_named(portal="site").services_of("dev"), "site").container_name == "portal"


@pytest.mark.parametrize("end", ["network", "monitoring"])
def test_that_name_is_not_the_one_of_another_stack(end: str) -> None:
    with pytest.raises(ConfigurationError, match="its stack would have the same name as that of another stack"):
        services_named(portal=end)


@pytest.mark.parametrize("end", ["a_b", "-a", "a-", "a b", ""])
def test_that_name_is_one_of_a_stack(end: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stack: (not a valid name of a CloudFormation stack|empty)"):
        services_named(portal=end)
