"""Reading a task's log, through a real client."""

from __future__ import annotations

import json

from portside.aws.task_logs import read_lines
from tests.answering_aws import AnsweringAws
from tests.aws_account import deployed

PLACE = ("group", "stream")


def _read(*messages: str) -> tuple[str, ...]:
    account = deployed()
    account.logs[PLACE] = list(messages)
    lines = read_lines(AnsweringAws(account).client("logs"), *PLACE)
    assert lines is not None
    return lines


def test_the_last_hundred_events_are_read() -> None:
    assert _read(*(f"line {number}" for number in range(150))) == tuple(f"line {number}" for number in range(50, 150))


def test_a_structured_event_is_read_whole_before_its_lines_are_cut() -> None:
    message = json.dumps({"level": "error", "msg": "start failed", "context": "x" * 2000, "err": {"message": "boom"}})

    assert _read(message) == ("ERROR start failed: boom",)


def test_a_line_is_cut_after_a_thousand_characters() -> None:
    (line,) = _read("x " * 700)

    assert len(line) == 1000
    assert line.endswith("…")


def test_a_secret_in_a_structured_event_is_omitted() -> None:
    secret = "hunter2hunter2"  # nosec B105 # sample
    message = json.dumps({"level": "error", "msg": f"no connection with password={secret}"})

    assert not any(secret in line for line in _read(message))
