"""The package `portside`: what its wheel contains, built without a network from a copy of the clone."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest

from tests.installed_package import build_wheel, install_wheel, run_installed
from tests.unit.documents import ROOT

MODULES = {
    "src.synthesize": "portside.stacks.synthesize",
    "src.environment": "portside.config.environment",
    "src.service_props": "portside.config.service_props",
}
PRINT_NODE = """
import os
from portside.stacks import jsii_settings
jsii_settings.choose()
print(os.environ["JSII_NODE"])
"""


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def wheel(wheel_file: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel_file)


@pytest.fixture(scope="module")
def binaries(wheel_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_wheel(wheel_file, tmp_path_factory.mktemp("environment") / "venv")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with only an app, and a folder in it."""
    text = (ROOT / "tests/apps/hello/app.py").read_text()
    for earlier, module in MODULES.items():
        text = text.replace(earlier, module)
    (tmp_path / "app.py").write_text(text)
    (tmp_path / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    (tmp_path / "docs").mkdir()
    return tmp_path


def files_of_package() -> set[str]:
    found = (each for each in (ROOT / "portside").rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    # A link to a folder, which `rglob` does not follow.
    documents = [each for kind in ("*.md", "*.svg") for each in (ROOT / "docs").rglob(kind)]
    return {
        *(str(each.relative_to(ROOT)) for each in found),
        *(f"portside/{each.relative_to(ROOT)}" for each in documents),
    }


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


@pytest.mark.slow
def test_an_installed_tool_finds_the_app_of_the_working_folder(binaries: Path, repository: Path) -> None:
    for folder in (repository, repository / "docs"):
        run = run_installed(binaries, "portside", "ci", folder=folder)
        assert (run.stdout, run.stderr) == ('environments=["dev"]\n', "")


@pytest.mark.slow
def test_an_installed_tool_finds_the_app_of_its_launcher_from_any_folder(
    binaries: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    run = run_installed(binaries, "portside", "ci", folder=elsewhere, PORTSIDE_REPOSITORY=str(repository))
    assert run.stdout == 'environments=["dev"]\n'


@pytest.mark.slow
def test_an_installed_tool_names_the_folder_without_an_app(binaries: Path, tmp_path: Path) -> None:
    run = run_installed(binaries, "portside", "ci", folder=tmp_path)
    assert run.returncode == 2
    assert f"no app.py and cdk.json in {tmp_path} or in a folder above it" in run.stderr


@pytest.mark.slow
def test_an_installed_tool_is_called_by_its_own_name_without_a_launcher(binaries: Path, repository: Path) -> None:
    shown = run_installed(binaries, "portside", "--help", folder=repository).stdout
    assert "  portside deploy dev --local" in shown
    (repository / "portside.json").write_text('{\n  "launcher": "hello"\n}\n')
    shown = run_installed(binaries, "portside", "--help", folder=repository).stdout
    assert "  ./hello deploy dev --local" in shown


@pytest.mark.slow
def test_an_installed_tool_synthesizes_with_its_own_programs(binaries: Path, repository: Path) -> None:
    run = run_installed(binaries, "python", "-c", PRINT_NODE, folder=repository)
    assert run.stdout.endswith("portside/stacks/node-for-jsii\n"), run.stderr
    images = repository / "images.json"
    images.write_text(json.dumps({"version": "1.27", "images": {}}))
    variables = {"ENV": "dev", "CDK_OUTDIR": "out", "CDK_VALIDATION": "false", "PORTSIDE_IMAGES": str(images)}
    run = run_installed(binaries, "python", "app.py", folder=repository, **variables)
    assert run.returncode == 0, run.stderr
    assert (repository / "out" / "hello-dev-web.template.json").is_file()


@pytest.mark.slow
def test_programs_in_a_wheel_can_be_executed(wheel: zipfile.ZipFile) -> None:
    mode = wheel.getinfo("portside/stacks/node-for-jsii").external_attr >> 16
    assert mode & stat.S_IXUSR
