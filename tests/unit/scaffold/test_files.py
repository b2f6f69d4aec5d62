"""The files of a new app's repository: each is valid, and none names the app of this repository."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from portside import app
from portside.config import deferred_values, service_props
from portside.config.configuration import load_configuration
from portside.program import declared_name
from portside.scaffold import lock
from portside.scaffold.files import RepositoryFile, launcher_values, workflow_values
from portside.scaffold.manifest import MANIFEST
from portside.scaffold.new_app import LICENCES, render
from portside.scaffold.write import write_files
from tests.unit.documents import ROOT
from tests.unit.scaffold.support import RUFF, files_of, text_of

APPS: dict[str, dict[str, Any]] = {
    "web": {},
    "worker": {"port": None},
    "postgresql": {"database": "postgresql"},
    "documentdb": {"database": "documentdb", "name": "my-harbour"},
    "site": {
        "fqdn": "harbour.example.org",
        "certificate_id": "22222222-7db1-4042-90d0-01eb5bde1ffc",
        "region": "eu-west-1",
        "licence": "apache-2.0",
    },
    "digest": {"image": f"ghcr.io/example/harbour@sha256:{'1' * 64}", "licence": "mit"},
    "no tag": {"image": "nginx"},
    "reusable workflows": {"workflows": f"example/portside@{'0' * 40}"},
}


@pytest.fixture(params=APPS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    repository = tmp_path / "repository"
    write_files(repository, files_of(tmp_path, **APPS[request.param]))
    return repository


def test_a_new_configuration_is_valid(written: Path) -> None:
    configuration = load_configuration(written / "app.py")
    (service,) = configuration.services_of("dev")
    assert configuration.environment("dev").account == "111122223333"
    assert service.public == (service.container_port is not None)
    assert configuration.warnings == ()


def test_new_files_are_formatted_and_pass_the_linter(written: Path) -> None:
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *RUFF], cwd=written, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_new_files_never_name_the_app_of_this_repository(written: Path) -> None:
    named = [
        str(path.relative_to(written))
        for path in written.rglob("*")
        if path.is_file() and path.suffix != ".whl" and re.search("agora|adknowledge|sage-bio", path.read_text(), re.I)
    ]
    assert named == []


def test_new_files_of_data_can_be_read(written: Path) -> None:
    for path in written.rglob("*.json"):
        json.loads(path.read_text())
    for path in written.rglob("*.yaml"):
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] == {}


def test_the_launcher_is_declared_and_can_be_executed(written: Path) -> None:
    name = declared_name(written)
    assert (written / name).stat().st_mode & 0o100
    assert (written / "tools/setup.sh").stat().st_mode & 0o100
    assert subprocess.run(["bash", "-n", str(written / name)], check=False).returncode == 0


def test_the_launcher_of_this_repository_is_that_of_a_new_app() -> None:
    assert render("launcher", **launcher_values("agora", module="agora_own", installed=False)) == (
        ROOT / "agora"
    ).read_text().replace("Agora's command line:", "The command line of agora:")


@pytest.mark.parametrize("name", ["check", "deploy"])
def test_the_reusable_workflows_of_this_repository_are_the_whole_ones_of_a_new_app(name: str) -> None:
    values = {"program": './"$LAUNCHER"', **workflow_values("", reusable=True)}
    written = (ROOT / f".github/workflows/app-{name}.yaml").read_text()
    assert written == render(f"{name}.yaml", **values, name="")


def test_a_workflow_that_calls_the_reusable_one_is_short_and_pinned(tmp_path: Path) -> None:
    reference = f"example/portside@{'0' * 40}"
    files = files_of(tmp_path, workflows=reference)
    for name, permissions in (("check", {"contents"}), ("deploy", {"contents", "id-token"})):
        text = text_of(files, f".github/workflows/{name}.yaml")
        (job,) = yaml.safe_load(text)["jobs"].values()
        assert job["uses"] == f"example/portside/.github/workflows/app-{name}.yaml@{'0' * 40}"
        assert job["permissions"].keys() == permissions
        assert len(text.splitlines()) <= 18
    assert json.loads(text_of(files, MANIFEST))["options"]["workflows"] == reference


def test_a_new_repository_has_about_fifteen_files(tmp_path: Path) -> None:
    written = [path for path in files_of(tmp_path) if not path.endswith(".whl")]
    assert len(written) == 15


def test_the_manifest_has_the_digest_of_every_other_file(written: Path) -> None:
    manifest = json.loads((written / MANIFEST).read_text())
    paths = {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()}
    assert manifest["files"].keys() == paths - {MANIFEST}
    for path, digest in manifest["files"].items():
        assert hashlib.sha256((written / path).read_bytes()).hexdigest() == digest


def test_the_locks_pin_every_package_with_hashes(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    ours = {**_pinned((ROOT / "requirements.txt").read_text()), **_pinned((ROOT / "requirements-dev.txt").read_text())}
    for name in ("requirements.txt", "requirements-dev.txt"):
        pinned = _pinned(text_of(files, name))
        assert pinned.items() <= ours.items()
        assert all(pinned.values())
    assert _pinned(text_of(files, "requirements.txt")) == _pinned((ROOT / "requirements.txt").read_text())
    assert {"pytest", "pluggy", "syrupy"} <= _pinned(text_of(files, "requirements-dev.txt")).keys()
    assert "mypy" not in _pinned(text_of(files, "requirements-dev.txt"))


def _pinned(text: str) -> dict[str, list[str]]:
    entries = re.findall(r"^([\w.-]+)==(\S+) \\\n((?:    --hash.*\n)+)", text, re.M)
    return {name: [version, *re.findall("sha256:[0-9a-f]{64}", hashes)] for name, version, hashes in entries}


def test_the_first_requirement_is_the_wheel_in_the_repository(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    (vendored,) = (path for path in files if path.endswith(".whl"))
    digest = hashlib.sha256(files[vendored].content).hexdigest()
    assert text_of(files, "requirements.txt").startswith(f"./{vendored} \\\n    --hash=sha256:{digest}\n")


def test_a_part_of_a_lock_has_what_its_packages_need() -> None:
    text = "a==1 \\\n    # via b\nb==1 \\\n    # via -r x.in\nc==1 \\\n    # via\n    #   a\n    #   d\nd==1\n"
    assert re.findall(r"^\w", lock.only(text, ["b"]), re.M) == ["a", "b", "c"]
    assert "#" not in lock.only(text, ["b"])
    with pytest.raises(ValueError, match="not in the lock: e"):
        lock.only(text, ["e"])


@pytest.mark.parametrize("licence", LICENCES)
def test_the_licence_is_that_of_the_choice(licence: str, tmp_path: Path) -> None:
    files: dict[str, RepositoryFile] = files_of(tmp_path, licence=licence)
    assert ("LICENSE" in files) == (licence != "none")
    assert ("## License" in text_of(files, "README.md")) == (licence != "none")
    if licence == "apache-2.0":
        assert text_of(files, "LICENSE") == (ROOT / "LICENSE").read_text()


def test_an_app_can_import_every_entry_and_deferred_value() -> None:
    assert {"ALWAYS", "BEFORE_ROLLOUT", "ON_REQUEST", "Schedule", "Route"} <= set(app.__all__)
    for module in (service_props, deferred_values):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")}
        assert classes <= set(app.__all__)
