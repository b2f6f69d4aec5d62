"""zizmor on the workflows, at its strictest.

Without a GitHub token it omits five audits: impostor-commit, ref-confusion, known-vulnerable-actions,
stale-action-refs and ref-version-mismatch. Nothing is claimed of those. https://docs.zizmor.sh/audits/
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.audits.reports import ROOT, offline_environment, report_file, tool

PERSONAS = ["regular", "pedantic", "auditor"]


def audit(folder: Path, persona: str) -> subprocess.CompletedProcess[str]:
    command = [tool("zizmor"), "--offline", "--no-progress", "--quiet", "--no-config", "--strict-collection"]
    return subprocess.run(
        [*command, "--format", "json", "--persona", persona, str(folder)],
        env=offline_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("persona", PERSONAS)
def test_zizmor_finds_nothing(persona: str) -> None:
    run = audit(ROOT / ".github", persona)
    report_file(f"zizmor-{persona}.json").write_text(run.stdout)
    assert (json.loads(run.stdout), run.returncode) == ([], 0), run.stderr


def test_nothing_is_hidden_from_zizmor() -> None:
    files = [path for path in (ROOT / ".github").rglob("*") if path.is_file()]
    hidden = {
        path.name: re.findall(r"zizmor: ignore\[([\w, -]+)\]", text)
        for path in files
        if "zizmor:" in (text := path.read_text())
    }
    # It runs the default branch only, and does not execute what a pull request passes: tests/unit/test_workflows.py.
    assert hidden == {"review-comment.yaml": ["dangerous-triggers"]}
    assert not [
        path
        for name in ("zizmor.yml", "zizmor.yaml")
        for path in (ROOT / name, ROOT / ".github" / name)
        if path.exists()
    ]


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6", "unpinned-uses"),
        ("persist-credentials: false", "persist-credentials: true", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
    ],
)
def test_zizmor_sees_an_unsafe_workflow(tmp_path: Path, old: str, new: str, finding: str) -> None:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    workflow = tmp_path / ".github/workflows/test.yaml"
    assert old in workflow.read_text()
    workflow.write_text(workflow.read_text().replace(old, new))
    run = audit(tmp_path / ".github", "auditor")
    assert run.returncode != 0
    assert finding in {each["ident"] for each in json.loads(run.stdout)}
