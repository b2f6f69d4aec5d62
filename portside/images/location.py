"""The registry, repository and tag or digest of a reference."""

from __future__ import annotations

from dataclasses import dataclass

from portside.config.image_reference import parse_reference
from portside.errors import UsageError
from portside.images.access import DOCKER_HUB, GITHUB_REGISTRY


@dataclass(frozen=True)
class Location:
    """The location of an image. `name` is that of the reference, `path` that of the registry; `tag` is for messages."""

    reference: str
    name: str
    host: str
    path: str
    tag: str
    digest: str | None

    @property
    def label(self) -> str:
        """The image's name in messages, without registry and owner."""
        return self.path.rpartition("/")[2]

    @property
    def is_on_github(self) -> bool:
        """Whether GitHub's packages API has the image."""
        return self.host == GITHUB_REGISTRY

    @property
    def owner(self) -> str:
        """The owner of the package on GitHub."""
        return self.path.partition("/")[0]

    @property
    def package(self) -> str:
        """The name of the package on GitHub, which can contain slashes."""
        return self.path.partition("/")[2]


def locate(reference: str) -> Location:
    """The location of a reference. Raises `UsageError` if it is not valid."""
    parsed = parse_reference(reference)
    if parsed is None:
        raise UsageError(f"{reference!r}: not a reference to an image", "For example: ghcr.io/owner/name:tag.")
    first, _, rest = parsed.name.partition("/")
    if rest and ("." in first or ":" in first or first.lower() == "localhost"):
        host, path = first.lower(), rest
    else:
        host, path = DOCKER_HUB, parsed.name
    if host == GITHUB_REGISTRY and "/" not in path:
        raise UsageError(f"{reference}: has no owner", f"For example: {GITHUB_REGISTRY}/owner/name:tag.")
    if host == DOCKER_HUB and "/" not in path:
        path = f"library/{path}"
    tag = parsed.tag or parsed.digest or "latest"
    return Location(reference, parsed.name, host, path, tag, parsed.digest)
