"""The images of an environment without asking a registry: those of the release's lock, or invented ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from portside.config.image_reference import parse_reference
from portside.images.release_lock import find_lock
from portside.images.resolution import Resolution
from portside.images.resolved_image import PLATFORM, ResolvedImage

_CREATED = "1970-01-01T00:00:00+00:00"


def without_registry(version: str, references: Iterable[str], releases: Path) -> tuple[Resolution, list[str]]:
    """The images of these references, and the references that no lock in the folder `releases` has."""
    references = list(references)
    lock = find_lock(version, [releases]) or Resolution(version, {})
    images = {each: lock.images.get(each) or _invented(each) for each in references}
    return Resolution(version, images), lock.without(references)


def _invented(location: str) -> ResolvedImage:
    reference = parse_reference(location)
    assert reference, "checked with the configuration"
    digest = hashlib.sha256(location.encode()).hexdigest()
    tag = reference.tag or "latest"
    return ResolvedImage(reference.name, tag, reference.digest or f"sha256:{digest}", digest[:40], PLATFORM, _CREATED)
