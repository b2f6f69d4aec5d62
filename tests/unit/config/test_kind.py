"""The kind of an environment, and its branch."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.environment import Environment
from portside.config.kind import Kind, kind_hint
from portside.errors import Problem
from tests.unit.configuration_support import (
    check_configuration,
    environment_problems,
    environments,
    one_service,
    problems_of,
)

ANY_HINT = 'Add "KIND": "development", "staging" or "production" to this entry.'
BRANCH_HINT = 'Use letters, digits, ".", "_", "-" and "/", such as "release/stage".'


def parsed(**names: dict[str, Any]) -> dict[str, Environment]:
    return dict(check_configuration(environments(**names), one_service).environments)


def test_dev_stage_and_prod_are_of_the_kinds_that_their_names_say() -> None:
    kinds = {name: each.kind for name, each in parsed(dev={}, stage={}, prod={}).items()}
    assert kinds == {"dev": Kind.DEVELOPMENT, "stage": Kind.STAGING, "prod": Kind.PRODUCTION}


@pytest.mark.parametrize("name", ["live", "dev"])
@pytest.mark.parametrize("kind", [*Kind, *map(str, Kind)])
def test_an_entry_says_its_kind_by_a_text_or_a_member(name: str, kind: str) -> None:
    assert parsed(**{name: {"KIND": kind}})[name].kind is Kind(kind)


@pytest.mark.parametrize(
    ("kind", "is_released", "is_production"),
    [(Kind.DEVELOPMENT, False, False), (Kind.STAGING, True, False), (Kind.PRODUCTION, True, True)],
)
def test_rules_ask_the_environment(kind: Kind, is_released: bool, is_production: bool) -> None:
    environment = parsed(x={"KIND": kind})["x"]
    assert (environment.is_released, environment.is_production) == (is_released, is_production)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("qa2", ANY_HINT),
        ("preview", ANY_HINT),
        ("staging", 'Add "KIND": "staging" to this entry, or "development" or "production".'),
        ("uat", 'Add "KIND": "staging" to this entry, or "development" or "production".'),
        ("production", 'Add "KIND": "production" to this entry, or "development" or "staging".'),
        ("live", 'Add "KIND": "production" to this entry, or "development" or "staging".'),
        ("sandbox", 'Add "KIND": "development" to this entry, or "staging" or "production".'),
    ],
)
def test_any_other_name_must_say_its_kind(name: str, hint: str) -> None:
    assert problems_of(environments(**{name: {}})) == [Problem(f'ENVIRONMENTS["{name}"]["KIND"]', "missing", hint)]
    assert kind_hint(name) == hint


def test_a_name_that_is_wrong_is_not_asked_for_its_kind() -> None:
    (problem,) = problems_of({"Dev": environments(dev={})["dev"]})
    assert problem.what == "not a name for an environment, got 'Dev'"


@pytest.mark.parametrize(
    ("written", "what", "hint"),
    [
        ("prod", "not a kind of environment, got 'prod'", 'Use "production".'),
        ("Production", "not a kind of environment, got 'Production'", 'Use "production".'),
        ("stage", "not a kind of environment, got 'stage'", 'Use "staging".'),
        ("dev", "not a kind of environment, got 'dev'", 'Use "development".'),
        ("blue", "not a kind of environment, got 'blue'", 'Use "development", "staging" or "production".'),
        ("", "empty, got ''", 'Use "development", "staging" or "production".'),
        (None, "not a text, got None", 'Use "development", "staging" or "production".'),
        (True, "not a text, got True", 'Use "development", "staging" or "production".'),
    ],
)
def test_a_kind_that_there_is_not_is_reported(written: object, what: str, hint: str) -> None:
    assert environment_problems(KIND=written) == [Problem('ENVIRONMENTS["dev"]["KIND"]', what, hint)]


def test_a_mistake_in_one_kind_does_not_hide_those_of_other_keys() -> None:
    assert [problem.where.split('"')[3] for problem in environment_problems(KIND="x", FQDN="")] == ["KIND", "FQDN"]


def test_the_branch_of_an_environment_is_called_like_it_or_as_its_entry_says() -> None:
    found = parsed(dev={}, live={"KIND": "production", "BRANCH": "release/live"})
    assert {name: each.branch for name, each in found.items()} == {"dev": "dev", "live": "release/live"}


@pytest.mark.parametrize(
    ("written", "what", "hint"),
    [
        ("", "empty, got ''", BRANCH_HINT),
        (None, "not a text, got None", BRANCH_HINT),
        *(
            (wrong, f"not a valid name of a git branch, got {wrong!r}", BRANCH_HINT)
            for wrong in ("a b", "a..b", "-a", "a/", "/a", "a//b", "a.lock", ".a", "a~1", "HEAD", "$(x)", "a;b", "@")
        ),
        ("refs/heads/live", "not only the name of the branch, got 'refs/heads/live'", 'Use "live".'),
        ("origin/live", "not only the name of the branch, got 'origin/live'", 'Use "live".'),
    ],
)
def test_a_branch_that_git_cannot_have_is_reported(written: object, what: str, hint: str) -> None:
    assert environment_problems(BRANCH=written) == [Problem('ENVIRONMENTS["dev"]["BRANCH"]', what, hint)]


def test_two_environments_cannot_have_one_branch() -> None:
    assert problems_of(environments(dev={"BRANCH": "stage"}, stage={})) == [
        Problem(
            'ENVIRONMENTS["stage"]["BRANCH"]',
            "the branch of \"dev\" too, got 'stage'",
            "Use a separate branch for each environment.",
        )
    ]


@pytest.mark.parametrize("branches", [("stage/one", "stage"), ("stage", "stage/one")])
def test_branches_that_git_cannot_have_in_parallel_are_reported(branches: tuple[str, str]) -> None:
    (problem,) = problems_of(environments(dev={"BRANCH": branches[0]}, stage={"BRANCH": branches[1]}))
    assert problem.what.startswith(f'git can\'t have this branch and "{branches[0]}" of "dev"')


def test_branches_that_only_have_the_same_beginning_may_be_in_parallel() -> None:
    assert parsed(dev={"BRANCH": "stage1"}, stage={}, live={"KIND": "production", "BRANCH": "release/stage"})
