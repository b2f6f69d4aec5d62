"""Verdicts that say the same of several services."""

from __future__ import annotations

from typing import Any

from portside.findings.grouping import grouped, subject_of
from portside.terminal.summary import MOST_LISTED


def missing(number: int, **more: Any) -> dict[str, Any]:
    """A verdict about a service whose image is missing."""
    verdict = {
        "service": f"shop-s{number}",
        "stack": f"shop-dev-s{number}",
        "cause": "IMAGE_MISSING",
        "sentence": f"there is no image shop-s{number}@sha256:{number:064x}",
        "fix": f"./shop logs dev s{number}",
    }
    return verdict | more


def groups(*verdicts: dict[str, Any]) -> list[list[str]]:
    return [[subject_of(each) for each in group] for group in grouped(verdicts, dict)]


MANY = [missing(number) for number in range(MOST_LISTED + 1)]


def test_many_that_differ_only_in_names_and_ids_are_a_group() -> None:
    assert groups(*MANY) == [[f"shop-s{number}" for number in range(MOST_LISTED + 1)]]


def test_few_are_not_grouped() -> None:
    assert [len(group) for group in groups(*MANY[1:])] == [1] * MOST_LISTED


def test_another_cause_sentence_or_fix_is_another_group() -> None:
    others = [missing(20, cause="CRASHED"), missing(21, sentence="exited with 2"), missing(22, fix="wait")]
    assert groups(MANY[0], *others, *MANY[1:]) == [groups(*MANY)[0], ["shop-s20"], ["shop-s21"], ["shop-s22"]]


def test_a_verdict_on_the_environment_is_in_no_group_of_services() -> None:
    environment = {"cause": "IMAGE_MISSING", "sentence": "there is no image …@sha256:…", "fix": "./shop logs dev …"}
    assert groups(*MANY, environment) == [groups(*MANY)[0], [""]]
