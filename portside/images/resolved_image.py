"""Images by digest, as their tags were resolved."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Fargate's default, which the task definitions request.
PLATFORM = "linux/amd64"

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{7,40}")

_SHORT_COMMIT = 7
# A commit that JavaScript, YAML and others parse as a number: 1234567, and also 12e3456 and 0b10101.
_NUMBER = re.compile(r"[0-9]+(?:e[0-9]+)?|0b[01]+")


@dataclass(frozen=True)
class ResolvedImage:
    """An image by its digest, with its commit, platform and time.

    `digest` is that of the tag; if it is an index of several platforms, `manifest` is the digest of the image that
    runs. `commit` has 7 to 40 hexadecimal digits, or is None if neither a label nor a tag has it. `created` is a time
    in ISO 8601.
    """

    name: str
    tag: str
    digest: str
    commit: str | None
    platform: str
    created: str
    manifest: str | None = None

    @property
    def reference(self) -> str:
        """The image in a task definition."""
        return f"{self.name}@{self.digest}"

    @property
    def digests(self) -> frozenset[str]:
        """The digests that AWS can report for the running image."""
        return frozenset(filter(None, (self.digest, self.manifest)))

    @property
    def short_commit(self) -> str | None:
        """The commit in messages and in `COMMIT_SHA`."""
        return short_commit(self.commit) if self.commit else None


def short_commit(commit: str) -> str:
    """The first seven digits of a commit, or more if these could be parsed as a number."""
    shortest = min(_SHORT_COMMIT, len(commit))
    lengths = range(shortest, len(commit) + 1)
    return next((commit[:length] for length in lengths if not _NUMBER.fullmatch(commit[:length])), f"sha-{commit}")


def one_commit(commits: Iterable[str | None]) -> str | None:
    """The commit of all, if it is the same and known. A short id matches a commit that starts with it."""
    found = [commit or "" for commit in commits]
    longest = max(found, key=len, default="")
    return longest if longest and all(each and longest.startswith(each) for each in found) else None
