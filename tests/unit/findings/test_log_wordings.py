"""The last lines of programs are understood: each line of the file has the end of a log, and its verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portside.aws.task_logs import lines_of
from portside.findings import database_rules, log_rules, log_terms
from portside.findings.words import CRASH, Row, rows_of
from tests.unit.diagnosis_support import exited, verdict_on

WORDINGS: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("log-wordings.jsonl").read_text(encoding="utf-8").splitlines()
]
FILES = (database_rules.FILE, database_rules.DATABASES_FILE, log_rules.FILE)
TABLE: tuple[Row, ...] = tuple(row for file in FILES for row in rows_of(file))


@pytest.mark.parametrize("wording", WORDINGS, ids=[f"{number}-{each['code']}" for number, each in enumerate(WORDINGS)])
def test_a_wording_is_understood(wording: dict[str, Any]) -> None:
    assert _is_understood(wording)


@pytest.mark.parametrize("row", TABLE, ids=[f"{number}-{row.code}" for number, row in enumerate(TABLE)])
def test_without_a_row_a_wording_is_not_understood(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    code = row.code.replace(f"{CRASH}.", "CRASH_AT_START.")
    monkeypatch.setattr(log_terms, "rows_of", lambda file: tuple(each for each in rows_of(file) if each is not row))

    assert not all(_is_understood(wording) for wording in WORDINGS if wording["code"] == code)


def _is_understood(wording: dict[str, Any]) -> bool:
    found = verdict_on(
        exited(wording["exit_code"], *(line for message in wording["log"] for line in lines_of(message)))
    )
    return found.code == wording["code"] and wording["said"] in found.what and wording["fix"] in found.fix
