"""The view of an environment before a deployment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.cli.deployment_view import show_changes, show_open_ports, show_verification
from portside.findings.check import fail, ok, skip
from portside.plan.plan import CREATE, NOTHING, UPDATE, ResourceChange, StackChange
from portside.preflight.earlier import ADOPTION, NEW
from portside.preflight.run import Verification
from tests.unit.operations_support import target


def test_failures_are_reported_in_full_skips_by_their_reasons_and_successes_not_at_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = (
        ok("credentials", "they are good"),
        skip("quota a", "no answer"),
        skip("quota b", "no answer"),
        skip("dns", "not yet"),
        fail("certificate", "is missing", "Ask for one."),
    )
    show_verification(Verification("dev", checks))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "5 checks: 1 passed, 1 failed, 3 skipped.",
        "  SKIP quota a, quota b: no answer",
        "  SKIP dns: not yet",
        "  FAIL certificate: is missing",
        "       Ask for one.",
    ]


@pytest.mark.parametrize(
    ("found", "is_local", "keep_exports", "reminds"),
    [
        ("step 1 of 2 is done, and no stack imports the exports", False, True, True),
        ("step 1 of 2 is done, and no stack imports the exports", True, True, False),
        ("step 1 of 2 is done, and no stack imports the exports", False, False, False),
        (f"dev {NEW}", False, True, False),
    ],
)
def test_open_ports_are_reminded_of_on_aws_as_long_as_an_adoption_lasts(
    found: str, is_local: bool, keep_exports: bool, reminds: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    place = target({}, is_local=is_local)
    place = replace(place, environment=replace(place.environment, keep_exports=keep_exports))
    show_open_ports(place, Verification("dev", (ok(ADOPTION, found),)))
    said = capsys.readouterr().err
    assert ("services accept all of 10.254.172.0/24" in " ".join(said.split())) is reminds


def plan_of(capsys: pytest.CaptureFixture[str], changes: list[StackChange]) -> list[str]:
    show_changes(changes, with_difference=None)
    return capsys.readouterr().err.splitlines()


def test_equal_changes_of_many_stacks_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    added = (ResourceChange("add", "Service", "AWS::ECS::Service"),)
    changes = [
        StackChange("a-dev-network", UPDATE, remark="its last update failed"),
        *(StackChange(f"a-dev-s{number:02}", CREATE, added) for number in range(20)),
        *(StackChange(f"a-dev-t{number:02}", NOTHING) for number in range(41)),
    ]
    assert plan_of(capsys, changes) == [
        "  create  20 stacks, each 1 added: a-dev-s00, a-dev-s01, a-dev-s02, 17 more",
        "          41 stacks do not change",
        "  update  a-dev-network  its last update failed",
    ]


def test_changes_of_few_stacks_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    changes = [StackChange(f"a-dev-s{number:02}", action) for number in range(6) for action in (UPDATE, NOTHING)]
    assert plan_of(capsys, changes) == [f"  update  a-dev-s{number:02}  " for number in range(6)]
