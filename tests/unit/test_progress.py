"""Following stacks."""

from __future__ import annotations

import threading

import pytest

from operations.progress import Progress, following
from tests.unit.operations_support import FakeCloudFormation, minutes_after_noon

NAMES = ["agora-dev-network", "agora-dev-app"]


def _told() -> tuple[Progress, list[str]]:
    told: list[str] = []
    return Progress(NAMES, told.append), told


def test_a_change_is_told_once() -> None:
    progress, told = _told()
    progress.note("agora-dev-app", "creating", over=False)
    progress.note("agora-dev-app", "creating", over=False)
    progress.note("agora-dev-app", "created", over=True)
    assert [line.partition(" s  ")[2] for line in told] == ["agora-dev-app: creating", "agora-dev-app: created"]


def test_a_stack_without_changes_is_known_from_what_the_cdk_says() -> None:
    progress, _ = _told()
    progress.hear(" ✅  agora-dev-app (no changes)")
    assert [(name, state) for name, state, _ in progress.rows()] == [
        ("agora-dev-network", "waiting"),
        ("agora-dev-app", "no changes"),
    ]


def test_what_stood_before_is_not_told_and_what_changed_is(capsys: pytest.CaptureFixture[str]) -> None:
    aws = FakeCloudFormation({"agora-dev-network": {}, "agora-dev-app": {}})
    with following(aws, NAMES, every_seconds=60) as progress:
        aws.stacks["agora-dev-app"] = {"status": "UPDATE_COMPLETE", "updated": minutes_after_noon(1)}
    assert {name: state for name, state, _ in progress.rows()} == {
        "agora-dev-network": "waiting",
        "agora-dev-app": "updated",
    }


def test_a_stack_that_went_is_told_to_be_deleted() -> None:
    aws = FakeCloudFormation({"agora-dev-network": {}, "agora-dev-app": {}})
    with following(aws, NAMES, every_seconds=60) as progress:
        del aws.stacks["agora-dev-app"]
    assert {name: state for name, state, _ in progress.rows()}["agora-dev-app"] == "deleted"


def test_stacks_are_followed_while_the_block_runs() -> None:
    aws = FakeCloudFormation()
    seen = threading.Event()
    with following(aws, NAMES, every_seconds=0.01) as progress:
        progress.tell = lambda line: seen.set() if "creating" in line else None
        aws.stacks["agora-dev-app"] = {"status": "CREATE_IN_PROGRESS"}
        assert seen.wait(timeout=10)
