"""How mistakes are noted and values shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from portside.config.mistakes import Report, closest, kind_of, quoted, shown, suggestion
from portside.errors import Problem
from tests.unit.test_redact import GITHUB_TOKEN


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError


def test_a_problem_names_its_place_and_shows_the_value() -> None:
    report = Report("ENVIRONMENTS")
    report.at('["dev"]').at('["FQDN"]').wrong("empty", "Fill it in.", "")
    assert report.problems == [Problem('ENVIRONMENTS["dev"]["FQDN"]', "empty, got ''", "Fill it in.")]


def test_a_problem_may_leave_the_value_out() -> None:
    report = Report("x")
    report.wrong("looks like a secret", "Move it.")
    assert report.problems == [Problem("x", "looks like a secret", "Move it.")]


@pytest.mark.parametrize(
    ("check", "value", "what"),
    [
        (lambda report, value: report.integer(value, 1, 5, "h"), "3", "not a whole number, got '3'"),
        (lambda report, value: report.integer(value, 1, 5, "h"), True, "not a whole number, got True"),
        (lambda report, value: report.integer(value, 1, 5, "h"), 3.0, "not a whole number, got 3.0"),
        (lambda report, value: report.integer(value, 1, 5, "h"), 6, "not from 1 to 5, got 6"),
        (
            lambda report, value: report.integer(value, 1, 5, "h"),
            "${Token[T.1]}",
            "not a whole number, got '${Token[T.1]}'",
        ),
        (lambda report, value: report.text(value, "h"), 3, "not a text, got 3"),
        (lambda report, value: report.text(value, "h"), " ", "empty, got ' '"),
        (lambda report, value: report.flag(value), "true", "neither True nor False, got 'true'"),
        (lambda report, value: report.flag(value), 1, "neither True nor False, got 1"),
        (lambda report, value: report.sequence(value, "h"), "ab", "not a list, got 'ab'"),
        (lambda report, value: report.mapping(value, "h"), ["a"], "not a mapping, got ['a']"),
    ],
)
def test_a_value_of_the_wrong_kind_is_reported(
    check: Callable[[Report, object], bool], value: object, what: str
) -> None:
    report = Report("x")
    assert not check(report, value)
    assert [problem.what for problem in report.problems] == [what]


@pytest.mark.parametrize("value", [1, 5, -1.8881545897087626e289])
def test_numbers_within_bounds_and_tokens_are_right(value: object) -> None:
    report = Report("x")
    assert report.integer(value, 1, 5, "h")
    assert not report.problems


def test_a_misspelt_name_is_reported_and_treated_as_the_right_one() -> None:
    report = Report("x")
    assert report.by_known_name({"VPC_CIRD": "10/8", "FQDN": "a"}, ["VPC_CIDR", "FQDN"], "key") == {
        "VPC_CIDR": "10/8",
        "FQDN": "a",
    }
    assert report.problems == [Problem('x["VPC_CIRD"]', "unknown key", 'Did you mean "VPC_CIDR"?')]


def test_a_misspelt_name_does_not_replace_the_right_one() -> None:
    assert Report("x").by_known_name({"FQDM": 1, "FQDN": 2}, ["FQDN"], "key") == {"FQDN": 2}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stag", 'Did you mean "stage"?'),
        ("production", 'Did you mean "prod"?'),
        ("DEV", 'Did you mean "dev"?'),
        ("qa", "Known are: dev, stage, prod."),
    ],
)
def test_an_unknown_name_leads_to_a_suggestion(name: str, hint: str) -> None:
    assert suggestion(name, ["dev", "stage", "prod"]) == hint


def test_a_beginning_is_completed_rather_than_replaced_by_a_similar_name() -> None:
    known = ["container_name", "container_memory_reservation"]
    assert closest("container_memory", known, similarity=0.6) == "container_memory_reservation"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", r"'a\nb'"),
        (None, "None"),
        (["x", 5], "['x', 5]"),
        ({}, "{}"),
        ({"PASSWORD": "hunter2"}, "a dict"),
        ([["hunter2"]], "a list"),
        (Unspeakable(), "an Unspeakable"),
        (GITHUB_TOKEN, "a value that looks like a secret"),
        (["--token", GITHUB_TOKEN], "a value that looks like a secret"),
        ("x" * 100, f"'{'x' * 78}…"),
    ],
)
def test_values_are_shown_short_in_one_line_and_without_secrets(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("é", '"é"'),
        ('a"b', r'"a\"b"'),
        ("\ud800", r'"\ud800"'),
        (5, "5"),
        (GITHUB_TOKEN, "a value that looks like a secret"),
    ],
)
def test_names_are_quoted_as_in_the_configuration(value: object, text: str) -> None:
    assert quoted(value) == text


def test_a_kind_reveals_no_content() -> None:
    assert [kind_of(value) for value in (None, "hunter2", ["hunter2"], 5)] == ["None", "a text", "a list", "an int"]
