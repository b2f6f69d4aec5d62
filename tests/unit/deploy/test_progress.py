"""Following stacks."""

from __future__ import annotations

import io
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console, Group

from portside.aws.model import Task
from portside.aws.reader import Reader
from portside.deploy.progress import Followed, Progress, following, picture
from portside.errors import UserError
from portside.report.timeline import Timeline
from tests.answering_aws import AnsweringAws
from tests.apps import agora
from tests.aws_account import deployed, deployment
from tests.unit.operations_support import FakeCloudFormation, client_error, minutes_after_noon
from tests.unit.rollouts_support import rollout, task

NAMES = ["agora-dev-network", "agora-dev-app"]


def reader(aws: FakeCloudFormation) -> Reader:
    return Reader(lambda _: aws, agora().environment("dev"), ())


def _printed() -> tuple[Progress, list[str]]:
    reported: list[str] = []
    return Progress(NAMES, reported.append), reported


def test_a_change_is_reported_once() -> None:
    progress, reported = _printed()
    progress.note("agora-dev-app", "creating", over=False)
    progress.note("agora-dev-app", "creating", over=False)
    progress.note("agora-dev-app", "created", over=True)
    assert [line.partition(" s  ")[2] for line in reported] == ["agora-dev-app: creating", "agora-dev-app: created"]


def test_a_stack_without_changes_is_known_from_what_the_cdk_says() -> None:
    progress, _ = _printed()
    progress.hear(" ✅  agora-dev-app (no changes)")
    assert [(name, state) for name, state, _ in progress.rows()] == [
        ("agora-dev-network", "waiting"),
        ("agora-dev-app", "no changes"),
    ]


def test_what_was_there_before_is_not_reported_and_what_changed_is(capsys: pytest.CaptureFixture[str]) -> None:
    aws = FakeCloudFormation({"agora-dev-network": {}, "agora-dev-app": {}})
    with following(reader(aws), NAMES, every_seconds=60) as progress:
        aws.stacks["agora-dev-app"] = {"status": "UPDATE_COMPLETE", "updated": minutes_after_noon(1)}
    assert {name: state for name, state, _ in progress.rows()} == {
        "agora-dev-network": "waiting",
        "agora-dev-app": "updated",
    }


def test_a_stack_that_went_is_reported_as_deleted() -> None:
    aws = FakeCloudFormation({"agora-dev-network": {}, "agora-dev-app": {}})
    with following(reader(aws), NAMES, every_seconds=60) as progress:
        del aws.stacks["agora-dev-app"]
    assert {name: state for name, state, _ in progress.rows()}["agora-dev-app"] == "deleted"


def test_stacks_are_followed_while_the_block_runs() -> None:
    aws = FakeCloudFormation()
    seen = threading.Event()
    with following(reader(aws), NAMES, every_seconds=0.01) as progress:
        progress.report = lambda line: seen.set() if "creating" in line else None
        aws.stacks["agora-dev-app"] = {"status": "CREATE_IN_PROGRESS"}
        assert seen.wait(timeout=10)


APP = "agora-dev-app"


def _stopped(id: str, reason: str = "agora-app exited with 1") -> Task:
    return task(id, "STOPPED", minute=0, stopped_reason=reason)


def _watched() -> tuple[Progress, list[str], list[str]]:
    reported: list[str] = []
    warned: list[str] = []
    return Progress(NAMES, reported.append, warned.append), reported, warned


def _without_seconds(lines: list[str]) -> list[str]:
    return [line.partition(" s  ")[2] for line in lines]


def test_a_rollout_is_reported_whenever_its_tasks_change() -> None:
    progress, reported, _ = _watched()
    pending = task("1", "PENDING")
    for found in (rollout("rolling out", pending), rollout("rolling out", pending), rollout("rolled out")):
        progress.note_rollout(found)
    assert _without_seconds(reported) == [
        "agora-app: rolling out, 0 of 1 healthy, 1 pending",
        "agora-app: rolled out, 0 of 1 healthy",
    ]


def test_a_service_that_does_not_roll_out_is_not_reported() -> None:
    progress, reported, _ = _watched()
    progress.note_rollout(rollout("rolled out", is_new=False))
    assert reported == []


def test_the_reason_is_reported_at_once_and_in_full_once() -> None:
    progress, _, warned = _watched()
    progress.note_rollout(rollout("rolling out", _stopped("aaaaaaaa-1")))
    progress.note_rollout(rollout("rolling out", _stopped("aaaaaaaa-1"), _stopped("bbbbbbbb-2")))
    progress.note_rollout(rollout("rolling out", _stopped("cccccccc-3", "OutOfMemoryError")))
    assert _without_seconds(warned) == [
        "agora-app: task aaaaaaaa stopped: agora-app exited with 1",
        "agora-app: task bbbbbbbb stopped: for the same reason",
        "agora-app: task cccccccc stopped: OutOfMemoryError",
    ]


def test_each_failure_of_a_task_is_noted_once_and_a_replaced_task_is_none() -> None:
    failed: list[str] = []
    progress = Progress(NAMES, lambda _: None, note_failure=failed.append)
    made_room = _stopped("a", "Scaling activity initiated by (deployment 2)")
    for found in (rollout("rolling out", made_room, _stopped("b")), rollout("rolling out", _stopped("b"))):
        progress.note_rollout(found)
    assert failed == ["agora-app"]


def test_what_follows_a_failed_rollout_is_its_rolling_back() -> None:
    progress, reported, _ = _watched()
    for state in ("failed, rolling back", "rolling out", "rolled out"):
        progress.note_rollout(rollout(state))
    assert _without_seconds(reported) == [
        "agora-app: failed, rolling back, 0 of 1 healthy",
        "agora-app: failed, rolled back, 0 of 1 healthy",
    ]


def test_a_rollout_that_heals_automatically_ends_well_and_keeps_its_reasons() -> None:
    progress, _, _ = _watched()
    progress.note_rollout(rollout("rolling out", _stopped("1")))
    healthy = task("2", health="HEALTHY")
    progress.note_rollout(rollout("rolled out", _stopped("1"), healthy))
    assert progress.lines[APP].services["agora-app"].summary == "1 of 1 healthy, 1 stopped"
    assert [(moment.subject, moment.state) for moment in progress.timeline.moments if moment.over] == [
        ("1", "stopped"),
        ("agora-app", "rolled out"),
    ]


def _busy() -> Progress:
    progress, _, _ = _watched()
    progress.title, progress.expected_seconds = "Deploying dev", 190.0
    progress.note("agora-dev-network", "no changes", over=True)
    progress.note(APP, "updating", over=False)
    progress.note_rollout(rollout("rolling out", _stopped("1", "CannotPullContainerError: " + "x" * 90 + " END")))
    return progress


def _drawn(progress: Progress, width: int, most_lines: int | None = None) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(Group(*picture(progress, console, most_lines)))
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written


@pytest.mark.parametrize("width", [40, 80, 200])
def test_nothing_is_cut_off_however_narrow_the_terminal(width: int) -> None:
    lines = _drawn(_busy(), width).splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for reported in (
        "Deploying dev: 0 s of about 190 s",
        "agora-dev-network",
        "rolling out, 0 of 1 healthy, 1 stopped",
    ):
        assert reported in text
    assert "x" * 90 + "END" in "".join(text.split())


def test_on_a_low_terminal_what_is_done_is_counted_and_what_continues_is_seen() -> None:
    progress = _busy()
    for number in (1, 2, 3):
        progress.lines[f"agora-dev-done-{number}"] = replace(progress.lines["agora-dev-network"])
    lines = _drawn(progress, 60, most_lines=7).splitlines()
    assert "✓ 4 no changes" in lines
    assert not any("agora-dev-network" in line for line in lines)
    assert any("agora-dev-app  updating" in line for line in lines)


class _Failing(FakeCloudFormation):
    """CloudFormation that refuses every look after the first with an error."""

    def __init__(self, code: str) -> None:
        super().__init__({"agora-dev-network": {}})
        self.error, self.looks, self.many = client_error(code, "no"), 0, threading.Event()

    def get_paginator(self, operation: str) -> Any:
        self.looks += 1
        if self.looks > 1:
            if self.looks > 3:
                self.many.set()
            raise self.error
        return super().get_paginator(operation)


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailable", "ExpiredToken"])
def test_a_look_that_fails_is_no_failure_of_the_deployment(code: str) -> None:
    aws = _Failing(code)
    with following(reader(aws), NAMES, every_seconds=0.01):
        assert aws.many.wait(timeout=10)


def test_expired_credentials_are_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    aws = _Failing("ExpiredToken")
    with following(reader(aws), NAMES, every_seconds=0.01) as progress:
        warned: list[str] = []
        progress.warn = warned.append
        aws.many.clear()
        assert aws.many.wait(timeout=10)
    assert sum("credentials have expired" in line for line in [*warned, *capsys.readouterr().err.splitlines()]) == 1


def _dev() -> tuple[AnsweringAws, Reader]:
    aws = AnsweringAws(deployed())
    return aws, Reader(aws.client, aws.account.environment, agora().services_of("dev"))


def test_services_are_read_only_while_a_stack_changes() -> None:
    aws, dev = _dev()
    with following(dev, NAMES, every_seconds=60, followed=Followed(with_services=True)) as progress:
        progress.hear(" ✅  agora-dev-network (no changes)")
    assert set(aws.calls) == {"cloudformation.DescribeStacks"}


def test_a_look_at_a_deployment_that_continues_takes_few_calls_and_shows_its_tasks() -> None:
    aws, dev = _dev()
    account, app = aws.account, aws.account.services["agora-app"]
    with following(dev, NAMES, every_seconds=60, followed=Followed(with_services=True)) as progress:
        moved = datetime.now(UTC) + timedelta(seconds=1)
        account.stacks[APP] |= {"StackStatus": "UPDATE_IN_PROGRESS", "LastUpdatedTime": moved}
        new = deployment(account, "ecs-svc/2", app["taskDefinition"], rolloutState="IN_PROGRESS") | {"createdAt": moved}
        app["deployments"] = [new, app["deployments"][0] | {"status": "ACTIVE"}]
        progress.note(APP, "updating", over=False)
        aws.calls.clear()
    assert progress.lines[APP].services["agora-app"].state == "rolling out"
    assert len(aws.calls) <= 8, aws.calls


def test_what_happened_last_is_seen_although_the_block_failed() -> None:
    aws = FakeCloudFormation({APP: {}})
    timeline = Timeline()

    def fail() -> None:
        with following(reader(aws), NAMES, every_seconds=60, followed=Followed(timeline=timeline)):
            aws.stacks[APP] = {"status": "UPDATE_ROLLBACK_COMPLETE", "updated": minutes_after_noon(1)}
            raise UserError("cdk deploy failed")

    with pytest.raises(UserError, match="cdk deploy failed"):
        fail()
    assert [moment.state for moment in timeline.moments] == ["failed, rolled back"]


def test_what_was_reported_of_tasks_is_not_reported_again_when_other_stacks_are_followed() -> None:
    first, _, _ = _watched()
    over = rollout("rolled out", _stopped("1"), task("2", health="HEALTHY"))
    first.note_rollout(over)
    again, _, warned = _watched()
    again.timeline = first.timeline
    before = first.timeline.moments
    again.note_rollout(over)
    assert warned == []
    assert again.timeline.moments == before


def test_many_stacks_are_counted_by_state_and_the_failed_ones_named() -> None:
    names, reported = [f"stack-{number}" for number in range(64)], list[str]()
    progress = Progress(names, reported.append)
    for number, name in enumerate(names):
        progress.note(name, "failed" if number == 7 else "created", over=True)
        progress.report_counts()
    progress.report_counts(is_last=True)
    progress.report_counts(is_last=True)
    assert _without_seconds(reported) == ["stack-7: failed", "stacks: 63 created, 1 failed"]


def test_of_many_failures_only_the_first_are_listed() -> None:
    names, reported, warned = [f"agora-dev-{number}" for number in range(64)], list[str](), list[str]()
    progress = Progress([*names, APP], reported.append, warned.append)
    progress.note_rollout(rollout("failed, rolling back", *(_stopped(id) for id in "123")))
    for name in names:
        progress.note(name, "failed, rolled back", over=True)
    progress.report_counts(is_last=True)
    assert _without_seconds(warned) == [
        "agora-app: task 1 stopped: agora-app exited with 1",
        "more failures are only counted",
    ]
    assert _without_seconds(reported)[1:] == [
        *(f"{name}: failed, rolled back" for name in names[:10]),
        "stacks: 64 failed, rolled back, 1 waiting; services: 1 failed, rolling back",
    ]


def test_few_stacks_are_not_counted() -> None:
    progress, reported = _printed()
    progress.report_counts(is_last=True)
    assert reported == []
