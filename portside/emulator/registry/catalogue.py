"""Which container images exist for the embedded AWS: their versions as GHCR keeps them, and where they came from."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portside.config.image_reference import ImageReference, is_moving_tag, is_tag, parse_reference
from portside.emulator.registry import oci_image
from portside.emulator.registry.oci_image import Content, Recipe
from portside.emulator.state.stored_list import KeptList
from portside.images.resolved_image import COMMIT, DIGEST, PLATFORM

SOURCES = ("published", "stand-in")
GHCR = "ghcr.io/"
LONG_AGO = "1970-01-01T00:00:00Z"

_FIRST_ID = 1001
_PLATFORMS = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/v[0-9]+)?(?:,[a-z0-9]+/[a-z0-9_]+(?:/v[0-9]+)?)*")


@dataclass(frozen=True)
class Image:
    """One version of an image: a digest, and the tags that stand for it now.

    `source` says whether such an image was ever published. Without a `recipe` only the digest is known of it.
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
        """Its name as its registry knows it."""
        return path_of(self.name)

    @property
    def content(self) -> Content | None:
        """What a registry has of it; None where only the digest is known."""
        return oci_image.made(self.recipe) if self.recipe else None

    @property
    def digests(self) -> frozenset[str]:
        """Those under which it can be pulled: of an index, those of its manifests too."""
        return frozenset(self.content.manifests) if self.content else frozenset({self.digest})

    def about(self) -> dict[str, Any]:
        """What it says about itself to whoever asks."""
        return {
            "name": self.name,
            "tags": list(self.tags),
            "digest": self.digest,
            "commit": self.recipe.commit if self.recipe else None,
            "created": self.recipe.created if self.recipe else None,
            "platform": self.recipe.platform if self.recipe else None,
            "source": self.source,
        }


def pulled_reference(text: str) -> ImageReference:
    """What is pulled for a reference: without tag and digest, `latest`. Raises ValueError for what is none."""
    parsed = parse_reference(text)
    if not parsed:
        raise ValueError(f"invalid image reference: {text!r}")
    return parsed if parsed.tag or parsed.digest else replace(parsed, tag="latest")


def path_of(name: str) -> str:
    """The name of an image without its registry's host."""
    host, slash, path = name.partition("/")
    return path if slash and ("." in host or ":" in host or host == "localhost") else name


def made_from(image: Image, recipe: Recipe) -> Image:
    """The image with the content of another recipe."""
    return replace(image, recipe=recipe, digest=oci_image.made(recipe).digest)


class Catalogue:
    """The images, kept in a file. Safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._kept = KeptList(path, "the images of the catalogue", _from_json)
        self._images = self._kept.found
        self.remarks = self._kept.remarks

    def images(self) -> list[Image]:
        """All of them, by name, each name's newest first."""
        with self._lock:
            return sorted(self._images, key=lambda image: (image.name, -image.id))

    def versions(self, path: str) -> list[Image]:
        """Those of the image that its registry knows by this name, newest first. GHCR's go before all others'."""
        found = [image for image in self.images() if image.path == path]
        name = next((image.name for image in found if image.name.startswith(GHCR)), found[0].name if found else "")
        return [image for image in found if image.name == name]

    def put(self, reference: str, source: str, digest: str | None = None) -> Image:
        """Adds an image, if the reference doesn't stand for one of this source; what it stands for now.

        With a digest (given, or in the reference) nothing else is known of the image. Else it is made from the
        reference alone, and older than any that was published. A stand-in never takes a published image's place.
        """
        if source not in SOURCES:
            raise ValueError(f"unknown source of an image: {source!r}, must be one of {', '.join(SOURCES)}")
        parsed = _with_digest(pulled_reference(reference), digest)
        with self._lock:
            known = self._find(parsed)
            if known and (known.source == source or source == "stand-in" or parsed.digest):
                return known
            if parsed.digest:
                tags = [parsed.tag] if parsed.tag and not self._find(replace(parsed, digest=None)) else []
                return self._add(parsed.name, parsed.digest, tags, source, None)
            tag = str(parsed.tag)
            recipe = Recipe(parsed.name, tag, _made_up_commit(parsed.name, tag), LONG_AGO, PLATFORM)
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
        """Puts the image of a commit there and moves the tags to it; `created` is now by default.

        What had the tags before loses them, and stays reachable by its digest.
        """
        parsed, tags = parse_reference(name), list(dict.fromkeys(tags))
        if not parsed or parsed.name != name:
            raise ValueError(f"not the name of an image: {name!r}")
        if not tags or not all(is_tag(tag) for tag in tags):
            raise ValueError(f"not the tags of an image: {tags!r}")
        if not COMMIT.fullmatch(commit):
            raise ValueError(f"not the id of a commit: {commit!r}")
        if not _PLATFORMS.fullmatch(platform):
            raise ValueError(f"not a platform: {platform!r}")
        version = next((tag for tag in tags if not tag.startswith("sha-")), tags[0])
        recipe = Recipe(name, version, commit, _moment(created), platform, marker)
        with self._lock:
            return self._add(name, oci_image.made(recipe).digest, tags, "published", recipe)

    def remove(self, reference: str) -> bool:
        """Takes the version that a reference stands for out, with all its tags; returns whether there was one."""
        with self._lock:
            found = self._find(pulled_reference(reference))
            if found:
                self._replace([image for image in self._images if image is not found])
            return found is not None

    def clear(self) -> None:
        """Takes all images out."""
        with self._lock:
            self._replace([])

    def find(self, reference: str) -> Image | None:
        """What a pull of this reference gets: by its digest if it has one, else by name and tag."""
        try:
            wanted = pulled_reference(reference)
        except ValueError:
            return None
        with self._lock:
            return self._find(wanted)

    def _find(self, wanted: ImageReference) -> Image | None:
        for image in self._images:
            if image.name == wanted.name and (
                wanted.digest in image.digests if wanted.digest else wanted.tag in image.tags
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
            if image.name != name:
                kept.append(image)
            elif image.digest == digest:
                added = replace(added, id=image.id, created_at=image.created_at, tags=(*left, *tags))
            else:
                kept.append(replace(image, tags=left, updated_at=now) if left != image.tags else image)
        self._replace([*kept, added])
        return added

    def _replace(self, images: list[Image]) -> None:
        self._kept.write(images)
        self._images = images


def _from_json(value: Mapping[str, Any]) -> Image:
    recipe = Recipe(**value["recipe"]) if value["recipe"] else None
    image = Image(**(dict(value) | {"recipe": recipe, "tags": tuple(value["tags"]), "id": int(value["id"])}))
    if image.digest != (oci_image.made(recipe).digest if recipe else image.digest) or not parse_reference(image.name):
        raise ValueError(f"{image.name} has another digest now")
    return image


def _with_digest(reference: ImageReference, digest: str | None) -> ImageReference:
    if digest is None:
        return reference
    if not DIGEST.fullmatch(digest):
        raise ValueError(f"not a digest: {digest!r}")
    if reference.digest not in (None, digest):
        raise ValueError(f"two digests for one image: {reference.digest} and {digest}")
    return replace(reference, digest=digest)


def _made_up_commit(name: str, tag: str) -> str:
    """All images of a release are of one commit; each image's `edge` is of its own."""
    seed = f"{tag} of {name}" if is_moving_tag(tag) else tag
    return hashlib.sha1(f"stand-in for {seed}".encode(), usedforsecurity=False).hexdigest()


def _moment(text: str | None) -> str:
    try:
        moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    except ValueError as error:
        raise ValueError(f"not a moment in ISO 8601: {text!r}") from error
    if moment.tzinfo is None:
        raise ValueError(f"a moment without its time zone: {text!r}")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
