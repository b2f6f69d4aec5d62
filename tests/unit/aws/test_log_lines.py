"""The lines of structured log events."""

from __future__ import annotations

import json

import pytest

from portside.aws.task_logs import lines_of

FRAME = "    at main (/app/main.js:1:1)"
STACK = f"Error: boom\n{FRAME}"


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"level": 60, "msg": "start failed", "err": {"stack": STACK}}, ["FATAL start failed: Error: boom", FRAME]),
        ({"level": "error", "message": "no", "stack": STACK}, ["ERROR no: Error: boom", FRAME]),
        ({"level": "fatal", "msg": "no config", "error": "open /x: gone"}, ["FATAL no config: open /x: gone"]),
        ({"@l": "Error", "@mt": "no", "@x": "System.Exception: boom"}, ["ERROR no: System.Exception: boom"]),
        ({"severity": "ERROR", "event": "no", "exception": STACK}, ["ERROR no: Error: boom", FRAME]),
        ({"levelname": "ERROR", "message": "no", "exc_info": "boom"}, ["ERROR no: boom"]),
        ({"log.level": "ERROR", "message": "no", "stack_trace": "boom"}, ["ERROR no: boom"]),
        ({"log.level": "ERROR", "message": "no", "error.stack_trace": "boom"}, ["ERROR no: boom"]),
        ({"level": "ERROR", "message": "no", "error": {"stack_trace": "boom"}}, ["ERROR no: boom"]),
        ({"level": 50, "msg": "no"}, ["ERROR no"]),
        ({"level": 40, "msg": "no"}, ["WARN no"]),
        ({"level": 30, "msg": "fine"}, ["INFO fine"]),
        ({"level": 20, "msg": "fine"}, ["DEBUG fine"]),
        ({"level": 10, "msg": "fine"}, ["TRACE fine"]),
        ({"level": "error", "msg": "the same", "err": {"message": "the same"}}, ["ERROR the same"]),
    ],
)
def test_a_structured_message_has_its_level_and_its_error(fields: dict[str, object], lines: list[str]) -> None:
    assert lines_of(json.dumps(fields)) == lines


@pytest.mark.parametrize("message", ["plain", "{not json}", "[1, 2]", '{"a": 1}', '"text"', "{ }"])
def test_any_other_message_stays_as_it_is(message: str) -> None:
    assert lines_of(message) == [message]


def test_a_message_of_several_lines_has_them_all() -> None:
    assert lines_of("a\nb") == ["a", "b"]
