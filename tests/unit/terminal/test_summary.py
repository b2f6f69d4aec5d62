"""Long lists are summarized, short ones are not."""

from __future__ import annotations

import pytest

from portside.terminal.summary import MOST_LISTED, named, summarized


def rows(count: int, state: str = "healthy") -> list[list[str]]:
    return [[f"s{number}", f"commit {number}", "1", state] for number in range(count)]


def test_as_many_as_are_listed_stay_as_they_are() -> None:
    assert summarized(rows(MOST_LISTED), "services", state=3, ignored=[1]) == rows(MOST_LISTED)
    assert named(["a"] * MOST_LISTED) == ", ".join(["a"] * MOST_LISTED)


def test_of_more_the_equal_ones_are_one_row_after_those_that_differ() -> None:
    given = [*rows(40), ["slow", "commit 1", "0", "starting"], ["other", "commit 1", "2", "healthy"], *rows(20)]
    found = summarized(given, "services", state=3, ignored=[1])
    assert found == [
        ["slow", "commit 1", "0", "starting"],
        ["other", "commit 1", "2", "healthy"],
        ["60 services", "…", "1", "healthy"],
    ]


@pytest.mark.parametrize("state", ["failed", "starting"])
def test_rows_in_no_good_state_are_all_listed(state: str) -> None:
    assert summarized(rows(40, state), "services", state=3) == rows(40, state)


def test_of_too_many_names_the_first_are_listed() -> None:
    assert named([f"s{number}" for number in range(64)]) == "s0, s1, s2, 61 more"
