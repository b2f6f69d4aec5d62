"""Images that cannot move: what a tag stood for when it was looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# Fargate's default, and what the task definitions ask for.
PLATFORM = "linux/amd64"

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
COMMIT = re.compile(r"[0-9a-f]{7,40}")

_SHORT_COMMIT = 7
# What JavaScript, YAML and others take for a number: 1234567, and 12e3456 and 0b10101 too.
_NUMBER = re.compile(r"[0-9]+(?:e[0-9]+)?|0b[01]+")


@dataclass(frozen=True)
class ResolvedImage:
    """An image by its digest, and what is known of it.

    `digest` is what the tag stands for; where that is an index of several platforms, `manifest` is that of the one that
    runs. `commit` has 7 to 40 hexadecimal digits, or is None where neither label nor tag tells it. `created` is a
    moment in ISO 8601.
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
        """What a task definition names."""
        return f"{self.name}@{self.digest}"

    @property
    def digests(self) -> frozenset[str]:
        """The digests under which the running image may be known."""
        return frozenset(filter(None, (self.digest, self.manifest)))

    @property
    def short_commit(self) -> str | None:
        """The commit as a person sees it, and as `COMMIT_SHA` has it."""
        return short_commit(self.commit) if self.commit else None


def short_commit(commit: str) -> str:
    """The first seven digits of a commit, and as many more as it takes not to be read as a number."""
    shortest = min(_SHORT_COMMIT, len(commit))
    lengths = range(shortest, len(commit) + 1)
    return next((commit[:length] for length in lengths if not _NUMBER.fullmatch(commit[:length])), f"sha-{commit}")


def one_commit(commits: Iterable[str | None]) -> str | None:
    """The commit that all of these are, where it is one and known. A short id is the commit that begins so."""
    found = [commit or "" for commit in commits]
    longest = max(found, key=len, default="")
    return longest if longest and all(each and longest.startswith(each) for each in found) else None
