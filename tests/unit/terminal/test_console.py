"""Output for users, and output for machines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest

from portside.findings.check import FAIL, OK, SKIP, check, printed
from portside.terminal import console


@pytest.fixture
def width(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Tables are drawn again for the width that a test sets."""
    console.data_console.cache_clear()
    yield monkeypatch
    console.data_console.cache_clear()


COLUMNS = ["Service", "Image", "Health"]
ROWS = [["agora-api", "agora-api:4.2.1-rc1", "steady"], ["agora-app", "agora-app:4.2.1-rc1", "failed"]]


def _table(width: pytest.MonkeyPatch, columns: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    width.setattr(console, "NO_TERMINAL_WIDTH", columns)
    console.print_table(COLUMNS, ROWS, states=[2])
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_table_that_fits_has_a_line_a_row(width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert _table(width, 80, capsys) == [
        "Service    Image                Health",
        "agora-api  agora-api:4.2.1-rc1  steady",
        "agora-app  agora-app:4.2.1-rc1  failed",
    ]


def test_a_table_too_wide_for_the_terminal_becomes_blocks(
    width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _table(width, 30, capsys)
    assert lines[:3] == ["agora-api", "  Image   agora-api:4.2.1-rc1", "  Health  steady"]
    assert all(len(line) <= 30 for line in lines)


def test_a_table_in_a_pipe_has_no_colours(width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("\x1b" in line for line in _table(width, 80, capsys))


CHECKS = [
    ("OK", "agora-api", f"2 of 2 tasks run 4.2.1-rc1 sha256:{'a' * 64}"),
    ("FAIL", "agora-app", "no task runs"),
    ("SKIP", "[bold]footer[/bold]", "[bold]:warning:[/bold]"),
]


def _checks(width: pytest.MonkeyPatch, columns: int, capsys: pytest.CaptureFixture[str]) -> list[str]:
    width.setattr(console, "NO_TERMINAL_WIDTH", columns)
    console.print_checks(CHECKS)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_checks_are_a_tree_of_state_and_subject_with_what_was_found_under_it(
    width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _checks(width, 120, capsys) == [
        "OK   agora-api",
        f"└── 2 of 2 tasks run 4.2.1-rc1 sha256:{'a' * 64}",
        "FAIL agora-app",
        "└── no task runs",
        "SKIP [bold]footer[/bold]",
        "└── [bold]:warning:[/bold]",
    ]


def test_on_a_narrow_terminal_what_was_found_is_folded_and_nothing_is_lost(
    width: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _checks(width, 30, capsys)
    assert all(len(line) <= 30 for line in lines)
    assert "a" * 64 in "".join(line.strip(" └─│") for line in lines)


def test_every_state_of_a_check_has_its_own_colour() -> None:
    ended = [printed(check("region", state, "")) for state in (OK, FAIL, SKIP)]
    assert [console.CHECK_STYLES[word] for word in ended] == ["green", "red", "yellow"]
    assert len(console.CHECK_STYLES) == 3


@pytest.mark.parametrize(
    ("word", "colour"), [("stable", "green"), ("failed, rolled back", "red"), ("rolling out", "yellow")]
)
def test_states_have_the_colours_of_traffic_lights(word: str, colour: str) -> None:
    assert console.style_of(word) == colour


def test_json_goes_to_stdout_and_nothing_else_does(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_json({"name": "é", "path": ["a"]})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"name": "é", "path": ["a"]}
    assert captured.err == ""


@pytest.mark.parametrize(("typed", "agreed"), [("prod\n", True), ("yes\n", False), ("", False)])
def test_only_the_expected_word_is_a_go_ahead(typed: str, agreed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert console.confirm("Deploy?", expected="prod") is agreed
