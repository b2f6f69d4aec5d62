"""The tests that an app imports: each passes for a sound app, and fails for what it is about."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portside import testing
from portside.testing.synthesis import Synthesized, find_app, synthesized
from tests.apps import AGORA, HELLO

Change = Callable[[dict[str, Any]], None]


def stacks(folder: Path = HELLO, name: str = "dev") -> Synthesized:
    return synthesized(folder / "app.py", name)


def changed(of: Synthesized, kind: str, change: Change) -> Synthesized:
    """Stacks in which the first resource of a type is changed."""
    templates = copy.deepcopy(of.templates)
    resources = [each for template in templates.values() for each in template["Resources"].values()]
    change(next(each for each in resources if each["Type"] == kind))
    found = dataclasses.replace(of)
    found.__dict__["templates"] = templates
    return found


def failure_of(test: Callable[[Synthesized], None], of: Synthesized) -> str:
    with pytest.raises(pytest.fail.Exception) as failed:
        test(of)
    return str(failed.value)


def open_to_all(group: dict[str, Any]) -> None:
    group["Properties"]["SecurityGroupIngress"] = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp"}]


def test_a_group_that_is_open_to_the_internet_fails() -> None:
    found = failure_of(
        testing.test_only_the_load_balancer_is_open_to_the_internet,
        changed(stacks(), "AWS::EC2::SecurityGroup", open_to_all),
    )
    assert "lets the internet in" in found


def test_a_database_that_is_deleted_with_its_stack_fails_in_every_environment() -> None:
    deleted = changed(stacks(AGORA), "AWS::DocDB::DBCluster", lambda it: it.update(DeletionPolicy="Delete"))
    assert "its DeletionPolicy keeps nothing" in failure_of(testing.test_databases_are_retained_and_protected, deleted)


def test_only_production_must_protect_everything_stateful() -> None:
    for name, expected in (("stage", False), ("prod", True)):
        kept = changed(stacks(AGORA, name), "AWS::S3::Bucket", lambda it: it.update(DeletionPolicy="Delete"))
        if expected:
            assert "AWS::S3::Bucket" in failure_of(testing.test_databases_are_retained_and_protected, kept)
        else:
            testing.test_databases_are_retained_and_protected(kept)


def by_tag(task: dict[str, Any]) -> None:
    task["Properties"]["ContainerDefinitions"][0]["Image"] = "ghcr.io/org/api:1.0"


def test_an_image_by_tag_fails_where_releases_run() -> None:
    kind = "AWS::ECS::TaskDefinition"
    testing.test_images_are_pinned_where_releases_run(changed(stacks(AGORA), kind, by_tag))
    found = failure_of(testing.test_images_are_pinned_where_releases_run, changed(stacks(AGORA, "prod"), kind, by_tag))
    assert "not an image by digest, got 'ghcr.io/org/api:1.0'" in found


TWO_ENVIRONMENTS = """
from src.service_props import ServiceProps

APP = "team"
ENVIRONMENTS = {
    "dev": {"ACCOUNT": "111122223333", "VPC_CIDR": "10.20.0.0/24"},
    "stage": {
        "ACCOUNT": "111122223333", "VPC_CIDR": "10.21.0.0/24", "TAGS": {"a": "b"}, "GHCR_PACKAGE_VERSION": "edge"
    },
}


def services(environment):
    image = f"nginx:{environment.ghcr_package_version}"
    return [ServiceProps(container_name="web", container_port=80, container_location=image, public=True)]
"""


def test_an_environment_whose_tag_still_moves_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(TWO_ENVIRONMENTS)
    with pytest.warns(UserWarning, match=r'"stage".*a tag that moves'):
        testing.test_images_are_pinned_where_releases_run(stacks(tmp_path, "stage"))
    testing.test_no_finding_is_an_error(stacks(tmp_path, "dev"))


def test_an_image_without_a_lock_is_a_warning_where_releases_run() -> None:
    unlocked = dataclasses.replace(stacks(AGORA, "prod"), unlocked=["ghcr.io/org/api:1.0"])
    with pytest.warns(UserWarning, match=r"no lock of a release has ghcr\.io/org/api:1\.0"):
        testing.test_images_are_pinned_where_releases_run(unlocked)


def with_password(task: dict[str, Any]) -> None:
    variable = {"Name": "DB_PASSWORD", "Value": "correct-horse-battery"}
    task["Properties"]["ContainerDefinitions"][0]["Environment"] = [variable]


def test_a_secret_in_a_template_fails_without_its_value() -> None:
    found = failure_of(
        testing.test_no_secret_is_in_a_template, changed(stacks(), "AWS::ECS::TaskDefinition", with_password)
    )
    assert "DB_PASSWORD is a secret in plain text" in found
    assert "correct-horse" not in found


def test_a_finding_about_the_templates_fails_with_its_fix(tmp_path: Path) -> None:
    for path in stacks().folder.iterdir():
        text = path.read_text()
        (tmp_path / path.name).write_text(text.replace('"awsvpc"', '"bridge"'))
    found = failure_of(testing.test_no_finding_is_an_error, dataclasses.replace(stacks(), folder=tmp_path))
    assert found.startswith("hello-dev-web: ")
    assert len(found.splitlines()) >= 2


def test_the_app_is_the_nearest_one_above_the_test_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").touch()
    assert find_app(str(tmp_path / "tests" / "test_app.py")) == tmp_path / "app.py"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "app.py").touch()
    assert find_app(str(tmp_path / "tests" / "test_app.py")) == tmp_path / "tests" / "app.py"


@pytest.fixture(name="repository")
def a_repository(tmp_path: Path) -> Path:
    """A repository with only a configuration and its test file."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "app.py").write_text((HELLO / "app.py").read_text())
    (tmp_path / "tests" / "test_app.py").write_text("from portside.testing import *\n")
    return tmp_path


def run_tests_of(repository: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_app.py", *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_a_new_repository_has_to_make_its_snapshots_and_then_passes(repository: Path) -> None:
    first = run_tests_of(repository)
    assert "1 failed, 5 passed" in first
    assert "hello-dev-web: has no snapshot\n" in first
    assert '"Resources"' not in first
    assert "If this is intended: pytest tests/test_app.py --snapshot-update" in first
    assert "6 passed" in run_tests_of(repository, "--snapshot-update")
    assert "6 passed" in run_tests_of(repository)
    configuration = repository / "app.py"
    configuration.write_text(configuration.read_text().replace("container_port=80,", "container_port=8080,"))
    different = run_tests_of(repository)
    assert "hello-dev-web:\n" in different
    assert '+             "ContainerPort": 8080' in different.replace("\x1b[0m", "")


@pytest.mark.slow
def test_a_mistake_in_the_configuration_is_reported_without_a_traceback(repository: Path) -> None:
    configuration = repository / "app.py"
    configuration.write_text(configuration.read_text().replace("10.20.30.0/24", "10.20"))
    found = run_tests_of(repository)
    assert 'ENVIRONMENTS["dev"]["VPC_CIDR"]' in found
    assert "Traceback" not in found
    assert "portside/config" not in found
