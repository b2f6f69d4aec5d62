"""References to container images, as a registry and Fargate read them.

The emulator has its own rules, so that a mistake in those of the configuration is not repeated here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

# https://github.com/distribution/reference/blob/main/regexp.go
_DOCKER_HUB = "docker.io/"
_NAME = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(rf"({_NAME})(?::(\w[\w.-]{{0,127}}))?(?:@(sha256:[0-9a-f]{{64}}))?", re.ASCII)


@dataclass(frozen=True)
class ImageReference:
    """`name:tag`, `name@digest` or both; the name includes the registry's host, if there is one."""

    name: str
    tag: str | None
    digest: str | None

    @property
    def with_registry(self) -> ImageReference:
        """The same image with its registry's host in front; without a host it is Docker Hub's."""
        name = self.name if has_registry(self.name) else f"{_DOCKER_HUB}{self.name}"
        path = name.removeprefix(_DOCKER_HUB)
        # https://docs.docker.com/reference/cli/docker/image/tag/
        return replace(self, name=name if "/" in path else f"{_DOCKER_HUB}library/{path}")

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> ImageReference:
    """The reference that is pulled: `latest` without a tag and a digest. Raises ValueError if it is invalid."""
    match = _REFERENCE.fullmatch(text)
    if not match:
        raise ValueError(f"invalid image reference: {text!r}")
    name, tag, digest = match.groups()
    return ImageReference(name, tag if tag or digest else "latest", digest)


def has_registry(name: str) -> bool:
    """Whether the name of an image begins with a registry's host."""
    host, slash, _ = name.partition("/")
    return bool(slash) and ("." in host or ":" in host or host == "localhost")
