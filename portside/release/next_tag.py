"""Which release tag comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portside.release.monorepo import Monorepo
from portside.release.version_tags import Part, Version, next_version


@dataclass(frozen=True)
class NextTag:
    """The next tag, the last one there is, and a sentence about the tags that did not count."""

    tag: str
    version: Version
    last_tag: str | None
    ignored: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"tag": self.tag, "version": str(self.version), "last_tag": self.last_tag, "ignored": self.ignored}


def next_tag(monorepo: Monorepo, part: Part | None = None) -> NextTag:
    """The next tag by the tags of the monorepo's remote. Raises `UserError` where it cannot be read."""
    tags = monorepo.refs().release_tags
    version = next_version(tags, part)
    return NextTag(tags.tag(version), version, tags.last_tag, tags.ignored)
