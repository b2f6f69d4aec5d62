"""What people see before a deployment."""

from __future__ import annotations

import pytest

from operations.check import fail, ok, skip
from operations.commands.environment_view import show_verification
from operations.verification.verify import Verification


def test_failures_are_told_in_full_skips_by_their_reasons_and_what_is_well_not_at_all(
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = (
        ok("credentials", "they are good"),
        skip("quota a", "no answer"),
        skip("quota b", "no answer"),
        skip("dns", "not yet"),
        fail("certificate", "there is none", "Ask for one."),
    )
    show_verification(Verification("dev", checks))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "5 checks: 1 failed, 3 skipped.",
        "  SKIP 2: no answer",
        "  SKIP 1: not yet",
        "  FAIL certificate: there is none",
        "       Ask for one.",
    ]
