"""CloudFormation's own rules on the templates of every environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.audits.assemblies import as_it_is, audited
from tests.audits.reports import offline_environment, report_file, tool
from tests.unit.stacks_support import ENVIRONMENTS

# W3005: that a service waits for its listener is said twice by the CDK.
IGNORED = "W3005"


def lint(files: list[Path], report: Path) -> int:
    command = [tool("cfn-lint"), "--ignore-checks", IGNORED, "--format", "json", "--output-file", str(report), "--"]
    run = subprocess.run([*command, *map(str, files)], env=offline_environment(), check=False, timeout=110)
    return run.returncode


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_cfn_lint_finds_nothing(name: str) -> None:
    files = sorted(audited(name, as_it_is(name)).folder.glob("*.template.json"))
    report = report_file(f"cfn-lint-{name}.json")
    code = lint(files, report)
    found = {
        (each["Rule"]["Id"], each["Message"], Path(each["Filename"]).name) for each in json.loads(report.read_text())
    }
    assert (found, code) == (set(), 0)
    assert len(files) > 8


@pytest.mark.slow
def test_cfn_lint_sees_a_property_that_does_not_exist(tmp_path: Path) -> None:
    template = tmp_path / "by-hand.template.json"
    template.write_text(
        json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"Keep": 1}}}})
    )
    assert lint([template], tmp_path / "report.json") != 0
    assert "E3002" in (tmp_path / "report.json").read_text()
