"""The package `portside`: what its wheel contains, built without a network from a copy of the clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.unit.documents import ROOT

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "requirements.in")
NOT_COPIED = shutil.ignore_patterns("__pycache__")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    clone = tmp_path_factory.mktemp("package")
    for name in SOURCES:
        shutil.copy(ROOT / name, clone / name)
    # agora_own and src must not get into the wheel.
    for name in ("portside", "agora_own", "src"):
        shutil.copytree(ROOT / name, clone / name, ignore=NOT_COPIED)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(clone / "dist"), str(clone)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return zipfile.ZipFile(next((clone / "dist").glob("portside-*.whl")))


def files_of_package() -> set[str]:
    found = (each for each in (ROOT / "portside").rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    return {str(each.relative_to(ROOT)) for each in found}


def metadata(wheel: zipfile.ZipFile, name: str) -> str:
    return wheel.read(next(each for each in wheel.namelist() if each.endswith(f".dist-info/{name}"))).decode()


@pytest.mark.slow
def test_a_wheel_has_every_file_of_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    assert {name for name in wheel.namelist() if ".dist-info/" not in name} == files_of_package()


@pytest.mark.slow
def test_a_wheel_names_its_command_and_what_it_needs(wheel: zipfile.ZipFile) -> None:
    assert "portside = portside.cli.main:main" in metadata(wheel, "entry_points.txt")
    pinned = [line.partition("#")[0].strip() for line in (ROOT / "requirements.in").read_text().splitlines()]
    needed = [line.removeprefix("Requires-Dist: ") for line in metadata(wheel, "METADATA").splitlines()]
    assert set(filter(None, pinned)) <= set(needed)


def test_type_checkers_find_the_types_of_the_package() -> None:
    assert "portside/py.typed" in files_of_package()
