"""Output for users, and output for machines."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from portside.findings.check import FAIL, OK, SKIP, check, printed
from portside.terminal import console
from portside.terminal.redacting_console import RedactingConsole


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Tables are drawn again for the width that a test sets."""
    console.data_console.cache_clear()
    yield monkeypatch
    console.data_console.cache_clear()


COLUMNS = ["Service", "Image", "Health"]
ROWS = [["agora-api", "agora-api:4.2.1-rc1", "stable"], ["agora-app", "agora-app:4.2.1-rc1", "failed"]]


def _table(width: pytest.MonkeyPatch, columns: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    width.setattr(console, "NO_TERMINAL_WIDTH", columns)
    console.print_table(COLUMNS, ROWS, states=[2])
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_table_that_fits_has_a_line_a_row(width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _table(width, 80, capsys) == [
        "Service    Image                Health",
        "agora-api  agora-api:4.2.1-rc1  stable",
        "agora-app  agora-app:4.2.1-rc1  failed",
    ]


def test_a_table_too_wide_for_the_terminal_becomes_blocks(
    width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _table(width, 30, capsys)
    assert lines[:3] == ["agora-api", "  Image   agora-api:4.2.1-rc1", "  Health  stable"]
    assert all(len(line) <= 30 for line in lines)


def test_a_table_in_a_pipe_has_no_colours(width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("\x1b" in line for line in _table(width, 80, capsys))


CHECKS = [
    ("OK", "agora-api", f"2 of 2 tasks run 4.2.1-rc1 sha256:{'a' * 64}"),
    ("FAIL", "agora-app", "no task runs; a command: ./agora logs dev app --since 1h"),
    ("SKIP", "[bold]footer[/bold]", "[bold]:warning:[/bold]"),
]


def _checks(monkeypatch: pytest.MonkeyPatch, columns: int, *, terminal: bool, output: io.StringIO) -> list[str]:
    drawn = RedactingConsole(file=output, width=columns, force_terminal=terminal, color_system=None, highlight=False)
    monkeypatch.setattr(console, "data_console", lambda: drawn)
    console.print_checks(CHECKS)
    return [line.rstrip() for line in output.getvalue().splitlines()]


@pytest.mark.parametrize("columns", [20, 120])
def test_checks_are_a_line_of_state_and_subject_with_the_result_below_it(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _checks(monkeypatch, columns, terminal=False, output=io.StringIO()) == [
        "OK   agora-api",
        f"└── 2 of 2 tasks run 4.2.1-rc1 sha256:{'a' * 64}",
        "FAIL agora-app",
        "└── no task runs; a command: ./agora logs dev app --since 1h",
        "SKIP [bold]footer[/bold]",
        "└── [bold]:warning:[/bold]",
    ]


def test_on_a_narrow_terminal_results_fold_between_words_and_commands_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _checks(monkeypatch, 30, terminal=True, output=io.StringIO())[1:7] == [
        "└── 2 of 2 tasks run 4.2.1-rc1",
        f"    sha256:{'a' * 64}",
        "FAIL agora-app",
        "└── no task runs; a command:",
        "    ./agora logs dev app --since 1h",
        "SKIP [bold]footer[/bold]",
    ]


def test_every_state_of_a_check_has_its_own_colour() -> None:
    ended = [printed(check("region", state, "")) for state in (OK, FAIL, SKIP)]
    assert [console.CHECK_STYLES[word] for word in ended] == ["green", "red", "yellow"]
    assert len(console.CHECK_STYLES) == 3


@pytest.mark.parametrize(
    ("word", "colour"),
    [("stable", "green"), ("rolled out", "green"), ("failed, rolled back", "red"), ("rolling out", "yellow")],
)
def test_states_have_the_colours_of_traffic_lights(word: str, colour: str) -> None:
    assert console.style_of(word) == colour


def test_every_time_in_json_has_one_format(capsys: pytest.CaptureFixture[str]) -> None:
    moment = datetime(2026, 11, 26, 5, 39, 12, tzinfo=timezone(timedelta(hours=1)))
    console.print_json({"since": moment, "records": [{"began": "2026-11-26T04:39:12+00:00"}], "commit": "2026-11-26"})
    assert json.loads(capsys.readouterr().out) == {
        "since": "2026-11-26T04:39:12Z",
        "records": [{"began": "2026-11-26T04:39:12Z"}],
        "commit": "2026-11-26",
    }


def test_an_error_on_a_narrow_terminal_keeps_its_command_in_one_piece(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((30, 24)))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    console.print_failure("dev is locked by jane since a while", "If it has ended: ./agora unlock dev --local --yes")
    assert capsys.readouterr().err.splitlines() == [
        "✗ dev is locked by jane since",
        "a while",
        "If it has ended:",
        "./agora unlock dev --local --yes",
    ]


def test_json_goes_to_stdout_and_nothing_else_does(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"name": "é", "path": ["a"]})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"name": "é", "path": ["a"]}
    assert captured.err == ""


@pytest.mark.parametrize(("typed", "agreed"), [("prod\n", True), ("yes\n", False), ("", False)])
def test_only_the_expected_word_is_a_go_ahead(typed: str, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert console.confirm("Deploy?", expected="prod") is agreed
