"""The images that a synthesis by hand uses, without network access wherever a kept file has them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path

import aws_cdk as cdk
import pytest

from portside.config.environment import Environment
from portside.errors import UsageError, UserError
from portside.images import synthesis_images as at_hand
from portside.images.calls import Limits
from portside.images.release_lock import find_lock
from portside.images.resolution import Resolution, read_resolution
from portside.images.resolve import resolve
from portside.images.synthesis_images import KEPT_FOLDER, images_for_synthesis, keep, kept_file, references_of
from tests.stubs import stubs
from tests.unit.configuration_support import service
from tests.unit.stacks_support import configuration, environment, images_of

APP = "ghcr.io/sage-bionetworks/app:edge"
SERVICES = (service(container_location=APP),)
EDGE = stubs("edge", [APP])


@pytest.fixture(autouse=True)
def kept_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(KEPT_FOLDER, str(tmp_path / "images"))
    for name in ("GITHUB_TOKEN", "AGORA_GITHUB_API_URL"):
        monkeypatch.delenv(name, raising=False)
    # Nothing answers at the discard port of this machine.
    monkeypatch.setenv("AGORA_REGISTRY_URL", "http://127.0.0.1:9")
    return tmp_path / "images"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A registry that knows everything; the references that it was asked for."""
    asked: list[list[str]] = []

    def found(references: list[str], version: str, **_: object) -> Resolution:
        asked.append(list(references))
        return dataclasses.replace(stubs(version, references), stand_in=False)

    monkeypatch.setattr("portside.images.resolve.resolve", found)
    return asked


def at_version(version: str, name: str = "dev") -> Environment:
    return dataclasses.replace(environment(name), ghcr_package_version=version)


def test_a_registry_is_asked_for_what_the_configuration_names_but_not_for_what_is_built_or_known_only_later() -> None:
    locations = [APP, "path://docker/app", "redis:7", cdk.Fn.import_value("Location"), APP]
    assert references_of([service(container_location=each) for each in locations]) == [APP, "redis:7"]


def test_what_was_found_last_is_kept_by_environment_where_a_variable_says_or_in_the_clone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert kept_file("dev") == tmp_path / "images" / "dev.json"
    assert kept_file("dev", tmp_path / "own") == tmp_path / "own" / "dev.json"
    monkeypatch.delenv(KEPT_FOLDER)
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path / "state"))
    assert kept_file("dev") == tmp_path / "state" / "images" / "dev.json"


def test_what_is_kept_is_read_back_and_no_other_file_remains(kept_folder: Path) -> None:
    for _ in range(2):
        keep(EDGE, kept_file("dev"))
    assert read_resolution(kept_file("dev")) == EDGE
    assert [path.name for path in kept_folder.iterdir()] == ["dev.json"]


def test_what_was_found_last_is_taken_without_asking_again(registry: list[list[str]]) -> None:
    keep(EDGE, kept_file("dev"))
    assert images_for_synthesis(environment("dev"), SERVICES) == EDGE
    assert registry == []


def test_where_nothing_is_kept_the_images_are_resolved_once(registry: list[list[str]]) -> None:
    found = images_for_synthesis(environment("dev"), SERVICES)
    assert found.images == EDGE.images
    assert images_for_synthesis(environment("dev"), SERVICES) == found == read_resolution(kept_file("dev"))
    assert registry == [[APP]]


@pytest.mark.parametrize(
    "kept",
    [
        "{",
        stubs("4.2.0", [APP]).written(),
        stubs("edge", [APP.replace("app", "other")]).written(),
    ],
)
def test_what_is_kept_is_of_no_use_where_it_is_malformed_or_of_another_version_or_lacks_an_image(
    kept: str, registry: list[list[str]], kept_folder: Path
) -> None:
    kept_folder.mkdir()
    kept_file("dev").write_text(kept)
    assert set(images_for_synthesis(environment("dev"), SERVICES).images) == {APP}
    assert registry == [[APP]]
    assert read_resolution(kept_file("dev")) == images_for_synthesis(environment("dev"), SERVICES)


def test_a_registry_that_cannot_be_reached_leads_to_the_command_that_keeps_the_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portside.images.resolve.resolve", functools.partial(resolve, limits=Limits(attempts=1)))
    with pytest.raises(UserError) as raised:
        images_for_synthesis(environment("dev"), SERVICES)
    assert "app: " in raised.value.message
    assert raised.value.hint.splitlines()[-1].endswith("./agora images dev")
    assert not kept_file("dev").exists()


def test_a_wrong_setting_is_still_told_as_wrong_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGORA_REGISTRY_URL", "nowhere")
    with pytest.raises(UsageError, match="AGORA_REGISTRY_URL"):
        images_for_synthesis(environment("dev"), SERVICES)


@pytest.mark.parametrize("name", ["stage", "prod"])
def test_a_release_takes_its_lock_and_not_what_is_kept(name: str, registry: list[list[str]]) -> None:
    version, services = environment(name).ghcr_package_version, configuration().services_of(name)
    keep(Resolution(version, EDGE.images), kept_file(name))
    assert images_for_synthesis(environment(name), services) == find_lock(version)
    assert registry == []


def test_a_release_without_a_lock_is_reported_with_the_command_that_makes_it_and_without_requests(
    registry: list[list[str]],
) -> None:
    with pytest.raises(UsageError, match=r"\./agora release pin 9\.9\.9"):
        images_for_synthesis(at_version("9.9.9", "stage"), SERVICES)
    assert registry == []


def published_lock(folder: Path, monkeypatch: pytest.MonkeyPatch, changes: Mapping[str, object]) -> Resolution:
    """A lock of 4.2.0 for dev's services, among those of the repository."""
    lock = dataclasses.replace(stubs("4.2.0", [APP]), **({"stand_in": False} | dict(changes)))  # type: ignore[arg-type]
    folder.mkdir()
    (folder / "4.2.0.json").write_text(lock.written())
    monkeypatch.setattr(at_hand, "find_lock", lambda version: find_lock(version, [folder]))
    return lock


def test_dev_too_takes_the_lock_of_the_version_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: list[list[str]]
) -> None:
    lock = published_lock(tmp_path / "releases", monkeypatch, {})
    assert images_for_synthesis(at_version("4.2.0"), SERVICES) == lock
    assert registry == []


@pytest.mark.parametrize("changes", [{"stand_in": True}, {"images": {}}])
def test_dev_looks_up_what_a_lock_has_only_stubs_of_or_does_not_have(
    changes: Mapping[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: list[list[str]]
) -> None:
    published_lock(tmp_path / "releases", monkeypatch, changes)
    images_for_synthesis(at_version("4.2.0"), SERVICES)
    assert registry == [[APP]]


def test_the_shared_templates_of_dev_use_stubs() -> None:
    assert images_of("dev").stand_in
