"""The package as people install it: its wheel, built from a copy of the clone, in a separate environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from tests.unit.documents import ROOT

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "requirements.in")
_NOT_COPIED = shutil.ignore_patterns("__pycache__")


def build_wheel(folder: Path, change: Callable[[Path], None] = lambda _: None) -> Path:
    """Build the wheel in a new folder, without a network, of the sources after a `change` to them there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        shutil.copy(ROOT / name, folder / name)
    # agora_own and src must not get into the wheel.
    for name in ("portside", "agora_own", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=_NOT_COPIED)
    change(folder)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder / "dist"),
        str(folder),
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    return next((folder / "dist").glob("portside-*.whl"))


def install_wheel(wheel: Path, folder: Path) -> Path:
    """Make a virtual environment with the wheel, which shares its dependencies with this one. Returns its `bin`."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    # A path file is not read in a folder that a path file adds, so the clone is not on the path.
    (packages / "shared.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    uv = [str(Path(sys.prefix) / "bin" / "uv"), "pip", "install", "--quiet", "--no-deps", "--offline", "--no-config"]
    subprocess.run([*uv, "--python", str(folder / "bin" / "python"), str(wheel)], check=True)
    for name in ("cdk", "node"):
        (folder / "bin" / name).symlink_to(Path(sys.prefix, "bin", name).resolve())
    return folder / "bin"


def run_installed(binaries: Path, *words: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment in a folder."""
    clean = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR")}
    return subprocess.run(
        [str(binaries / words[0]), *words[1:]],
        cwd=folder,
        env={**clean, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
