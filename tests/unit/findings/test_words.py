"""Others' words as they may be shown, reading at once, and what a user sees."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from portside.aws.parallel import in_parallel
from portside.cli import diagnose as command
from portside.cli.diagnose import show_verdicts
from portside.cli.main import run
from portside.findings import diagnose
from portside.findings.finding import Finding
from portside.records import maintenance_record
from portside.terminal import console
from tests.unit.operations_support import NOON

VERDICT = Finding(
    "SECRET_MISSING",
    "there is no secret agora-sentry-dsn in account 607346494281",
    evidence=("task 01234567: ResourceInitializationError: unable to pull secrets or registry auth",),
    look="secret agora-sentry-dsn in Secrets Manager",
    fix="aws secretsmanager create-secret --name agora-sentry-dsn --secret-string '…'",
    service="agora-app",
    stack="agora-dev-app",
    since=NOON,
)


def test_jobs_answer_by_name_and_an_error_is_an_answer() -> None:
    def fail() -> None:
        raise ValueError("no")

    found = in_parallel({"good": lambda: 1, "bad": fail}, time.monotonic() + 5)
    assert found["good"] == 1
    assert isinstance(found["bad"], ValueError)


@pytest.mark.parametrize("width", [40, 80])
def test_a_verdict_fits_a_terminal_and_nothing_is_cut_off(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    narrow = Console(width=width, force_terminal=True, color_system=None, highlight=False, _environ={})
    monkeypatch.setattr(console, "data_console", lambda: narrow)
    show_verdicts([VERDICT])
    lines = capsys.readouterr().out.splitlines()
    assert VERDICT.fix in lines[-1], "a command is copied whole"
    assert all(len(line) <= width for line in lines[:-1])
    shown = " ".join(" ".join(line.split()) for line in lines)
    for text in (VERDICT.what, *VERDICT.evidence, VERDICT.look):
        assert text in shown
    assert lines[0].startswith("✗ agora-app: there is no secret")


def test_what_is_no_terminal_gets_each_text_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipe: Any = Console(width=20, force_terminal=False)
    monkeypatch.setattr(console, "data_console", lambda: pipe)
    show_verdicts([VERDICT])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert not [line for line in lines if line != line.rstrip()]


def test_the_last_line_names_each_subject_with_its_own_cause(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def verdict(service: str, cause: str) -> Finding:
        return Finding(cause, "has failed", look="there", fix="fix it", service=service)

    verdicts = (verdict("agora-apex", "BY_HAND"), verdict("agora-api", "QUOTA"), verdict("", "UNKNOWN"))
    found = SimpleNamespace(verdicts=verdicts, snapshot=SimpleNamespace(unknown=()))
    monkeypatch.setattr(command, "configured_target", lambda *_, **__: SimpleNamespace(target=None, configuration=None))
    monkeypatch.setattr(diagnose, "diagnose", lambda *_, **__: found)
    monkeypatch.setattr(maintenance_record, "maintenance_of", lambda _: "")
    assert run(["diagnose", "dev"]) == 1
    assert "dev: agora-apex (changed by hand), agora-api (quota reached), unknown" in capsys.readouterr().err
