"""Faults of the catalogue's APIs, set per API and image."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from portside.emulator.registry.catalogue import Image, made_from
from portside.emulator.registry.image_reference import has_registry
from portside.emulator.registry.oci_image import digest_of
from portside.emulator.state.active_faults import ActiveFaults, check, check_value
from portside.emulator.state.stored_list import StoredList

APIS = ("registry", "packages")

# Faults that replace the answer.
ANSWER_FAULTS: Final[dict[str, str]] = {
    "unauthorized": "401: the token is refused",
    "forbidden": "403: access is forbidden",
    "lacks-scope": "403: the token has scopes, but not read:packages",
    "expired": "401: the token has expired",
    "not-found": "404: there is no such package",
    "rate-limited": "429: too many requests, with Retry-After",
    "quota-used-up": "403: the API's rate limit is exceeded, with the time of its reset",
    "server-error": "500: the server fails",
    "slow": "the correct answer, but late",
    "endless": "an answer that continues slowly for two minutes",
    "garbage": "200 with bytes that are not JSON",
    "html": "200 with a login page instead of JSON",
    "truncated": "an answer that ends half-way",
    "redirect": "302 to another host",
}
# Faults of the content of an otherwise correct answer.
CONTENT_FAULTS: Final[dict[str, str]] = {
    "edge-on-page-2": "a hundred newer versions before the version tagged edge",
    "edge-missing": "no version is tagged edge",
    "edge-only": "the version tagged edge has no sha- tag",
    "wrong-platform": "the tagged images are for linux/arm64",
}
CATALOGUE_FAULTS: Final[dict[str, str]] = ANSWER_FAULTS | CONTENT_FAULTS
# The default value, in seconds, of the faults that take one.
SECONDS: Final[dict[str, float]] = {"rate-limited": 1, "quota-used-up": 1, "slow": 0.25}

OTHER_PLATFORM = "linux/arm64"
LARGEST_PAGE = 100


@dataclass(frozen=True)
class CatalogueFault:
    """An active fault: of one API or both, one image or all, a number of answers or all; `value` is in seconds."""

    fault: str
    api: str | None = None
    image: str | None = None
    times: int | None = None
    value: float | None = None

    @property
    def target(self) -> tuple[str | None, ...]:
        return self.fault, self.api, self.image

    @property
    def seconds(self) -> float:
        return SECONDS.get(self.fault, 0.0) if self.value is None else self.value

    def concerns(self, api: str, image: str | None) -> bool:
        """Whether the fault applies to a request; `image` is its path, None if the request is about several."""
        if self.api not in (None, api):
            return False
        return self.image is None or f"/{image or ''}".endswith(f"/{self.image}")


def checked(fault: str, api: Any = None, image: Any = None, times: Any = None, value: Any = None) -> CatalogueFault:
    """A valid fault. Raises ValueError with the problem and the fix."""
    check("fault of the catalogue", fault, CATALOGUE_FAULTS, times)
    if api not in (None, *APIS):
        raise ValueError(f"unknown API of the catalogue: {api!r}, must be one of {', '.join(APIS)}")
    if value is not None:
        value = check_value(fault, value, "seconds" if fault in SECONDS else None)
    # The last parts of a name are enough.
    path = image.partition("/")[2] if image and has_registry(image) else image
    return CatalogueFault(fault, api, path or None, times, value)


class CatalogueFaults(ActiveFaults[CatalogueFault]):
    """The active faults of the catalogue, stored in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(StoredList(path, "the faults of the catalogue", lambda each: CatalogueFault(**each)))

    def take(self, among: Collection[str], api: str, image: str | None) -> CatalogueFault | None:
        """The first of these faults that applies to a request; counts as one of its times."""
        return self._take(lambda each: each.fault in among and each.concerns(api, image))

    def changed(self, images: Iterable[Image], among: Collection[str], api: str, image: str | None) -> list[Image]:
        """The versions of an image, newest first, changed by active content faults."""
        shown = list(images)
        for name in CONTENT_FAULTS:
            if name in among and self.take((name,), api, image):
                shown = _CHANGES[name](shown)
        return shown


def for_other_platform(image: Image) -> Image:
    """The same image, built for another platform."""
    return made_from(image, replace(image.recipe, platform=OTHER_PLATFORM)) if image.recipe else image


def _push_edge_to_page_2(images: list[Image]) -> list[Image]:
    index = next((index for index, image in enumerate(images) if "edge" in image.tags), None)
    if index is None:
        return images
    newest = images[0]
    fillers = [
        replace(newest, digest=digest_of(f"{newest.name} {number}".encode()), tags=(), id=newest.id + number)
        for number in range(LARGEST_PAGE - index, 0, -1)
    ]
    return [*fillers, *images]


def _without_edge(images: list[Image]) -> list[Image]:
    return [replace(image, tags=tuple(tag for tag in image.tags if tag != "edge")) for image in images]


def _edge_alone(images: list[Image]) -> list[Image]:
    return [
        replace(image, tags=tuple(tag for tag in image.tags if not tag.startswith("sha-")))
        if "edge" in image.tags
        else image
        for image in images
    ]


_CHANGES: Final[dict[str, Callable[[list[Image]], list[Image]]]] = {
    "edge-on-page-2": _push_edge_to_page_2,
    "edge-missing": _without_edge,
    "edge-only": _edge_alone,
    "wrong-platform": lambda images: [for_other_platform(image) for image in images],
}
