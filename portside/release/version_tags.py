"""The rules of release tags: which there are of an application, and which comes next.

`my-app/v4.2.0-rc2` is a release candidate, `my-app/v4.2.0` a final version, and `my-app/release/v4.2.0` says that
4.2.0 is finished: its last candidate is what prod runs.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Part = Literal["major", "minor", "patch"]
"""The part of a version that the next release counts up."""

# Python refuses to read numbers of thousands of digits, and no version has a hundred.
_NUMBER = r"(0|[1-9][0-9]{0,98})"
_VERSION = re.compile(rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-rc{_NUMBER})?")
_MOST_NAMED = 5


@functools.total_ordering
@dataclass(frozen=True)
class Version:
    """A version, or a candidate for it; a version comes after its candidates, and rc10 after rc9."""

    major: int
    minor: int
    patch: int
    candidate: int | None = None

    def __str__(self) -> str:
        core = f"{self.major}.{self.minor}.{self.patch}"
        return core if self.candidate is None else f"{core}-rc{self.candidate}"

    def as_json(self) -> str:
        return str(self)

    def __lt__(self, other: Version) -> bool:
        return self._rank < other._rank

    @property
    def release(self) -> Version:
        """The version that this is a candidate for."""
        return replace(self, candidate=None)

    @property
    def _rank(self) -> tuple[int, int, int, bool, int]:
        return self.major, self.minor, self.patch, self.candidate is None, self.candidate or 0


def parse_version(text: str) -> Version | None:
    """`4.2.0-rc2` or `4.2.0`; None for anything else, such as leading zeros or other suffixes."""
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    major, minor, patch, candidate = match.groups()
    return Version(int(major), int(minor), int(patch), None if candidate is None else int(candidate))


@dataclass(frozen=True)
class ReleaseTags:
    """The release tags of one application, lowest version first."""

    prefix: str
    versions: tuple[Version, ...]
    """The candidates and final versions that are tagged."""
    finished: tuple[Version, ...]
    malformed: tuple[str, ...]
    """Names of tags that are the application's and fit no rule."""
    others: int
    """How many tags are not the application's."""

    def tag(self, version: Version) -> str:
        """The name of the tag of a candidate or a final version."""
        return f"{self.prefix}/v{version}"

    def finished_tag(self, version: Version) -> str:
        """The name of the tag that marks a version, or the one of a candidate, as finished."""
        return f"{self.prefix}/release/v{version.release}"

    @property
    def last(self) -> Version | None:
        """The highest version; a finished one counts even without a tag of the version itself."""
        return max((*self.versions[-1:], *self.finished[-1:]), default=None)

    @property
    def last_tag(self) -> str | None:
        """The name of the tag that makes the highest version."""
        if self.last is None:
            return None
        return self.tag(self.last) if self.last in self.versions else self.finished_tag(self.last)

    def last_of(self, release: Version) -> Version | None:
        """The tagged final version of a release, or its last candidate."""
        return max((version for version in self.versions if version.release == release.release), default=None)

    @property
    def ignored(self) -> str:
        """Which tags did not count, in a sentence; empty where all did."""
        said = []
        if self.others:
            said.append(f'{_count(self.others, "tag")} not under "{self.prefix}/"')
        if self.malformed:
            count = _count(len(self.malformed), "malformed tag")
            more = len(self.malformed) - _MOST_NAMED
            names = ", ".join(self.malformed[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            said.append(f"{count} ({names})")
        return f"Ignored: {' and '.join(said)}." if said else ""


def read_tags(names: Iterable[str], prefix: str) -> ReleaseTags:
    """Sort the names of a monorepo's tags by what they say about one application."""
    versions: set[Version] = set()
    finished: set[Version] = set()
    malformed: list[str] = []
    others = 0
    for name in names:
        own = name.removeprefix(f"{prefix}/")
        if own == name:
            others += 1
        elif own.startswith("v") and (version := parse_version(own[1:])):
            versions.add(version)
        elif own.startswith("release/v") and (version := parse_version(own[9:])) and version.candidate is None:
            finished.add(version)
        else:
            malformed.append(name)
    return ReleaseTags(prefix, tuple(sorted(versions)), tuple(sorted(finished)), tuple(sorted(malformed)), others)


def next_version(tags: ReleaseTags, part: Part | None = None) -> Version:
    """The candidate to tag next.

    While the last version is a candidate, its next candidate; otherwise the first candidate of the next patch. A part
    asks for a release of that size or larger, counted as npm's `semver inc` does: a candidate of 4.3.0 is one of a
    minor release already, so `minor` continues it, while `major` starts 5.0.0.
    """
    last = tags.last
    release = _next_release(last or Version(0, 0, 0), part)
    if last is None or last.candidate is None or last.release != release:
        return replace(release, candidate=1)
    return replace(last, candidate=last.candidate + 1)


def next_hot_fix(tags: ReleaseTags, base: Version) -> Version:
    """The candidate to tag next for a fix of an older version, whatever has been tagged since.

    The next candidate of its release while that is open, otherwise the first free one of the patches after it.
    """
    release = base.release
    while release in tags.finished or release in tags.versions:
        release = replace(release, patch=release.patch + 1)
    last = tags.last_of(release)
    return replace(release, candidate=(last.candidate or 0) + 1 if last else 1)


def _next_release(last: Version, part: Part | None) -> Version:
    is_open = last.candidate is not None
    if part == "major":
        goes_on = is_open and last.minor == last.patch == 0
        return Version(last.major if goes_on else last.major + 1, 0, 0)
    if part == "minor":
        goes_on = is_open and last.patch == 0
        return Version(last.major, last.minor if goes_on else last.minor + 1, 0)
    return Version(last.major, last.minor, last.patch if is_open else last.patch + 1)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
