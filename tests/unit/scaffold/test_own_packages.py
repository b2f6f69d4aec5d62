"""A team's own packages are locked next to those of the package, with real uv and without a network."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.scaffold.own_packages import lock_own

BASE = "alpha==1.0 \\\n    --hash=sha256:" + "1" * 64 + "\n"


def _wheel(folder: Path, name: str, version: str, needs: str = "") -> str:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        requires = f"Requires-Dist: {needs}\n" if needs else ""
        info = f"{name}-{version}.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "requirements.txt").write_text(BASE)
    return tmp_path


def _name(repository: Path, text: str) -> None:
    (repository / "requirements-own.in").write_text(f"--no-index\n--find-links ./wheels\n{text}\n")


def test_packages_are_locked_with_hashes_at_the_versions_that_the_package_already_has(repository: Path) -> None:
    wheels = repository / "wheels"
    _wheel(wheels, "alpha", "1.0")
    _wheel(wheels, "alpha", "2.0")
    digest = _wheel(wheels, "beta", "3.1", needs="alpha")
    _name(repository, "beta")
    assert lock_own(repository) == ["beta 3.1"]
    written = (repository / "requirements-own.txt").read_text()
    assert written.splitlines()[1:] == ["beta==3.1 \\", f"    --hash=sha256:{digest}"]
    assert (repository / "requirements-own.txt").stat().st_mode & 0o777 == 0o644


def test_a_package_that_needs_another_version_is_refused_and_nothing_is_written(repository: Path) -> None:
    wheels = repository / "wheels"
    for version in ("1.0", "2.0"):
        _wheel(wheels, "alpha", version)
    _wheel(wheels, "beta", "3.1", needs="alpha>=2")
    _name(repository, "beta")
    with pytest.raises(UserError) as refused:
        lock_own(repository)
    assert "alpha" in refused.value.message
    assert not (repository / "requirements-own.txt").exists()


def test_without_the_file_the_fix_is_to_write_it(repository: Path) -> None:
    with pytest.raises(UsageError, match=r"requirements-own\.in: does not exist"):
        lock_own(repository)
