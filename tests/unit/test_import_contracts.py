"""The contracts in pyproject.toml about which package imports which."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.unit.documents import ROOT

LINT_IMPORTS = (sys.executable, "-c", "from importlinter.cli import lint_imports_command as it; it()", "--no-cache")


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT_IMPORTS, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_imports_go_one_way() -> None:
    done = _lint(ROOT)
    assert done.returncode == 0, done.stdout


WRONG_WAY = {
    "findings/verdict.py": ("import boto3", "from portside.deploy import deploy"),
    "config/environment.py": ("from portside.aws import model",),
    "release/cut.py": ("from portside.rehearsal import prepare",),
    "deploy/deploy.py": ("import aws_cdk",),
    "terminal/console.py": ("from portside.config import environment",),
    "images/resolve.py": ("import src.synthesize", "import agora_own.load_data"),
    "emulator/gate/served.py": ("from portside.aws import target",),
    "rehearsal/status.py": ("from portside.emulator.fargate import faults",),
}


def test_an_import_the_wrong_way_breaks_a_contract(tmp_path: Path) -> None:
    for name in ("portside", "src", "agora_own"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for module, lines in WRONG_WAY.items():
        with (tmp_path / "portside" / module).open("a", encoding="utf-8") as file:
            file.write("\n".join(["", *lines, ""]))
    done = _lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    report = " ".join(done.stdout.split())
    for module, lines in WRONG_WAY.items():
        importer = "portside." + module.removesuffix(".py").replace("/", ".")
        for line in lines:
            imported = line.replace("from ", "").replace(" import ", ".").replace("import ", "")
            assert f"{importer} -> {imported}" in report, line
