"""Which images the embedded AWS knows, and what a reference to one means."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws.catalogue import Catalogue, pulled_reference
from src.image import ImageReference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ghcr.io/sage-bionetworks/app:4.2.0", ImageReference("ghcr.io/sage-bionetworks/app", "4.2.0", None)),
        ("nginx", ImageReference("nginx", "latest", None)),
        ("localhost:5000/app", ImageReference("localhost:5000/app", "latest", None)),
        (f"ghcr.io/a/b@{DIGEST}", ImageReference("ghcr.io/a/b", None, DIGEST)),
        (f"ghcr.io/a/b:edge@{DIGEST}", ImageReference("ghcr.io/a/b", "edge", DIGEST)),
    ],
)
def test_a_reference_is_taken_apart(text: str, expected: ImageReference) -> None:
    assert pulled_reference(text) == expected


@pytest.mark.parametrize("text", ["", "ghcr.io/A/b:1", "a//b", "a:b:c", "a@sha256:short", "a@", "a:tag with space"])
def test_what_no_registry_would_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        pulled_reference(text)


def test_the_same_image_has_the_same_digest_on_every_machine(tmp_path: Path) -> None:
    first = Catalogue(tmp_path / "a.json").put("ghcr.io/a/b:1", "published")
    second = Catalogue(tmp_path / "b.json").put("ghcr.io/a/b:1", "stand-in")
    assert first.digest == second.digest


def test_a_tag_moves_when_its_content_changes(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "images.json")
    before = catalogue.put("ghcr.io/a/b:edge", "published", "one")
    after = catalogue.put("ghcr.io/a/b:edge", "published", "two")
    assert before.digest != after.digest
    assert catalogue.find("ghcr.io/a/b:edge") == after


def test_an_image_is_found_by_its_digest_as_well_as_by_its_tag(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path / "images.json")
    image = catalogue.put("ghcr.io/a/b:1", "published")
    assert catalogue.find(f"ghcr.io/a/b@{image.digest}") == image
    assert catalogue.find(f"ghcr.io/a/other@{image.digest}") is None
    assert catalogue.find("ghcr.io/a/b:2") is None


def test_the_catalogue_survives_a_restart(tmp_path: Path) -> None:
    image = Catalogue(tmp_path / "images.json").put("ghcr.io/a/b:1", "stand-in")
    again = Catalogue(tmp_path / "images.json")
    assert again.images() == [image]
    assert again.remove("ghcr.io/a/b:1")
    assert Catalogue(tmp_path / "images.json").images() == []


def test_a_source_is_published_or_a_stand_in(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be one of published, stand-in"):
        Catalogue(tmp_path / "images.json").put("a:1", "built")
