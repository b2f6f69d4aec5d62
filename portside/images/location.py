"""Where an image's reference leads: which registry, which repository in it, which tag or digest."""

from __future__ import annotations

from dataclasses import dataclass

from portside.config.image_reference import parse_reference
from portside.errors import UsageError
from portside.images.access import DOCKER_HUB, GITHUB_REGISTRY


@dataclass(frozen=True)
class Location:
    """An image's place. `name` is as the reference has it, `path` as the registry does; `tag` is what to show."""

    reference: str
    name: str
    host: str
    path: str
    tag: str
    digest: str | None

    @property
    def label(self) -> str:
        """The image's name without registry and owner, as messages have it."""
        return self.path.rpartition("/")[2]

    @property
    def is_on_github(self) -> bool:
        """Whether GitHub's packages API knows the image."""
        return self.host == GITHUB_REGISTRY

    @property
    def owner(self) -> str:
        """The organisation or person whose package it is, on GitHub."""
        return self.path.partition("/")[0]

    @property
    def package(self) -> str:
        """The name of the package, on GitHub; it may have slashes in it."""
        return self.path.partition("/")[2]


def locate(reference: str) -> Location:
    """Where a reference leads. Raises `UsageError` where it leads nowhere."""
    parsed = parse_reference(reference)
    if parsed is None:
        raise UsageError(f"{reference!r}: not a reference to an image", "Write it like ghcr.io/owner/name:tag.")
    first, _, rest = parsed.name.partition("/")
    if rest and ("." in first or ":" in first or first.lower() == "localhost"):
        host, path = first.lower(), rest
    else:
        host, path = DOCKER_HUB, parsed.name
    if host == GITHUB_REGISTRY and "/" not in path:
        raise UsageError(f"{reference}: names no owner", f"Write it like {GITHUB_REGISTRY}/owner/name:tag.")
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    tag = parsed.tag or parsed.digest or "latest"
    return Location(reference, parsed.name, host, path, tag, parsed.digest)
