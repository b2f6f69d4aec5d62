"""The effect of an upgrade on each file, and how an interrupted one is completed."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from portside.errors import UserError
from portside.scaffold import upgrade as upgrades
from portside.scaffold.files import RepositoryFile
from portside.scaffold.manifest import MANIFEST, Manifest, read_manifest
from portside.scaffold.package_pin import PackagePin
from portside.scaffold.upgrade import Candidate, Upgrade, finish, plan_upgrade, stage, work_folder
from portside.scaffold.write import write_files
from tests.unit.scaffold.support import files_of

WHEEL = "vendor/portside-9.0-py3-none-any.whl"
PIN = PackagePin(WHEEL, "9.0", "9" * 64, b"wheel")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "harbour"
    write_files(folder, files_of(tmp_path, licence="mit"))
    return folder


@pytest.fixture
def manifest(repository: Path) -> Manifest:
    return read_manifest(repository)


@pytest.fixture
def new(tmp_path: Path) -> dict[str, RepositoryFile]:
    """The files of the new version, two of which differ."""
    files = {path: file for path, file in files_of(tmp_path, licence="mit").items() if not path.endswith(".whl")}
    for path in ("app.py", "LICENSE", MANIFEST):
        del files[path]
    for path in (".gitignore", "requirements.txt"):
        files[path] = replace(files[path], content=files[path].content + b"new==2.0\n")
    return {**files, WHEEL: RepositoryFile(b"wheel")}


def test_only_files_that_differ_are_written_and_the_former_wheel_is_deleted(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    planned = plan_upgrade(repository, manifest, PIN, new)
    assert planned.written.keys() == {".gitignore", "requirements.txt", WHEEL}
    assert planned.deleted == ("vendor/portside-0.1.0-py3-none-any.whl",)
    assert planned.edited == {}
    assert planned.manifest.pin == PIN
    assert {"app.py", "LICENSE"} <= planned.manifest.files.keys()


def test_an_edited_file_stays_and_its_patch_has_only_what_the_new_version_changes(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    for path in (".gitignore", "README.md"):
        (repository / path).write_text("mine\n" + (repository / path).read_text())
    planned = plan_upgrade(repository, manifest, PIN, new)
    # README.md is the same in both versions: there is nothing to say about it.
    assert planned.edited.keys() == {".gitignore"}
    changed = [line for line in planned.edited[".gitignore"].splitlines() if line.startswith(("+", "-"))]
    assert changed == ["--- a/.gitignore", "+++ b/.gitignore", "+new==2.0"]
    assert ".gitignore" not in planned.written


def test_git_merges_the_patch_with_the_edits(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "A")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.org")
    ignored = repository / ".gitignore"

    def git(*words: str, given: str = "") -> None:
        subprocess.run(["git", *words], cwd=repository, input=given, text=True, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Begin")
    ignored.write_text("mine\n" + ignored.read_text())
    git("commit", "--quiet", "--all", "--message", "Edit")
    git("apply", "--3way", given=plan_upgrade(repository, manifest, PIN, new).edited[".gitignore"])
    assert ignored.read_text().splitlines()[:1] == ["mine"]
    assert ignored.read_text().splitlines()[-1:] == ["new==2.0"]


def test_packages_that_a_team_added_to_a_lock_stay(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    with (repository / "requirements.txt").open("a") as lock:
        lock.write("redis==7.1.0 \\\n    --hash=sha256:" + "7" * 64 + "\n")
    written = plan_upgrade(repository, manifest, PIN, new).written["requirements.txt"].content.decode()
    assert written.startswith(new["requirements.txt"].content.decode())
    assert written.endswith("redis==7.1.0 \\\n    --hash=sha256:" + "7" * 64 + "\n")


def test_what_a_team_deleted_stays_deleted_and_what_it_made_is_not_overwritten(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    (repository / ".gitignore").unlink()
    (repository / "Makefile").write_text("mine\n")
    planned = plan_upgrade(repository, manifest, PIN, {**new, "Makefile": RepositoryFile(b"theirs\n")})
    assert ".gitignore" not in planned.written
    assert planned.edited.keys() == {"Makefile"}


def test_a_file_that_is_no_longer_used_is_deleted_unless_it_was_edited(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    remaining = {path: file for path, file in new.items() if path not in (".env.example", "cdk.json")}
    (repository / "cdk.json").write_text("{}")
    planned = plan_upgrade(repository, manifest, PIN, remaining)
    assert ".env.example" in planned.deleted
    assert planned.edited == {"cdk.json": ""}


def _staged(repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]) -> Upgrade:
    planned = plan_upgrade(repository, manifest, PIN, new)
    candidate = Candidate(work_folder(repository) / "repository", Path("python"), shares_packages=True)
    upgrades.apply_to(candidate, planned)
    stage(repository, candidate, planned)
    return planned


def test_an_interrupted_upgrade_is_completed_by_the_next_one(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = _staged(repository, manifest, new)
    write = upgrades._write
    written: list[Path] = []

    def interrupted(path: Path, content: bytes, *, executable: bool) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(path)
        write(path, content, executable=executable)

    monkeypatch.setattr(upgrades, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        finish(repository)
    upgrades.discard(repository)
    # The launcher still finds the former version: its pin is replaced last.
    assert read_manifest(repository) == manifest
    assert b"new==2.0" not in (repository / "requirements.txt").read_bytes()

    monkeypatch.setattr(upgrades, "_write", write)
    assert finish(repository) == "9.0"
    assert read_manifest(repository).written() == planned.manifest.written()
    assert (repository / WHEEL).read_bytes() == b"wheel"
    assert not (repository / "vendor/portside-0.1.0-py3-none-any.whl").exists()
    assert not work_folder(repository).exists()
    assert finish(repository) == ""
    assert plan_upgrade(repository, read_manifest(repository), PIN, new).written == {}


def test_an_order_of_another_format_is_refused(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    _staged(repository, manifest, new)
    order = work_folder(repository) / "order.json"
    order.write_text(json.dumps({**json.loads(order.read_text()), "format": 2}))
    with pytest.raises(UserError, match="is of another version of portside"):
        finish(repository)


def test_an_upgrade_that_was_not_staged_leaves_nothing(repository: Path) -> None:
    work_folder(repository).mkdir(parents=True)
    upgrades.discard(repository)
    assert not work_folder(repository).exists()


def test_programs_can_be_executed_after_an_upgrade(
    repository: Path, manifest: Manifest, new: dict[str, RepositoryFile]
) -> None:
    launcher = RepositoryFile(b"#!/bin/sh\n", executable=True)
    _staged(repository, manifest, {**new, "harbour": launcher})
    finish(repository)
    assert (repository / "harbour").stat().st_mode & 0o777 == 0o755
    assert (repository / ".gitignore").stat().st_mode & 0o777 == 0o644
