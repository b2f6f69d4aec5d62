"""The log lines of a service's tasks."""

from __future__ import annotations

import contextlib
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from portside.aws.deployed import find_deployed
from portside.aws.logs import LogSource, find_sources, follow, parse_since, read_lines
from portside.errors import UsageError, UserError
from tests.unit.everyday_support import DEFINITION, Ecs, Logs, event, expired, place, props, service, task, throttled
from tests.unit.operations_support import NOON, client_error, minutes_after_noon

API = LogSource("api-logs", "agora-dev-api/agora-api/")


def _messages(logs: Logs, **options: Any) -> list[str]:
    return [line.message for line in read_lines(logs, [API], NOON, wait=lambda _: None, **options)]


@pytest.mark.parametrize(("age", "before"), [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400)])
def test_since_may_be_an_age(age: str, before: int) -> None:
    assert parse_since(age, NOON) == NOON - timedelta(seconds=before)


@pytest.mark.parametrize("moment", ["2026-11-23T12:00", "2026-11-23T12:00Z", "2026-11-23T13:00+01:00"])
def test_since_may_be_a_moment_and_without_a_zone_it_is_utc(moment: str) -> None:
    assert parse_since(moment, datetime.now(UTC)) == NOON


@pytest.mark.parametrize("nonsense", ["10", "m", "10w", "yesterday", "", "99999999d"])
def test_another_since_is_refused_with_what_to_write(nonsense: str) -> None:
    with pytest.raises(UsageError, match="Write 30s, 10m"):
        parse_since(nonsense, NOON)


def test_an_age_before_the_calendar_is_refused_too() -> None:
    with pytest.raises(UsageError, match="Write 30s, 10m"):
        parse_since("999999d", NOON)


def test_the_task_definition_names_the_log_group() -> None:
    ecs = Ecs(service(), [task("a", desiredStatus="STOPPED", lastStatus="STOPPED")])
    assert find_sources(ecs, find_deployed(place(ecs), props())) == [API]


def test_a_service_without_awslogs_is_reported() -> None:
    ecs = Ecs(service())
    ecs.definition = {"containerDefinitions": [{**DEFINITION["containerDefinitions"][0], "logConfiguration": {}}]}  # type: ignore[dict-item]
    with pytest.raises(UserError, match="agora-api does not write to CloudWatch Logs"):
        find_sources(ecs, find_deployed(place(ecs), props()))


def test_lines_of_all_tasks_come_in_the_order_of_time_from_all_pages() -> None:
    logs = Logs(event(2, "b", task="t2"), event(1, "a"), event(3, "c"), event(4, "d", task="t2"), event(5, "e"))
    assert _messages(logs) == ["a", "b", "c", "d", "e"]
    assert len(logs.asked) == 3


def test_lines_of_several_groups_are_merged() -> None:
    first, second = event(1, "old"), event(2, "new")
    logs = Logs(first, second, event(3, "old again"))
    sources = [LogSource("g1", API.stream_prefix), LogSource("g2", API.stream_prefix)]
    messages = [line.message for line in read_lines(logs, sources, NOON)]
    assert messages == ["old", "old", "new", "new", "old again", "old again"]


def test_only_the_lines_of_a_task_and_with_a_text_are_shown() -> None:
    logs = Logs(event(1, "an error"), event(2, "fine"), event(3, "an error too", task="bbbb"))
    assert _messages(logs, grep="error", task="aaaa") == ["an error"]
    assert logs.asked[0]["logStreamNamePrefix"] == "agora-dev-api/agora-api/aaaa"


def test_a_busy_cloudwatch_is_asked_again() -> None:
    assert _messages(Logs(event(1, "a"), refusals=[throttled(), throttled()])) == ["a"]


def test_expired_credentials_are_raised_at_once() -> None:
    logs = Logs(event(1, "a"), refusals=[expired()])
    with pytest.raises(ClientError):
        _messages(logs)
    assert len(logs.asked) == 1


def test_a_log_group_that_no_longer_exists_is_named() -> None:
    deleted = client_error("ResourceNotFoundException", "The specified log group does not exist.")
    with pytest.raises(UserError, match="the log group api-logs does not exist"):
        _messages(Logs(refusals=[deleted]))


def _follow(logs: Logs, looks: int, then: dict[int, list[dict[str, Any]]], remarks: list[str]) -> list[str]:
    """The lines reported in a number of polls; after a poll events can be added."""

    count = itertools.count(1)

    def wait() -> None:
        number = next(count)
        logs.events += then.get(number, [])
        if number == looks:
            raise KeyboardInterrupt

    reported: list[str] = []
    lines = follow(
        lambda moment: read_lines(logs, [API], moment, wait=lambda _: None), NOON, wait=wait, remark=remarks.append
    )
    with contextlib.suppress(KeyboardInterrupt):
        reported.extend(line.message for line in lines)
    return reported


def test_following_tells_each_line_once_also_those_that_come_late() -> None:
    logs = Logs(event(1, "a"), event(2, "c"))
    late = [event(1.6, "b, late")]
    assert _follow(logs, 3, {1: late, 2: [event(3, "d")]}, []) == ["a", "c", "b, late", "d"]
    assert logs.asked[-1]["startTime"] == int((minutes_after_noon(2) - timedelta(seconds=30)).timestamp() * 1000)


def test_lines_with_the_same_text_are_separate_lines() -> None:
    logs = Logs(event(1, "same", number="1"), event(1, "same", number="2"))
    assert _follow(logs, 2, {}, []) == ["same", "same"]


def test_following_remarks_once_on_a_passing_problem_and_continues() -> None:
    remarks: list[str] = []
    logs = Logs(event(1, "a"), refusals=[throttled()] * 12)
    assert _follow(logs, 4, {}, remarks) == ["a"]
    assert remarks == ["AWS does not answer for the moment (ThrottlingException); lines come later."]


def test_following_ends_with_credentials_that_have_expired() -> None:
    lines = follow(
        lambda moment: read_lines(Logs(refusals=[expired()]), [API], moment), NOON, wait=lambda: None, remark=print
    )
    with pytest.raises(ClientError):
        next(lines)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("bell\x07, back\x08", "bell, back"),
        ("\x9b31mred", "red"),
        ("\x1b", ""),
        ("right\u202eleft", "rightleft"),
        ("a\ttab, ümlaut, 中文", "a\ttab, ümlaut, 中文"),
    ],
)
def test_what_would_steer_a_terminal_is_not_passed_on(written: str, shown: str) -> None:
    (line,) = read_lines(Logs(event(1, written)), [API], NOON)
    assert line.texts == [shown]


def test_a_message_of_several_lines_is_shown_as_several() -> None:
    (line,) = read_lines(Logs(event(1, "Error: x\n    at y\r\n")), [API], NOON)
    assert line.texts == ["Error: x", "    at y"]
    assert line.as_json() == {
        "time": "2026-11-23T12:01:00.000Z",
        "task": "aaaa1111",
        "message": "Error: x\n    at y\n",
    }
