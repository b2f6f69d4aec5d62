"""Files that other programs read, against the schemas of those programs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.audits.reports import ROOT, offline_environment, report_file, tool

DEVCONTAINER_SCHEMA = Path(__file__).with_name("devcontainer.schema.json")
_CHECK = (tool("check-jsonschema"), "--no-cache")
GATES: dict[str, tuple[Sequence[str], str]] = {
    "workflows": ((*_CHECK, "--builtin-schema", "vendor.github-workflows"), ".github/workflows/*.yaml"),
    "dependabot": ((*_CHECK, "--builtin-schema", "vendor.dependabot"), ".github/dependabot.yml"),
    "devcontainer": ((*_CHECK, "--schemafile", str(DEVCONTAINER_SCHEMA)), ".devcontainer/devcontainer.json"),
    "pre-commit": ((tool("pre-commit"), "validate-config"), ".pre-commit-config.yaml"),
}
BREAKS = {
    "workflows": ("runs-on: ubuntu-24.04", "runs-in: ubuntu-24.04"),
    "dependabot": ("interval: weekly", "interval: sometimes"),
    "devcontainer": ('"postCreateCommand"', '"postCreatedCommand"'),
    "pre-commit": ("hooks:", "hook:"),
}


def validate(command: Sequence[str], files: Sequence[Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *map(str, files)],
        cwd=ROOT,
        env=offline_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("kind", GATES)
def test_a_file_fits_the_schema_of_who_reads_it(kind: str) -> None:
    command, pattern = GATES[kind]
    files = sorted(ROOT.glob(pattern))
    assert files
    run = validate(command, files)
    report_file(f"schema-{kind}.txt").write_text(run.stdout)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("kind", GATES)
def test_a_file_that_does_not_fit_is_refused(kind: str, tmp_path: Path) -> None:
    command, pattern = GATES[kind]
    file = sorted(ROOT.glob(pattern))[0]
    old, new = BREAKS[kind]
    assert old in file.read_text()
    broken = tmp_path / file.name
    broken.write_text(file.read_text().replace(old, new, 1))
    assert validate(command, [broken]).returncode != 0


@pytest.mark.parametrize("text", ['{"image": 5}', '{"image": "a", "remoteUser": []}', '{"name": "nothing to start"}'])
def test_the_schema_for_the_container_knows_types(text: str, tmp_path: Path) -> None:
    (tmp_path / "devcontainer.json").write_text(text)
    command, _ = GATES["devcontainer"]
    assert validate(command, [tmp_path / "devcontainer.json"]).returncode != 0
