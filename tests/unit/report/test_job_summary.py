"""The summary that GitHub shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from portside.records.deployment_record import HEALTHY
from portside.report.job_summary import error_commands, report_to_github, summary
from tests.unit.deployment_report_support import VERDICT, failed_report
from tests.unit.operations_support import digest

FOLDER = Path(".agora/deployments/dev/2026-11-23T12-00-00Z-failed")


def test_the_summary_has_the_verdict_what_was_deployed_and_where_the_page_is() -> None:
    written = summary(failed_report(), FOLDER)
    assert written.startswith("## ✗ Deploying dev in AWS account 607346494281 failed after 3 min 05 s")
    assert "**agora-app: the image is not in the registry any more**" in written
    assert "- Fix: ./agora deploy dev" in written
    assert f"| agora-api | edge | ccccccc | {digest('api')} | 1 of 1 | healthy |" in written
    assert "| agora-dev-app | update |" in written
    assert "agora-dev-network" not in written
    assert f"`{FOLDER}`" in written


def test_what_several_verdicts_advise_is_in_the_summary_once() -> None:
    same = {**VERDICT, "service": "agora-api", "sentence": "its callers wait for agora-app"}
    text = summary(failed_report(verdicts=(VERDICT, same)), None)
    assert (text.count("**agora-"), text.count("- Look: "), text.count("- Fix: ")) == (2, 1, 1)


def test_columns_that_are_empty_are_omitted() -> None:
    unseen = replace(failed_report().services[0], digest="", desired="", running="", health="")
    text = summary(failed_report(services=(unseen,)), None)
    assert "| Service | Version | Commit |\n| --- | --- | --- |\n| agora-api | edge | ccccccc |" in text


def test_what_others_wrote_is_text_in_the_summary() -> None:
    verdict = {**VERDICT, "sentence": "a | b\n# not a heading <img src=x> [link](javascript:1)"}
    line = next(line for line in summary(failed_report(verdicts=(verdict,)), None).splitlines() if "a \\|" in line)
    assert line == r"**agora-app: a \| b \# not a heading \<img src=x\> \[link\]\(javascript:1\)**"


def test_what_stopped_it_and_then_each_verdict_is_an_error_of_the_run_in_one_line() -> None:
    verdict = {**VERDICT, "service": "", "stack": "agora-dev: x, y", "sentence": "100%\nsure"}
    assert error_commands(failed_report(verdicts=(verdict,), message="cdk deploy failed")) == [
        "::error title=Deploying dev%3A dev::cdk deploy failed",
        "::error title=Deploying dev%3A agora-dev%3A x%2C y::agora-dev: x, y: 100%25%0Asure",
    ]


def test_without_a_verdict_the_message_is_the_error() -> None:
    (line,) = error_commands(failed_report(verdicts=(), message="the AWS credentials expired"))
    assert line == "::error title=Deploying dev%3A dev::the AWS credentials expired"


def test_a_deployment_that_went_well_is_no_error() -> None:
    assert error_commands(failed_report(result=HEALTHY)) == []


def test_a_job_is_reported_when_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    report_to_github(failed_report(), FOLDER)
    assert file.read_text() == "before\n" + summary(failed_report(), FOLDER)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("::error title=")


def test_elsewhere_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    report_to_github(failed_report(), tmp_path)
    assert capsys.readouterr() == ("", "")
