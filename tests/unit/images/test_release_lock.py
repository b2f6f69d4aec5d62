"""Locks of releases: found by their version, and complete before they are used."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from portside.errors import ConfigurationError, UsageError
from portside.images.release_lock import find_lock, lock_name, require_lock
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage

APP, API = "ghcr.io/org/app:4.2.0", "ghcr.io/org/api:4.2.0"


def image(reference: str, platform: str = "linux/amd64", digit: str = "a") -> ResolvedImage:
    name, _, tag = reference.rpartition(":")
    return ResolvedImage(name, tag, f"sha256:{digit * 64}", "c" * 40, platform, "2026-11-23T12:00:00+00:00")


LOCK = Resolution("4.2.0", {APP: image(APP), API: image(API)})


def folder_with(tmp_path: Path, lock: Resolution = LOCK, version: str = "4.2.0") -> Path:
    folder = tmp_path / "releases"
    folder.mkdir(parents=True)
    (folder / lock_name(version)).write_text(lock.written())
    return folder


def test_a_version_that_has_no_lock_is_none(tmp_path: Path) -> None:
    assert find_lock("4.2.1", [folder_with(tmp_path), tmp_path / "missing"]) is None


def test_the_first_folder_that_has_a_lock_decides(tmp_path: Path) -> None:
    other = dataclasses.replace(LOCK, images={APP: image(APP, digit="b")})
    folders = [tmp_path / "missing", folder_with(tmp_path / "a", other), folder_with(tmp_path / "b")]
    assert find_lock("4.2.0", folders) == other


def test_a_lock_of_another_version_than_its_file_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, version="4.2.1")
    with pytest.raises(UsageError) as raised:
        find_lock("4.2.1", [folder])
    assert raised.value.message == 'releases/4.2.1.json["version"]: not that of its file, got "4.2.0"'
    assert raised.value.hint == "Write it again: ./agora release pin 4.2.1"


def test_a_malformed_lock_is_not_passed_over_for_one_in_a_later_folder(tmp_path: Path) -> None:
    malformed = folder_with(tmp_path / "a")
    (malformed / "4.2.0.json").write_text("{")
    with pytest.raises(ConfigurationError, match="not JSON"):
        find_lock("4.2.0", [malformed, folder_with(tmp_path / "b")])


def test_a_version_without_a_lock_is_reported_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        require_lock("stage", "4.2.0", [APP], [tmp_path])
    where = 'ENVIRONMENTS["stage"]["GHCR_PACKAGE_VERSION"]'
    assert raised.value.message == f'{where}: releases/4.2.0.json is missing, got "4.2.0"'
    assert raised.value.hint == "Make it: ./agora release pin 4.2.0"


def test_of_a_lock_those_images_are_taken_that_services_name(tmp_path: Path) -> None:
    assert require_lock("stage", "4.2.0", [APP, API], [folder_with(tmp_path / "a")]) == LOCK
    only = dataclasses.replace(LOCK, images={APP: image(APP)})
    assert require_lock("stage", "4.2.0", [APP], [folder_with(tmp_path / "b")]) == only


def test_images_that_the_lock_lacks_and_images_that_cannot_run_are_reported_at_once(tmp_path: Path) -> None:
    foreign = dataclasses.replace(LOCK, images={APP: image(APP, "linux/arm64"), API: image(API, "windows/amd64")})
    with pytest.raises(ConfigurationError) as raised:
        require_lock("stage", "4.2.0", [APP, "redis:7", "redis:8"], [folder_with(tmp_path, foreign)])
    make = "Make it: ./agora release pin 4.2.0"
    assert [(each.where, each.what, each.hint) for each in raised.value.problems] == [
        ('releases/4.2.0.json["images"]', "lacks redis:7, redis:8", make),
        *(
            (
                f'releases/4.2.0.json["images"]["{reference}"]["platform"]',
                f"not linux/amd64, the platform of Fargate, got {platform!r}",
                make,
            )
            for reference, platform in ((API, "windows/amd64"), (APP, "linux/arm64"))
        ),
    ]
