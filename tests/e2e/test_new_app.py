"""New repositories, used as their developers do: tests, rehearsal, a failure and its diagnosis, removal.

They share one wheel and one virtual environment, whose stamps say that the launchers have set it up.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import cookbook
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


@contextlib.contextmanager
def repository(package: Package, tmp_path: Path, options: str) -> Iterator[NewRepository]:
    """The repository that `new` writes with these options."""
    folder = tmp_path / "harbour"
    words = [
        "new",
        str(folder),
        *options.split(),
        "--account",
        "111122223333",
        "--package",
        str(package.wheel),
        "--yes",
    ]
    done = run_installed(package.binaries, "portside", *words, folder=tmp_path, **AUTHOR, **COMMITTER)
    assert done.returncode == 0, done.stderr
    (folder / ".venv").symlink_to(package.binaries.parent)
    stamp = f"{folder}\n"
    for level, locks in (("base", ["requirements.txt"]), ("dev", ["requirements-dev.txt"])):
        stamp += "".join((folder / name).read_text() for name in locks)
        (folder / ".venv" / f"harbour-{level}").write_text(stamp)
    made = NewRepository(folder, package)
    try:
        yield made
    finally:
        made.run("local", "down")


CACHE = next(page for page in cookbook.pages() if page.name == "cache")
# A web app with a worker, a migration, a database and a cache, as a developer writes it with the cookbook.
LIBRARY = """\
    version = environment.ghcr_package_version
    shared = {
        "container_location": f"ghcr.io/example/library:{version}",
        "container_env_vars": {
            "DB_HOST": DatabaseHost(),
            "DB_PORT": DatabasePort(),
            "DB_NAME": environment.database_name,
            "DB_USER": environment.database_username,
            "CACHE_URL": f"rediss://{StackOutput('cache', 'Endpoint')}:6379",
        },
        "container_secrets": [ServiceSecret(DatabaseSecret("password"), "DB_PASSWORD")],
        "calls": [Call(DATABASE, environment.database_port), Call("cache", 6379)],
    }
    return [
        ServiceProps(container_name="web", container_port=8000, public=True, **shared),
        ServiceProps(container_name="worker", container_command=["work"], no_healthcheck_reason="none", **shared),
        ServiceProps(container_name="migrate", container_command=["migrate"], runs=BEFORE_ROLLOUT, **shared),
    ]
"""
NIGHTLY = """\
    image = f"ghcr.io/example/nightly:{environment.ghcr_package_version}"
    return [ServiceProps(container_name="nightly", container_location=image, runs=Schedule("rate(1 day)"))]
"""


@dataclass(frozen=True)
class App:
    """An app that `new` writes with these options, and the additions of its developer."""

    options: str
    version: str
    fault: str
    """The fault that breaks it, with the next version of its images."""
    said: str
    """The diagnosis."""
    services: str = ""
    imports: str = ""
    stacks: str = ""
    run: tuple[str, ...] = ()
    """The command that shows the fault, if the deployment does not."""

    def edit(self, folder: Path) -> None:
        """Write the additions of the developer."""
        if not self.services:
            return
        file = folder / "app.py"
        head, _, rest = file.read_text().partition("def services(")
        signature, _, _ = rest.partition("    web = " if "    web = " in rest else "    worker = ")
        written = head.replace("    ServiceProps,", f"    {self.imports},\n    ServiceProps,")
        written = written.replace("Environment, ServiceProps", f"Environment, {self.imports}, ServiceProps")
        file.write_text(f"{written}def services({signature}{self.services}")
        if self.stacks:
            (folder / "stacks.py").write_text(self.stacks)

    def release(self, folder: Path) -> None:
        """Choose the next version of the images."""
        file = folder / "app.py"
        text = file.read_text()
        assert text.count(f'"{self.version}"') == 1
        file.write_text(text.replace(f'"{self.version}"', f'"{self.version}.1"'))


APPS = {
    "one container": App(
        "--image nginx:1.27 --port 80 --database none --licence mit",
        "1.27",
        "web=crash-at-start",
        "web: it crashes at start",
    ),
    "a sibling of Agora": App(
        "--image ghcr.io/example/atlas:2.0 --port 3000 --database documentdb",
        "2.0",
        "web=database-auth",
        "changes the cluster's password to that of the secret",
    ),
    "web, worker, migration, database and cache": App(
        "--image ghcr.io/example/library:1.0 --port 8000 --database postgresql",
        "1.0",
        "migrate=crash-after-start",
        "migrate: it crashes at start",
        services=LIBRARY,
        imports="BEFORE_ROLLOUT, StackOutput",
        stacks=CACHE.stacks,
    ),
    "a scheduled job": App(
        "--image ghcr.io/example/nightly:3.0 --port none --database none",
        "3.0",
        "nightly=crash-after-start",
        "it crashes at start",
        services=NIGHTLY,
        imports="Schedule",
        run=("run", "dev", "nightly", "--local"),
    ),
}


@pytest.mark.parametrize("app", APPS.values(), ids=APPS)
def test_a_new_app_is_tested_deployed_broken_diagnosed_and_destroyed(
    app: App, package: Package, tmp_path: Path
) -> None:
    with repository(package, tmp_path, app.options) as made:
        app.edit(made.folder)
        assert "6 passed" in made.succeeds("test", "--snapshot-update")
        deployed = json.loads(made.succeeds("deploy", "dev", "--local", "--json"))
        assert {each["health"] for each in deployed["deployment"]["services"]} <= {"healthy", "running"}
        if not app.services:
            # The launcher finds its repository from any folder.
            assert "healthy" in made.run("status", "dev", "--local", folder=tmp_path).stdout
        app.release(made.folder)
        failed = made.run("deploy", "dev", "--local", "--yes", "--fault", app.fault)
        if app.run:
            assert failed.returncode == 0, failed.stderr
            failed = made.run(*app.run)
        assert failed.returncode == 1, failed.stderr
        said = failed.stdout + failed.stderr
        assert app.said in said
        assert "./harbour " in said
        assert "portside " not in said
        made.succeeds("destroy", "dev", "--local", "--yes", "--with-data")
