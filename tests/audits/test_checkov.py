"""checkov on the templates of every environment, with nothing omitted that has no reason or is not found."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.audits.assemblies import ASSEMBLIES, AUDITED, as_it_is, audited
from tests.audits.reports import ROOT, offline_environment, report_file
from tests.unit.invariants import is_reason

# Not its program, whose first line can't name a folder with a space in it.
PYTHON = ROOT / ".agora/checkov/bin/python"
SETTINGS = ROOT / ".checkov.yaml"
MOST_SKIPS = 5

SKIPPED = yaml.safe_load(SETTINGS.read_text())["skip-check"]
REASONS = dict(re.findall(r"^  - (\w+) # (.+)$", SETTINGS.read_text(), re.MULTILINE))

installed = pytest.mark.skipif(not PYTHON.exists(), reason="checkov is not installed: tools/setup.sh --audits")


def check(folder: Path, settings: Path = SETTINGS) -> tuple[int, dict[str, Any]]:
    """checkov's exit code and report. It reads settings from the folder it runs in, too."""
    options = ["--config-file", str(settings), "--output", "json", "--directory", str(folder)]
    command = [str(PYTHON), "-m", "checkov.main", *options]
    run = subprocess.run(
        command,
        cwd=settings.parent,
        env=offline_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert run.returncode in (0, 1), run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    return run.returncode, report


def failed(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(each["check_id"], each["file_path"], each["resource"]) for each in report["results"]["failed_checks"]]


@pytest.fixture(scope="module")
def assemblies() -> Path:
    """The folder of all assemblies."""
    assert {audited(*each).folder.parent for each in AUDITED} == {ASSEMBLIES}
    return ASSEMBLIES


@installed
@pytest.mark.slow
def test_checkov_finds_nothing(assemblies: Path) -> None:
    code, report = check(assemblies)
    report_file("checkov.json").write_text(json.dumps(report, indent=2))
    assert failed(report) == []
    assert (code, report["summary"]["parsing_errors"]) == (0, 0)
    assert report["summary"]["passed"] > 100 * len(AUDITED)


@installed
@pytest.mark.slow
def test_no_template_skips_a_check_automatically(assemblies: Path) -> None:
    assert not [file for file in assemblies.glob("*/*.template.json") if "checkov" in file.read_text()]


@installed
@pytest.mark.slow
def test_no_reason_outlives_its_finding(tmp_path: Path) -> None:
    settings = yaml.safe_load(SETTINGS.read_text())
    del settings["skip-check"]
    everything = tmp_path / "checkov.yaml"
    everything.write_text(yaml.safe_dump(settings))
    code, report = check(audited("dev", as_it_is("dev")).folder, everything)
    assert code == 1
    assert {check for check, _, _ in failed(report)} == set(SKIPPED)


@installed
@pytest.mark.slow
def test_checkov_sees_a_public_database(tmp_path: Path) -> None:
    database = {"Type": "AWS::RDS::DBInstance", "Properties": {"PubliclyAccessible": True, "Engine": "postgres"}}
    (tmp_path / "by-hand.template.json").write_text(json.dumps({"Resources": {"Database": database}}))
    code, report = check(tmp_path)
    assert code == 1
    assert "CKV_AWS_17" in {check for check, _, _ in failed(report)}


def test_the_checks_that_are_omitted_are_few_and_each_has_its_reason() -> None:
    assert len(SKIPPED) <= MOST_SKIPS
    assert list(REASONS) == SKIPPED
    assert all(is_reason(reason) for reason in REASONS.values())
    assert len(set(REASONS.values())) == len(REASONS)
