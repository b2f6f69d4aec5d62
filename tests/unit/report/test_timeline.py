"""The events, in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portside.report.timeline import SERVICE, STACK, TASK, Moment, Subject, Timeline, in_causal_order, lanes


def test_a_state_is_noted_once() -> None:
    timeline = Timeline()
    assert timeline.note(Subject(STACK, "agora-dev-app"), "updating") is not None
    assert timeline.note(Subject(STACK, "agora-dev-app"), "updating") is None
    assert [moment.state for moment in timeline.moments] == ["updating"]


def test_moments_are_in_the_order_in_which_they_happened() -> None:
    timeline = Timeline(datetime.now(UTC) - timedelta(seconds=60), _clock=Timeline()._clock - 60)
    timeline.note(Subject(TASK, "1"), "running", at=timeline.began + timedelta(seconds=30))
    timeline.note(Subject(TASK, "2"), "stopped", at=timeline.began + timedelta(seconds=10))
    assert [(moment.subject, moment.seconds) for moment in timeline.moments] == [("2", 10.0), ("1", 30.0)]


def test_a_clock_that_is_wrong_moves_nothing_before_the_beginning_or_into_the_future() -> None:
    timeline = Timeline()
    timeline.note(Subject(TASK, "early"), "pending", at=timeline.began - timedelta(hours=1))
    timeline.note(Subject(TASK, "late"), "pending", at=timeline.began + timedelta(hours=1))
    assert all(0 <= moment.seconds <= timeline.seconds for moment in timeline.moments)


def test_it_is_written_with_its_beginning_and_without_empty_parts() -> None:
    timeline = Timeline(datetime(2026, 11, 23, 12, tzinfo=UTC))
    timeline.note(Subject(STACK, "agora-dev-app"), "updated", over=True)
    written = timeline.as_json()
    assert written["began"] == "2026-11-23T12:00:00.000Z"
    (moment,) = written["moments"]
    assert moment | {"seconds": 0} == {
        "seconds": 0,
        "kind": "stack",
        "subject": "agora-dev-app",
        "state": "updated",
        "over": True,
    }


MOMENTS = (
    Moment(1, STACK, "agora-dev-app", "updating"),
    Moment(1, STACK, "agora-dev-api", "updating"),
    Moment(2, SERVICE, "agora-app", "rolling out", "agora-dev-app"),
    Moment(3, TASK, "1", "pending", "agora-app"),
    Moment(5, TASK, "1", "stopped", "agora-app", "exited", over=True),
    Moment(9, STACK, "agora-dev-app", "updated", over=True),
)


def test_services_are_below_their_stacks_and_tasks_below_their_services() -> None:
    assert [lane.subject for lane in lanes(MOMENTS, 10)] == ["agora-dev-app", "agora-app", "1", "agora-dev-api"]


def test_a_state_lasts_until_the_next_and_the_last_one_until_now_unless_it_is_over() -> None:
    spans = {lane.subject: [(each.state, each.starts, each.ends) for each in lane.spans] for lane in lanes(MOMENTS, 10)}
    assert spans["agora-dev-app"] == [("updating", 1, 9), ("updated", 9, 9)]
    assert spans["agora-dev-api"] == [("updating", 1, 10)]
    assert spans["1"] == [("pending", 3, 5), ("stopped", 5, 5)]


def test_a_service_whose_stack_was_not_seen_to_change_is_shown_all_the_same() -> None:
    moments = [
        Moment(2, SERVICE, "agora-app", "rolling out", "agora-dev-app"),
        Moment(3, TASK, "1", "pending", "agora-app"),
    ]
    assert [lane.subject for lane in lanes(moments, 10)] == ["agora-app", "1"]


def test_no_effect_is_before_its_cause() -> None:
    moments = (
        Moment(5, STACK, "agora-dev-app", "updating"),
        Moment(4, SERVICE, "agora-app", "rolling out", "agora-dev-app"),
        Moment(3, TASK, "1", "pending", "agora-app"),
        Moment(9, TASK, "1", "stopped", "agora-app"),
        Moment(8, SERVICE, "agora-app", "failed", "agora-dev-app"),
        Moment(7, STACK, "agora-dev-app", "failed"),
        Moment(20, TASK, "2", "stopped", "agora-app"),
    )
    found = {
        (each.subject, each.state): each.seconds
        for each in in_causal_order(moments, {"stopped", "failed"}.__contains__)
    }
    begin = [found["agora-dev-app", "updating"], found["agora-app", "rolling out"], found["1", "pending"]]
    failure = [found["1", "stopped"], found["agora-app", "failed"], found["agora-dev-app", "failed"]]
    assert begin == sorted(begin)
    assert failure == sorted(failure)
    # The second task stopped because of the rollback.
    assert found["2", "stopped"] == 20
