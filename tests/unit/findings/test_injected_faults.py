"""A verdict caused by a rehearsal's own fault names it, and how to switch it off."""

from __future__ import annotations

import shlex

import pytest

from portside.commands import Commands
from portside.findings.finding import Finding
from portside.findings.injected_faults import InjectedFault, naming_injected

HERE = Commands("dev", "111122223333", "us-east-1", is_local=True)
FAULT = InjectedFault("agora-api", "missing-secret")


def verdict(cause: str, service: str = "agora-api") -> Finding:
    return Finding(
        cause,
        "its secret is missing",
        look="look",
        fix="aws x  # then: y",
        service=service,
        stack="agora-dev-api",
    )


def test_it_is_named_with_how_to_switch_it_off_and_with_the_fix_without_it() -> None:
    (found,) = naming_injected([verdict("SECRET_MISSING")], [FAULT], HERE)
    assert found.what.endswith("; this rehearsal injects it itself: agora-api=missing-secret")
    assert shlex.split(found.fix, comments=True) == ["./agora", "local", "faults", "--clear"]
    assert "then: ./agora deploy dev --local; without the fault: aws x" in found.fix


@pytest.mark.parametrize("other", [verdict("SECRET_MISSING", "agora-app"), verdict("BY_HAND"), verdict("NOTHING")])
def test_what_does_not_follow_from_it_stays_as_it_is(other: Finding) -> None:
    assert list(naming_injected([other], [FAULT], HERE)) == [other]


def test_a_fault_of_calls_is_named_where_calls_failed() -> None:
    calls = InjectedFault("", "ExpiredToken for ecs:*")
    (found,) = naming_injected([verdict("CREDENTIALS", "")], [calls], HERE)
    assert "ExpiredToken for ecs:*" in found.what
    assert list(naming_injected([verdict("SECRET_MISSING")], [calls], HERE)) == [verdict("SECRET_MISSING")]
