"""Records of tasks that ran once: the first had no format, and those of a later one are ignored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portside.records import task_record
from portside.records.task_record import TaskRecord

FIRST: dict[str, Any] = {
    "task": "load",
    "image": "ghcr.io/example/data",
    "digest": "sha256:" + "1" * 64,
    "exit_code": 0,
    "began": "2026-11-01T10:00:00+00:00",
    "who": "someone",
    "commit": None,
    "place": "account 111122223333",
}


@pytest.mark.parametrize(("added", "is_read"), [({}, True), ({"format": 1}, True), ({"format": 2}, False)])
def test_a_record_is_read_if_its_format_is_known(added: dict[str, int], is_read: bool) -> None:
    found = task_record._parse(json.dumps(FIRST | added), 7)
    assert (found == TaskRecord(**FIRST, number=7)) if is_read else found is None
