"""The container images of the embedded AWS, with their versions as GHCR lists them."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portside.emulator.registry import oci_image
from portside.emulator.registry.image_reference import ImageReference, parse_reference
from portside.emulator.registry.oci_image import PLATFORM, Content, Recipe
from portside.emulator.state.stored_list import StoredList

SOURCES = ("published", "stub")
GHCR = "ghcr.io/"
LONG_AGO = "1970-01-01T00:00:00Z"

_FIRST_ID = 1001
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_VERSION_TAG = re.compile(r"v?[0-9]+\.[0-9].*")
_PLATFORMS = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/v[0-9]+)?(?:,[a-z0-9]+/[a-z0-9_]+(?:/v[0-9]+)?)*")


@dataclass(frozen=True)
class Image:
    """One version of an image: a digest and its current tags.

    `source` says whether the image was ever published. Without a `recipe` only its digest is known.
    """

    name: str
    digest: str
    tags: tuple[str, ...]
    source: str
    recipe: Recipe | None
    id: int
    created_at: str
    updated_at: str

    @property
    def path(self) -> str:
        """Its name in its registry."""
        return path_of(self.name)

    @property
    def content(self) -> Content | None:
        """Its manifests and blobs; None if only the digest is known."""
        return oci_image.made(self.recipe) if self.recipe else None

    @property
    def digests(self) -> frozenset[str]:
        """The digests that it can be pulled by; for an index also those of its manifests."""
        return frozenset(self.content.manifests) if self.content else frozenset({self.digest})

    def about(self) -> dict[str, Any]:
        """The image as the control API shows it."""
        return {
            "name": self.name,
            "tags": list(self.tags),
            "digest": self.digest,
            "commit": self.recipe.commit if self.recipe else None,
            "created": self.recipe.created if self.recipe else None,
            "platform": self.recipe.platform if self.recipe else None,
            "source": self.source,
        }


def path_of(name: str) -> str:
    """The name of an image without its registry's host."""
    return _full(name).partition("/")[2]


def _full(name: str) -> str:
    return ImageReference(name, None, None).with_registry.name


def made_from(image: Image, recipe: Recipe) -> Image:
    """The image with the content of a different recipe."""
    return replace(image, recipe=recipe, digest=oci_image.made(recipe).digest)


class Catalogue:
    """The images, stored in a file. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._stored = StoredList(path, "the images of the catalogue", _from_json)
        self._images = self._stored.found
        self.remarks = self._stored.remarks

    def images(self) -> list[Image]:
        """All versions, ordered by name, newest first."""
        with self._lock:
            return sorted(self._images, key=lambda image: (image.name, -image.id))

    def versions(self, path: str) -> list[Image]:
        """The versions of the image with this path, newest first. GHCR has precedence over other registries."""
        found = [image for image in self.images() if image.path == path]
        names = list(dict.fromkeys(_full(image.name) for image in found))
        name = next((name for name in names if name.startswith(GHCR)), names[0] if names else "")
        return [image for image in found if _full(image.name) == name]

    def put(self, reference: str, source: str, digest: str | None = None) -> Image:
        """Add an image unless the reference already names one from this source; returns the image that it names.

        With a digest (given, or in the reference) nothing else is known about the image. Without one, the image is
        made from the reference and is older than any published image. A stub never replaces a published image.
        """
        if source not in SOURCES:
            raise ValueError(f"unknown image source {source!r}: must be one of {', '.join(SOURCES)}")
        parsed = _with_digest(parse_reference(reference), digest)
        with self._lock:
            known = self._find(parsed)
            if known and (known.source == source or source == "stub" or parsed.digest):
                return known
            if parsed.digest:
                tags = [parsed.tag] if parsed.tag and not self._find(replace(parsed, digest=None)) else []
                return self._add(parsed.name, parsed.digest, tags, source, None)
            tag = str(parsed.tag)
            recipe = Recipe(parsed.name, tag, _commit_of_stub(parsed.name, tag), LONG_AGO, PLATFORM)
            return self._add(parsed.name, oci_image.made(recipe).digest, [tag], source, recipe)

    def publish(
        self,
        name: str,
        tags: Iterable[str],
        commit: str,
        created: str | None = None,
        platform: str = PLATFORM,
        marker: str = "",
    ) -> Image:
        """Publish the image of a commit and move the tags to it; `created` defaults to now.

        An image that loses its tags stays available by digest.
        """
        tags = list(dict.fromkeys(tags))
        if parse_reference(name) != ImageReference(name, "latest", None):
            raise ValueError(f"invalid image name: {name!r}")
        if not tags or not all(map(_TAG.fullmatch, tags)):
            raise ValueError(f"invalid image tags: {tags!r}")
        if not _COMMIT.fullmatch(commit):
            raise ValueError(f"invalid commit: {commit!r}")
        if not _PLATFORMS.fullmatch(platform):
            raise ValueError(f"invalid platform: {platform!r}")
        version = next((tag for tag in tags if not tag.startswith("sha-")), tags[0])
        recipe = Recipe(name, version, commit, _moment(created), platform, marker)
        with self._lock:
            return self._add(name, oci_image.made(recipe).digest, tags, "published", recipe)

    def remove(self, reference: str) -> bool:
        """Delete the version that a reference names, with all its tags; returns whether there was one."""
        with self._lock:
            found = self._find(parse_reference(reference))
            if found:
                self._replace([image for image in self._images if image is not found])
            return found is not None

    def clear(self) -> None:
        """Delete all images."""
        with self._lock:
            self._replace([])

    def find(self, reference: str) -> Image | None:
        """The image that a pull of this reference gets: by digest if it has one, otherwise by tag."""
        try:
            parsed = parse_reference(reference)
        except ValueError:
            return None
        with self._lock:
            return self._find(parsed)

    def _find(self, reference: ImageReference) -> Image | None:
        for image in self._images:
            if _full(image.name) == reference.with_registry.name and (
                reference.digest in image.digests if reference.digest else reference.tag in image.tags
            ):
                return image
        return None

    def _add(self, name: str, digest: str, tags: list[str], source: str, recipe: Recipe | None) -> Image:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        number = max((image.id for image in self._images), default=_FIRST_ID - 1) + 1
        added = Image(name, digest, tuple(tags), source, recipe, number, now, now)
        kept = []
        for image in self._images:
            left = tuple(tag for tag in image.tags if tag not in tags)
            if _full(image.name) != _full(name):
                kept.append(image)
            elif image.digest == digest:
                added = replace(added, id=image.id, created_at=image.created_at, tags=(*left, *tags))
            else:
                kept.append(replace(image, tags=left, updated_at=now) if left != image.tags else image)
        self._replace([*kept, added])
        return added

    def _replace(self, images: list[Image]) -> None:
        self._stored.write(images)
        self._images = images


def _from_json(value: Mapping[str, Any]) -> Image:
    recipe = Recipe(**value["recipe"]) if value["recipe"] else None
    image = Image(**(dict(value) | {"recipe": recipe, "tags": tuple(value["tags"]), "id": int(value["id"])}))
    parse_reference(image.name)
    if recipe and image.digest != oci_image.made(recipe).digest:
        raise ValueError(f"{image.name}: the recipe no longer makes {image.digest}")
    return image


def _with_digest(reference: ImageReference, digest: str | None) -> ImageReference:
    if digest is None:
        return reference
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"invalid digest: {digest!r}")
    if reference.digest not in (None, digest):
        raise ValueError(f"two digests for one image: {reference.digest} and {digest}")
    return replace(reference, digest=digest)


def _commit_of_stub(name: str, tag: str) -> str:
    """All images of a release have one commit; each image's `edge` has its own."""
    seed = tag if _VERSION_TAG.fullmatch(tag) else f"{tag} of {name}"
    # This text is part of the digests in committed release locks.
    return hashlib.sha1(f"stand-in for {seed}".encode(), usedforsecurity=False).hexdigest()


def _moment(text: str | None) -> str:
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError as error:
        raise ValueError(f"not an ISO 8601 time: {text!r}") from error
    if moment.tzinfo is None:
        raise ValueError(f"time without a time zone: {text!r}")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
