"""`cdk synth --strict` of this repository's app, as a user runs it, with the CDK's own validation of templates."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from shlex import quote

import pytest

from portside.images.synthesis_images import IMAGES_FILE
from portside.testing.synthesis import synthesized
from tests.audits.reports import ROOT, offline_environment, report_file, tool

APP = ROOT / "app.py"

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WARNED = """
import aws_cdk as cdk
app = cdk.App()
stack = cdk.Stack(app, "stack")
cdk.Annotations.of(stack).add_warning_v2("by-hand", "worth a thought")
app.synth()
"""
MISTAKEN = """
import aws_cdk as cdk
app = cdk.App()
cdk.CfnResource(cdk.Stack(app, "stack"), "Group", type="AWS::Logs::LogGroup", properties={"RetentionInDays": "long"})
app.synth()
"""


def synthesize(app: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = offline_environment() | {"PATH": f"{Path(tool('node')).parent}:/usr/bin:/bin"} | environment
    del variables["CDK_VALIDATION"]
    command = [tool("cdk"), "synth", "--strict", "--quiet", "--app", app, "--output", str(folder)]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False, timeout=110)


def environments() -> list[str]:
    """The environments whose templates the check of a pull request makes: those that have a release, or need none."""
    command = [tool("python"), "-m", "agora_own", "ci"]
    run = subprocess.run(command, cwd=ROOT, env=offline_environment(), capture_output=True, text=True, check=True)
    found: list[str] = json.loads(run.stdout.partition("=")[2])
    return found


@pytest.mark.parametrize("name", environments())
def test_an_environment_is_synthesized_without_a_warning(name: str, tmp_path: Path) -> None:
    images = tmp_path / "images.json"
    images.write_text(synthesized(APP, name).images.written())
    run = synthesize(f"{quote(tool('python'))} app.py", tmp_path / "out", ENV=name, **{IMAGES_FILE: str(images)})
    assert run.returncode == 0, run.stderr
    report = json.loads((tmp_path / "out/validation-report.json").read_text())
    report_file(f"cdk-synth-{name}.json").write_text(json.dumps(report, indent=2))
    assert [each for each in report["pluginReports"] if each["violations"]] == []
    assert "[Warning" not in run.stderr


@pytest.mark.parametrize(("app", "said"), [(WARNED, "worth a thought"), (MISTAKEN, "RetentionInDays")])
def test_a_warning_and_a_mistake_in_a_template_end_it(app: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(app)
    run = synthesize(f"{quote(tool('python'))} {quote(str(tmp_path / 'app.py'))}", tmp_path / "out")
    assert run.returncode != 0
    assert said in run.stdout + run.stderr
