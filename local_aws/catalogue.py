"""Which container images exist for the embedded AWS: references, their digests, and where they came from."""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

SOURCES = ("published", "stand-in")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PART = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_NAME = re.compile(rf"([a-zA-Z0-9.-]+(:[0-9]+)?/)?{_PART}(/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True)
class Image:
    """One name:tag (or name@digest), and the digest it stands for; `source` says whether such an image was built."""

    reference: str
    digest: str
    source: str
    created: str


@dataclass(frozen=True)
class Reference:
    """An image reference taken apart; at least one of `tag` and `digest` is there."""

    name: str
    tag: str | None
    digest: str | None


def parse_reference(reference: str) -> Reference:
    """Raises ValueError for what no registry would take. Without tag and digest the tag is `latest`."""
    rest, _, digest = reference.partition("@")
    before, colon, tag = rest.rpartition(":")
    # A colon before the last slash belongs to the registry's port.
    if not colon or "/" in tag:
        before, tag = rest, ""
    if not _NAME.fullmatch(before) or (tag and not _TAG.fullmatch(tag)) or ("@" in reference and not digest):
        raise ValueError(f"invalid image reference: {reference!r}")
    if digest and not _DIGEST.fullmatch(digest):
        raise ValueError(f"invalid digest in image reference: {reference!r}")
    return Reference(before, tag or (None if digest else "latest"), digest or None)


def digest_of(content: str) -> str:
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


class Catalogue:
    """The images, kept in a file. Safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._images: dict[str, Image] = {}
        if path.exists():
            self._images = {each["reference"]: Image(**each) for each in json.loads(path.read_text())}

    def images(self) -> list[Image]:
        with self._lock:
            return sorted(self._images.values(), key=lambda image: image.reference)

    def put(self, reference: str, source: str, content: str | None = None) -> Image:
        """Adds an image, or moves its tag when `content` differs from what it was; equal content, equal digest."""
        if source not in SOURCES:
            raise ValueError(f"unknown source of an image: {source!r}, must be one of {', '.join(SOURCES)}")
        parsed = parse_reference(reference)
        digest = parsed.digest or digest_of(content or f"{parsed.name}:{parsed.tag}")
        with self._lock:
            known = self._images.get(reference)
            if known and known.digest == digest and known.source == source:
                return known
            image = Image(reference, digest, source, datetime.now(UTC).isoformat(timespec="seconds"))
            self._images[reference] = image
            self._write()
            return image

    def remove(self, reference: str) -> bool:
        with self._lock:
            found = self._images.pop(reference, None)
            if found:
                self._write()
            return found is not None

    def clear(self) -> None:
        with self._lock:
            self._images.clear()
            self._write()

    def find(self, reference: str) -> Image | None:
        """What a pull of this reference gets: by its digest if it has one, else by name and tag."""
        try:
            wanted = parse_reference(reference)
        except ValueError:
            return None
        with self._lock:
            for image in self._images.values():
                have = parse_reference(image.reference)
                if have.name != wanted.name:
                    continue
                if wanted.digest == image.digest if wanted.digest else wanted.tag == have.tag:
                    return image
        return None

    def _write(self) -> None:
        write_json(self._path, [asdict(image) for image in self._images.values()])


def write_json(path: Path, value: object) -> None:
    """Replaces the file in one step, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=1))
    os.replace(temporary, path)
