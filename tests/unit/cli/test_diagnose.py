"""Many verdicts in the output of `diagnose`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.cli.diagnose import in_short, show_verdicts
from portside.findings.finding import Finding

VERDICT = Finding("SECRET_MISSING", "there is no secret x", fix="make x", service="shop-a", stack="shop-dev-a")
MANY = [replace(VERDICT, service=f"shop-s{number}", stack=f"shop-dev-s{number}") for number in range(20)]


def test_many_services_with_one_problem_are_shown_as_one_with_all_their_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_verdicts(MANY)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("there is no secret x") == shown.count("make x") == 1
    assert all(verdict.service in shown for verdict in MANY)


def test_the_message_names_the_titles_of_many_verdicts_and_the_subjects_of_few() -> None:
    other = replace(VERDICT, code="NOT_DEPLOYED")
    assert in_short([*MANY, other]) == "shop-s0, shop-s1, shop-s2, 17 more (secret missing); shop-a (not deployed)"
    assert in_short(MANY[:2]) == "shop-s0 (secret missing), shop-s1 (secret missing)"
