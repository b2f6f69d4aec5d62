"""A repository takes a newer version of the package: what it changes is shown, and edited files stay."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installed_package import build_wheel, install_wheel, run_installed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

_ROLES = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
_NAMES = {f"GIT_{role}": "a@example.org" for role in _ROLES}


def _newer(folder: Path) -> None:
    """Version 9.0: a dearer load balancer, another log group, and two changed files."""
    for path, before, after in (
        ("portside/__init__.py", '__version__ = "', '__version__ = "9.'),
        ("portside/costs/prices.toml", '"load balancer" = { dollars = 0.', '"load balancer" = { dollars = 1.'),
        ("portside/stacks/network_stack.py", '"RefusedTrafficLogGroup"', '"Refused"'),
        ("portside/scaffold/templates/gitignore.j2", ".venv/\n", ".venv/\n.newer/\n"),
        ("portside/scaffold/templates/env.example.j2", "ENV=", "NEWER=yes\nENV="),
    ):
        text = (folder / path).read_text()
        assert before in text, path
        (folder / path).write_text(text.replace(before, after, 1))


@dataclass(frozen=True)
class Repository:
    folder: Path
    newer: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return run_installed(self.folder, "harbour", *words, folder=self.folder)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("upgrade")
    wheel, newer = build_wheel(folder / "source"), build_wheel(folder / "newer", _newer)
    binaries = install_wheel(wheel, folder / "venv")
    words = ["new", "harbour", "--image", "nginx:1.27", "--port", "80", "--account", "111122223333", "--yes"]
    done = run_installed(binaries, "portside", *words, "--package", str(wheel), folder=folder, **_NAMES)
    assert done.returncode == 0, done.stderr
    made = folder / "harbour"
    (made / ".venv").symlink_to(binaries.parent)
    (made / ".venv" / "harbour-base").write_text(f"{made}\n{(made / 'requirements.txt').read_text()}")
    with (made / ".env.example").open("a") as example:
        example.write("MINE=yes\n")
    return Repository(made, newer)


def test_an_upgrade_shows_its_effects_and_writes_only_what_no_one_edited(repository: Repository) -> None:
    before = {
        path: path.read_bytes() for path in repository.folder.rglob("*") if path.is_file() and not path.is_symlink()
    }
    tried = repository.run("upgrade", "--package", str(repository.newer), "--dry-run")
    assert tried.returncode == 0, tried.stderr
    lines = tried.stdout.splitlines()
    assert "$" in lines[0]
    assert "a month expected, +" in lines[0]
    [lost] = [number for number, line in enumerate(lines) if "AWS::Logs::LogGroup would be deleted" in line]
    [removed] = [number for number, line in enumerate(lines) if ": remove RefusedTrafficLogGroup" in line]
    assert lost < removed
    assert "+NEWER=yes" in lines
    assert "-MINE=yes" not in lines
    assert {path: path.read_bytes() for path in before} == before

    done = repository.run("upgrade", "--package", str(repository.newer), "--yes")
    assert done.returncode == 0, done.stderr
    assert "git apply --3way .harbour/upgrade.patch" in done.stderr
    assert ".newer/" in (repository.folder / ".gitignore").read_text()
    assert (repository.folder / ".env.example").read_text().endswith("MINE=yes\n")
    manifest = json.loads((repository.folder / "portside.json").read_text())
    assert manifest["package"]["version"].startswith("9.")
    assert f"./{manifest['package']['location']}" in (repository.folder / "requirements.txt").read_text()
    assert [path.name for path in (repository.folder / "vendor").iterdir()] == [repository.newer.name]
    assert [path.name for path in (repository.folder / ".harbour").glob("upgrade*")] == ["upgrade.patch"]
