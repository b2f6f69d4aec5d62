"""Modules that must not be loaded: the CDK takes seconds, and a command that only reads the configuration or talks to
AWS must not wait for it.
"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from types import ModuleType

import portside
from portside.config.configuration import ROOT

CDK = ("aws_cdk", "jsii")
CONFIGURATION = ["app", "portside.config.configuration", "portside.config.environment", "portside.config.service_props"]
LOCAL_AWS_CLIENTS = [
    "portside.emulator.client.process",
    "portside.emulator.client.control",
    "portside.emulator.client.seed",
]


def modules_of(package: ModuleType) -> list[str]:
    found = [name for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    # A __main__ runs its command when it is imported.
    return [name for name in found if not name.endswith(".__main__")]


def loaded(modules: list[str], forbidden: tuple[str, ...], then: str = "") -> list[str]:
    """Which of the forbidden packages a fresh Python has after importing modules and running a statement."""
    program = f"""
import importlib, sys
for name in {modules!r}:
    importlib.import_module(name)
{then}
print(*sorted(set(sys.modules) & set({forbidden!r})))
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_the_configuration_is_read_without_the_cdk_and_without_aws() -> None:
    assert (
        loaded(
            CONFIGURATION,
            (*CDK, "boto3", "botocore"),
            then="sys.modules['portside.config.configuration'].load_configuration()",
        )
        == []
    )


def test_the_operations_and_the_clients_of_the_embedded_aws_work_without_the_cdk() -> None:
    assert "portside.cli.main" in modules_of(portside)
    apart = ("portside.emulator.", "portside.stacks.")
    ours = [each for each in modules_of(portside) if not each.startswith(apart)]
    assert loaded([*ours, *LOCAL_AWS_CLIENTS], (*CDK, "ministack")) == []


def test_the_embedded_aws_itself_runs_without_the_cdk() -> None:
    emulator = [each for each in modules_of(portside) if each.startswith("portside.emulator.")]
    assert loaded(emulator, CDK) == []


def test_the_fence_sees_what_is_loaded() -> None:
    assert loaded(["json"], ("json", "boto3")) == ["json"]
