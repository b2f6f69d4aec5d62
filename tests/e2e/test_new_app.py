"""New repositories, used as their developers do: tests, rehearsal, a failure and its diagnosis, removal.

They share one wheel and one virtual environment, whose stamps say that the launchers have set it up.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installed_package import build_wheel, install_wheel, run_installed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

AUTHOR = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
COMMITTER = {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}


@dataclass(frozen=True)
class Package:
    """The wheel, and the programs of the environment in which it is installed."""

    wheel: Path
    binaries: Path


@dataclass(frozen=True)
class NewRepository:
    """A new repository with a virtual environment."""

    folder: Path
    package: Package

    def run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run its launcher."""
        return run_installed(
            self.folder, self.folder.name, *words, folder=folder or self.folder, CDK_VALIDATION="false"
        )

    def succeeds(self, *words: str) -> str:
        """Run its launcher, which must succeed. Returns its output."""
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("package")
    wheel = build_wheel(folder / "source")
    return Package(wheel, install_wheel(wheel, folder / "venv"))


@pytest.fixture
def repository(package: Package, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewRepository]:
    """The repository that `new` writes with these options."""
    folder = tmp_path / "harbour"
    words = ["new", str(folder), *request.param, "--account", "111122223333", "--package", str(package.wheel), "--yes"]
    done = run_installed(package.binaries, "portside", *words, folder=tmp_path, **AUTHOR, **COMMITTER)
    assert done.returncode == 0, done.stderr
    (folder / ".venv").symlink_to(package.binaries.parent)
    stamp = f"{folder}\n"
    for level, locks in (("base", ["requirements.txt"]), ("dev", ["requirements-dev.txt"])):
        stamp += "".join((folder / name).read_text() for name in locks)
        (folder / ".venv" / f"harbour-{level}").write_text(stamp)
    made = NewRepository(folder, package)
    yield made
    made.run("local", "down")


WEB = ["--image", "nginx:1.27", "--port", "80", "--database", "postgresql", "--licence", "mit"]
WORKER = ["--image", "ghcr.io/example/worker:2.0", "--port", "none"]


@pytest.mark.parametrize("repository", [WEB], ids=["web with a database"], indirect=True)
def test_a_new_app_is_tested_rehearsed_broken_diagnosed_and_removed(repository: NewRepository, tmp_path: Path) -> None:
    assert "6 passed" in repository.succeeds("test", "--snapshot-update")
    deployed = json.loads(repository.succeeds("deploy", "dev", "--local", "--json"))
    assert [service["health"] for service in deployed["deployment"]["services"]] == ["healthy"]
    # The launcher finds its repository from any folder.
    assert "healthy" in repository.run("status", "dev", "--local", folder=tmp_path).stdout
    assert (repository.folder / ".harbour").is_dir()

    configuration = repository.folder / "app.py"
    configuration.write_text(configuration.read_text().replace("_reservation=512", "_reservation=1024"))
    failed = repository.run("deploy", "dev", "--local", "--yes", "--fault", "web=crash-at-start")
    assert failed.returncode == 1, failed.stderr
    said = failed.stdout + failed.stderr
    assert "./harbour " in said
    assert "portside " not in said
    repository.succeeds("destroy", "dev", "--local", "--yes", "--with-data")


@pytest.mark.parametrize("repository", [WORKER], ids=["worker"], indirect=True)
def test_a_new_worker_is_rehearsed_and_removed(repository: NewRepository) -> None:
    repository.succeeds("deploy", "dev", "--local", "--yes")
    repository.succeeds("destroy", "dev", "--local", "--yes", "--with-data")
