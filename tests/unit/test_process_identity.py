"""Telling a dead process of this machine from a living one, and from what can't be known."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from portside import process_identity
from portside.process_identity import is_dead, parse, this_process

PRINT_IDENTITY = (
    "import json; from portside.process_identity import this_process; print(json.dumps(this_process().as_json()))"
)


def test_this_process_lives() -> None:
    assert not is_dead(this_process())


def test_an_ended_process_is_dead() -> None:
    import json

    from portside.config.configuration import ROOT

    ended = subprocess.run([sys.executable, "-c", PRINT_IDENTITY], cwd=ROOT, capture_output=True, text=True, check=True)
    found = parse(json.loads(ended.stdout))
    assert found is not None
    assert found.pid != this_process().pid
    assert is_dead(found)


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    assert is_dead(replace(this_process(), started="1"))


def test_what_ran_before_the_machine_was_started_is_dead() -> None:
    assert is_dead(replace(this_process(), boot="an earlier one"))


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"host": "another"},
        {"host": ""},
        {"boot": ""},
        {"namespace": "pid:[1]", "started": "1"},
        {"started": ""},
    ],
)
def test_what_can_not_be_known_from_here_is_not_called_dead(elsewhere: dict[str, str]) -> None:
    assert not is_dead(replace(this_process(), **elsewhere))  # type: ignore[arg-type]


def test_it_comes_back_from_json() -> None:
    assert parse(this_process().as_json()) == this_process()


@pytest.mark.parametrize("fields", [None, "1234", 12, [], {}, {"pid": "x"}, {"host": "h", "pid": 1}])
def test_anything_else_is_none(fields: object) -> None:
    assert parse(fields) is None


def test_a_machine_without_proc_asks_ps(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(process_identity, "_PROC", tmp_path)
    monkeypatch.setattr(process_identity, "_boot", lambda: "this one")
    mine = this_process()
    assert mine.started
    assert not is_dead(mine)
    assert is_dead(replace(mine, started="Thu Jan  1 00:00:00 1970"))
