"""Takes a newer version of the package: tries it in a copy, then writes the files that no one edited.

The new version renders its files and synthesizes in a separate virtual environment: it may have other dependencies.
The files are first written next to each other, then moved: `finish` completes a move that was interrupted.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from portside import state_file
from portside.errors import UserError
from portside.program import PROGRAM, STATE_FOLDER
from portside.repository import REPOSITORY_VARIABLE
from portside.scaffold import lock
from portside.scaffold.files import RepositoryFile, generated_files
from portside.scaffold.manifest import MANIFEST, Manifest, digest_of
from portside.scaffold.own_packages import LOCKED, NAMED, lock_own
from portside.scaffold.package_pin import PackagePin

_NOT_COPIED = (".git", ".venv", "node_modules", "cdk.out", "__pycache__", ".env", STATE_FOLDER)
_LOCKS = ("requirements.txt", "requirements-dev.txt")
_STAGED, _ORDER = "staged", "order.json"
_ORDER_FORMAT = 1


@dataclass(frozen=True)
class Upgrade:
    """The effect of an upgrade on the files.

    `edited` ones stay, each with a patch of what the new version changes in it; empty if it no longer uses the file.
    """

    manifest: Manifest
    written: Mapping[str, RepositoryFile] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    edited: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A copy of the repository with the files and the environment of the new version."""

    folder: Path
    python: Path
    shares_packages: bool
    """Whether its environment uses the dependencies that are installed already."""


def work_folder(repository: Path) -> Path:
    """The folder for an upgrade, which is deleted after it."""
    return repository / STATE_FOLDER / "upgrade"


def make_candidate(repository: Path, pin: PackagePin, wheel: bytes) -> Candidate:
    """Copy the repository and install the new version next to it. Raises `UserError`."""
    work = work_folder(repository)
    state_file.delete(work)
    work.mkdir(parents=True, mode=0o700)
    package, folder = work / "package", work / "repository"
    archive = work / Path(pin.location).name
    archive.write_bytes(wheel)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(package)  # nosec B202 # its digest is that of --package
    shutil.copytree(repository, folder, symlinks=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    ours = Path(__file__).parent / "files" / "requirements.txt"
    theirs = package / "portside/scaffold/files/requirements.txt"
    if not theirs.is_file():
        raise UserError(f"{archive.name}: has no lock of its dependencies", "Build the wheel again: docs/new-app.md.")
    if lock.pins(ours.read_text(encoding="utf-8")) == lock.pins(theirs.read_text(encoding="utf-8")):
        # The new package, and the dependencies that are installed already.
        installed = [each for each in sys.path if each.endswith("-packages")]
        return Candidate(folder, _make_venv(folder, [str(package), *installed]), shares_packages=True)
    python = _make_venv(folder, [])
    for words in (["--require-hashes", "--requirements", str(theirs)], ["--no-deps", str(archive)]):
        _run(
            [*_uv(), "--python", str(python), *words], folder, f"portside {pin.version} can't be installed for a trial"
        )
    return Candidate(folder, python, shares_packages=False)


def _uv() -> list[str]:
    program = Path(__file__).parent / "files" / "install_packages"
    return [sys.executable, "-I", str(program), "--uv", "pip", "install", "--quiet"]


def _make_venv(folder: Path, paths: Sequence[str]) -> Path:
    """A virtual environment with the modules of the copy, and of these folders. Returns its Python."""
    venv = folder / ".venv"
    _run([sys.executable, "-I", "-m", "venv", "--without-pip", str(venv)], folder, "no virtual environment can be made")
    [packages] = venv.glob("lib/python*/site-packages")
    (packages / "copy.pth").write_text("".join(f"{each}\n" for each in (*paths, folder)), encoding="utf-8")
    for program in ("node", "cdk"):
        installed = Path(sys.prefix, "bin", program)
        if installed.exists():
            (venv / "bin" / program).symlink_to(installed.resolve())
    return venv / "bin" / "python"


def render_files(candidate: Candidate, manifest: Manifest, pin: PackagePin) -> dict[str, RepositoryFile]:
    """The files of the new version, which renders them itself; without a wheel in the repository."""
    answer = _run(
        [str(candidate.python), "-I", "-m", "portside.scaffold.render"],
        candidate.folder,
        f"portside {pin.version} can't write its files",
        given=replace(manifest, pin=pin).written().decode(),
    )
    found = json.loads(answer)
    files = {path: RepositoryFile(text.encode(), path in found["executable"]) for path, text in found["files"].items()}
    return {**files, **({pin.location: RepositoryFile(pin.content)} if pin.content else {})}


def plan_upgrade(repository: Path, manifest: Manifest, pin: PackagePin, new: Mapping[str, RepositoryFile]) -> Upgrade:
    """Which files are written, deleted, or left to the team that edited them."""
    old = generated_files(manifest.launcher, manifest.pin, manifest.options)
    written, deleted, edited = {}, [], {}
    digests = {path: digest for path, digest in manifest.files.items() if path not in new and path in _YOURS}
    for path in sorted({*new, *manifest.files} - _YOURS):
        current, after, before = _content(repository / path), new.get(path), manifest.files.get(path)
        if after:
            digests[path] = digest_of(after.content)
        is_unedited = current is not None and digest_of(current) == before
        if after is None:
            if is_unedited:
                deleted.append(path)
            elif current is not None:
                edited[path] = ""
        elif current == after.content or (before is not None and before == digests[path]):
            continue
        elif is_unedited or (current is None and before is None):
            written[path] = after
        elif path in _LOCKS and current is not None:
            written[path] = _with_own_entries(current.decode(), after)
        elif current is not None:
            original = old.get(path)
            # Without the text that was edited, the patch would take the edits back.
            is_known = original is not None and digest_of(original.content) == before
            edited[path] = _difference(path, original.content if original and is_known else current, after.content)
    after_it = replace(manifest, pin=pin, files=digests)
    return Upgrade(after_it, written, tuple(deleted), edited)


_YOURS = frozenset({"app.py", "LICENSE", MANIFEST})


def _with_own_entries(current: str, after: RepositoryFile) -> RepositoryFile:
    """The new lock with the packages that the team added to the old one."""
    text = after.content.decode()
    own = lock.without(current, lock.versions(text))
    return replace(after, content=(text + own).encode())


def _difference(path: str, before: bytes, after: bytes) -> str:
    """A patch of git's: with the ids of the contents it can merge it with the edits (`git apply --3way`)."""
    old, new = (each.decode(errors="replace").splitlines(keepends=True) for each in (before, after))
    lines = difflib.unified_diff(old, new, f"a/{path}", f"b/{path}")
    text = "".join(each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in lines)
    return f"diff --git a/{path} b/{path}\nindex {_id_of(before)}..{_id_of(after)} 100644\n{text}"


def _id_of(content: bytes) -> str:
    """https://git-scm.com/book/en/v2/Git-Internals-Git-Objects"""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if os.path.lexists(path) else None
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}", "Make it readable, or move it away.") from error


def apply_to(candidate: Candidate, upgrade: Upgrade) -> None:
    """Write the files of an upgrade into the copy, and lock the team's packages there."""
    folder = candidate.folder
    for path, file in upgrade.written.items():
        _write(folder / path, file.content, executable=file.executable)
    for path in upgrade.deleted:
        (folder / path).unlink(missing_ok=True)
    _write(folder / MANIFEST, upgrade.manifest.written(), executable=False)
    if (folder / NAMED).is_file():
        lock_own(folder)
        if not candidate.shares_packages:
            words = [*_uv(), "--require-hashes", "--python", str(candidate.python), "--requirements", LOCKED]
            _run(words, folder, f"{LOCKED} can't be installed for a trial")


def stage(repository: Path, candidate: Candidate, upgrade: Upgrade) -> None:
    """Put the new files next to each other. Once the order is written, `finish` can complete the upgrade."""
    work = work_folder(repository)
    paths = [*upgrade.written, *([LOCKED] if (candidate.folder / NAMED).is_file() else [])]
    # The pin and the manifest last: until then the launcher keeps the old version.
    paths = [*sorted(paths, key=lambda path: path == "requirements.txt"), MANIFEST]
    for path in paths:
        target = work / _STAGED / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(candidate.folder / path, target)
    order = {"format": _ORDER_FORMAT, "version": upgrade.manifest.pin.version, "written": paths}
    state_file.write_json(work / _ORDER, {**order, "deleted": list(upgrade.deleted)}, what="the order of the upgrade")


def keep_patch(repository: Path, upgrade: Upgrade) -> Path | None:
    """Write what the new version would change in edited files, to be applied by the team."""
    patch = "".join(upgrade.edited.values())
    path = repository / STATE_FOLDER / "upgrade.patch"
    if patch:
        state_file.write(path, patch, what="the patch of edited files")
    return path if patch else None


def finish(repository: Path) -> str:
    """Move staged files to their places. Returns the version, or nothing if no upgrade was staged."""
    work = work_folder(repository)
    fix = f"Restore the files with git, delete {work}, and upgrade again."
    order = state_file.read_json(work / _ORDER, dict, what="the order of the upgrade", fix=fix)
    if order is None:
        return ""
    if order.get("format") != _ORDER_FORMAT:
        raise UserError(f"{work / _ORDER}: is of another version of portside", fix)
    for path in order["written"]:
        staged = work / _STAGED / path
        if staged.exists():
            executable = bool(staged.stat().st_mode & 0o100)
            _write(repository / path, staged.read_bytes(), executable=executable)
    for path in order["deleted"]:
        state_file.delete(repository / path)
    state_file.delete(work)
    return str(order["version"])


def _write(path: Path, content: bytes, *, executable: bool) -> None:
    state_file.write(path, content, what="a file of the repository", mode=0o755 if executable else 0o644)


def discard(repository: Path) -> None:
    """Delete what an upgrade left, unless it is staged: then the next one completes it."""
    work = work_folder(repository)
    if not (work / _ORDER).exists():
        state_file.delete(work)


def assess_both(repository: Path, candidate: Candidate) -> tuple[dict[str, Any], dict[str, Any]]:
    """The assessments of the repository with this version, and of the copy with the new one: `portside.assessment`."""
    work = work_folder(repository)
    return (
        _assess(repository, Path(sys.executable), work / "before"),
        _assess(candidate.folder, candidate.python, work / "after"),
    )


def _assess(repository: Path, python: Path, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    variables = {REPOSITORY_VARIABLE: str(repository), "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [str(python), "-I", "-m", "portside.assessment", str(folder)]
    _run(command, repository, f"no templates can be made of {repository / 'app.py'}", **variables)
    found: dict[str, Any] = json.loads((folder / "assessment.json").read_text(encoding="utf-8"))
    return found


def _run(command: list[str], folder: Path, failure: str, *, given: str = "", **variables: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise UserError(f"{failure}:\n{said}", f"Nothing was changed. Correct it, then run {PROGRAM} upgrade again.")
    return done.stdout
