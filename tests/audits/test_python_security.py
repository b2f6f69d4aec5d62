"""bandit on everything in Python that is not a test."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.audits.reports import ROOT, report_file, tool
from tests.unit.invariants import is_reason

PARTS = ("app.py", "src", "portside", "agora_own", "tools", "benchmarks")
SETTINGS = ROOT / "pyproject.toml"
SKIPPED = tomllib.loads(SETTINGS.read_text())["tool"]["bandit"]["skips"]
REASONS = dict(re.findall(r'^  "(B\d+)", # (.+)$', SETTINGS.read_text(), re.MULTILINE))
SOURCES = [path for part in PARTS for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))]


def scan(paths: Sequence[Path], report: Path) -> dict[str, Any]:
    command = [tool("bandit"), "--quiet", "--configfile", str(SETTINGS), "--format", "json", "--output", str(report)]
    subprocess.run([*command, "--recursive", *map(str, paths)], check=False, timeout=100, capture_output=True)
    found: dict[str, Any] = json.loads(report.read_text())
    return found


@pytest.mark.slow
def test_bandit_finds_nothing() -> None:
    found = scan([ROOT / part for part in PARTS], report_file("bandit.json"))
    assert [(each["test_id"], each["filename"], each["line_number"]) for each in found["results"]] == []
    assert found["errors"] == []
    assert found["metrics"]["_totals"]["loc"] > 10_000


def test_each_rule_that_is_omitted_has_its_reason() -> None:
    assert list(REASONS) == SKIPPED
    assert all(is_reason(reason) for reason in REASONS.values())


def test_a_line_that_is_excepted_names_the_rule_and_the_reason() -> None:
    excepted = [line for path in SOURCES for line in path.read_text().splitlines() if "nosec" in line]
    assert [line for line in excepted if not re.search(r"# nosec B\d+ # \w+", line)] == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('import subprocess\nsubprocess.run("ls " + input(), shell=True)', "B602"),
        ('PASSWORD = "hunter2hunter2"', "B105"),
        ("import hashlib\nhashlib.md5(b'')", "B324"),
        ("import yaml\nyaml.load(input())", "B506"),
        ("import requests\nrequests.get('https://localhost', verify=False, timeout=1)", "B501"),
    ],
)
def test_bandit_sees_unsafe_python(line: str, rule: str, tmp_path: Path) -> None:
    (tmp_path / "by_hand.py").write_text(f"{line}\n")
    found = scan([tmp_path / "by_hand.py"], tmp_path / "report.json")
    assert rule in {each["test_id"] for each in found["results"]}
