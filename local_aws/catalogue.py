"""Which container images exist for the embedded AWS: references, their digests, and where they came from."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from local_aws import json_file
from src.image import ImageReference, parse_reference

SOURCES = ("published", "stand-in")


@dataclass(frozen=True)
class Image:
    """One name:tag (or name@digest), and the digest it stands for; `source` says whether such an image was built."""

    reference: str
    digest: str
    source: str
    created: str


def pulled_reference(text: str) -> ImageReference:
    """What is pulled for a reference: without tag and digest, `latest`. Raises ValueError for what is none."""
    parsed = parse_reference(text)
    if not parsed:
        raise ValueError(f"invalid image reference: {text!r}")
    return parsed if parsed.tag or parsed.digest else replace(parsed, tag="latest")


def digest_of(content: str) -> str:
    """A digest as a registry would give it; equal content, equal digest."""
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
        """All of them, by reference."""
        with self._lock:
            return sorted(self._images.values(), key=lambda image: image.reference)

    def put(self, reference: str, source: str, content: str | None = None) -> Image:
        """Adds an image, or moves its tag when `content` differs from what it was; equal content, equal digest."""
        if source not in SOURCES:
            raise ValueError(f"unknown source of an image: {source!r}, must be one of {', '.join(SOURCES)}")
        parsed = pulled_reference(reference)
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
        """Takes an image out; returns whether it was there."""
        with self._lock:
            found = self._images.pop(reference, None)
            if found:
                self._write()
            return found is not None

    def clear(self) -> None:
        """Takes all images out."""
        with self._lock:
            self._images.clear()
            self._write()

    def find(self, reference: str) -> Image | None:
        """What a pull of this reference gets: by its digest if it has one, else by name and tag."""
        try:
            wanted = pulled_reference(reference)
        except ValueError:
            return None
        with self._lock:
            for image in self._images.values():
                have = pulled_reference(image.reference)
                if have.name != wanted.name:
                    continue
                if wanted.digest == image.digest if wanted.digest else wanted.tag == have.tag:
                    return image
        return None

    def _write(self) -> None:
        json_file.write(self._path, [asdict(image) for image in self._images.values()])
