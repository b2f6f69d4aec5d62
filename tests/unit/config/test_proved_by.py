"""Which environment proves what a production environment may run, and what is said where that is not clear."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.environment import Environment
from portside.errors import Problem
from tests.unit.configuration_support import OMITTED, check_configuration, environments, one_service, problems_of

STAGING = {"KIND": "staging"}
NOTHING = {"PROVED_BY": OMITTED, "PROOF_WAIVED": OMITTED}
LIVE = {"KIND": "production"} | NOTHING
OTHERS: list[dict[str, dict[str, Any]]] = [{}, {"stage": {}}]
NO_STAGING_HINT = 'Add an environment with "KIND": "staging", or set "PROVED_BY": None, "PROOF_WAIVED": "reason".'


def live(**others: dict[str, Any]) -> Environment:
    return check_configuration(environments(**others), one_service).environment("live")


def test_the_one_staging_environment_proves_by_default() -> None:
    found = check_configuration(environments(dev={}, uat=STAGING, live=LIVE, prod=NOTHING), one_service).environments
    proving = {name: each.proved_by for name, each in found.items()}
    assert proving == {"dev": None, "uat": None, "live": "uat", "prod": "uat"}
    assert {each.proof_waived for each in found.values()} == {""}


def test_an_entry_can_be_before_its_proving_environment() -> None:
    assert live(live=LIVE, uat=STAGING).proved_by == "uat"


@pytest.mark.parametrize("by", ["uat", "stage"])
def test_one_of_two_staging_environments_is_named(by: str) -> None:
    assert live(uat=STAGING, stage={}, live=LIVE | {"PROVED_BY": by}).proved_by == by


def test_a_proof_is_waived_with_a_reason() -> None:
    waived = LIVE | {"PROVED_BY": None, "PROOF_WAIVED": " a demonstration "}
    for others in ({}, {"uat": STAGING}):
        found = live(**others, live=waived)
        assert (found.proved_by, found.proof_waived) == (None, "a demonstration")


WRONG: list[tuple[dict[str, dict[str, Any]], str, str, str]] = [
    (
        {"uat": STAGING, "stage": {}, "live": LIVE},
        '["live"]["PROVED_BY"]',
        "missing, and 2 environments are staging: uat, stage",
        'Choose the environment in which images must run before live: "PROVED_BY": "uat".',
    ),
    ({"live": LIVE}, '["live"]["PROVED_BY"]', "missing, and no environment is staging", NO_STAGING_HINT),
    ({"dev": {}, "live": LIVE}, '["live"]["PROVED_BY"]', "missing, and no environment is staging", NO_STAGING_HINT),
    (
        {"live": LIVE | {"PROVED_BY": None}},
        '["live"]["PROOF_WAIVED"]',
        "missing",
        'Add why live can run images that ran in no other environment: "PROOF_WAIVED": "reason".',
    ),
    *(
        (
            {"stage": {}, "live": LIVE | {"PROOF_WAIVED": "x"} | also},
            '["live"]["PROOF_WAIVED"]',
            "has no effect unless PROVED_BY is None",
            'Add "PROVED_BY": None, or remove PROOF_WAIVED.',
        )
        for also in ({}, {"PROVED_BY": "stage"})
    ),
    *(
        (
            {"dev": {}, "stage": {}, name: also},
            f'["{name}"]["{next(iter(also))}"]',
            f'"{name}" is a {kind} environment, and only a production environment needs proof',
            "Remove this key.",
        )
        for name, kind in (("dev", "development"), ("stage", "staging"))
        for also in ({"PROVED_BY": "stage"}, {"PROVED_BY": None}, {"PROOF_WAIVED": "x"})
    ),
    (
        {"stage": {}, "live": LIVE | {"PROVED_BY": "live"}},
        '["live"]["PROVED_BY"]',
        "an environment can't prove itself, got 'live'",
        'Use a staging environment: "stage".',
    ),
    (
        {"live": LIVE | {"PROVED_BY": "live"}},
        '["live"]["PROVED_BY"]',
        "an environment can't prove itself, got 'live'",
        NO_STAGING_HINT,
    ),
    (
        {"stage": {}, "live": LIVE | {"PROVED_BY": "stag"}},
        '["live"]["PROVED_BY"]',
        "no such environment, got 'stag'",
        'Did you mean "stage"?',
    ),
    (
        {"live": LIVE | {"PROVED_BY": "stage"}},
        '["live"]["PROVED_BY"]',
        "no such environment, got 'stage'",
        NO_STAGING_HINT,
    ),
    (
        {"dev": {}, "stage": {}, "live": LIVE | {"PROVED_BY": "dev"}},
        '["live"]["PROVED_BY"]',
        "a development environment, not a staging environment, got 'dev'",
        'Use a staging environment: "stage".',
    ),
    (
        {"uat": STAGING, "stage": {}, "prod": {"PROVED_BY": "uat"}, "live": LIVE | {"PROVED_BY": "prod"}},
        '["live"]["PROVED_BY"]',
        "a production environment, not a staging environment, got 'prod'",
        'Use a staging environment: "uat" or "stage".',
    ),
    *(
        (
            others | {"live": LIVE | {"PROVED_BY": 5}},
            '["live"]["PROVED_BY"]',
            "not a text, got 5",
            'Use the name of a staging environment, or None with "PROOF_WAIVED": "reason".',
        )
        for others in OTHERS
    ),
    (
        {"live": LIVE | {"PROVED_BY": None, "PROOF_WAIVED": "x" * 201}},
        '["live"]["PROOF_WAIVED"]',
        "not a single short line",
        "Use one line of at most 200 characters.",
    ),
    (
        {"live": LIVE | {"PROVED_BY": None, "PROOF_WAIVED": "a\nb"}},
        '["live"]["PROOF_WAIVED"]',
        "not a single short line",
        "Use one line of at most 200 characters.",
    ),
]


@pytest.mark.parametrize(("configuration", "where", "what", "hint"), WRONG)
def test_what_proves_nothing_is_reported_once(configuration: dict[str, Any], where: str, what: str, hint: str) -> None:
    assert problems_of(environments(**configuration)) == [Problem(f"ENVIRONMENTS{where}", what, hint)]


def test_two_production_environments_cannot_prove_each_other() -> None:
    configuration = {"live": LIVE | {"PROVED_BY": "prod"}, "prod": {"PROVED_BY": "live", "PROOF_WAIVED": OMITTED}}
    assert [problem.what for problem in problems_of(environments(**configuration))] == [
        "a production environment, not a staging environment, got 'prod'",
        "a production environment, not a staging environment, got 'live'",
    ]


def test_a_reason_that_holds_a_secret_is_reported_without_it() -> None:
    reason = "see https://me:" + "hunter22@example.org/x"
    (problem,) = problems_of(environments(live=LIVE | {"PROVED_BY": None, "PROOF_WAIVED": reason}))
    assert "hunter22" not in str(problem)


def test_nothing_more_is_reported_where_the_kind_of_another_environment_is_missing() -> None:
    (problem,) = problems_of(environments(uat={}, live=LIVE))
    assert problem.where == 'ENVIRONMENTS["uat"]["KIND"]'
    (problem,) = problems_of(environments(uat={"KIND": "stagin"}, live=LIVE | {"PROVED_BY": "uat"}))
    assert problem.where == 'ENVIRONMENTS["uat"]["KIND"]'


def test_a_mistake_elsewhere_in_the_proving_entry_does_not_unprove_it() -> None:
    (problem,) = problems_of(environments(uat=STAGING | {"FQDN": ""}, live=LIVE))
    assert problem.where == 'ENVIRONMENTS["uat"]["FQDN"]'
