"""Cutting a release candidate: tag the head of the monorepo's branch, and wait for the images of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from operations.release.monorepo import Monorepo, RemoteRefs
from operations.release.version_tags import Part, ReleaseTags, Version, next_version, parse_version
from src.errors import AgoraError, UsageError
from src.report import shown


@dataclass(frozen=True)
class CutPlan:
    """The tag that is to be made, on which commit, after which one."""

    tag: str
    version: Version
    commit: str
    subject: str | None
    """The first line of the commit's message, None where only the remote knows it."""
    last_tag: str | None
    ignored: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "tag": self.tag,
            "version": str(self.version),
            "commit": self.commit,
            "subject": self.subject,
            "last_tag": self.last_tag,
            "ignored": self.ignored,
        }


def plan_cut(
    monorepo: Monorepo, part: Part | None = None, version: str | None = None, *, again: bool = False
) -> CutPlan:
    """Find what to tag; `again` allows another candidate of a commit that has one.

    Raises `UsageError` for a version that the rules do not allow, and `AgoraError` where there is nothing to release.
    """
    if part and version:
        raise UsageError(
            f"{version}: a version and the part to count up ({part}) exclude each other", "Leave one of them out."
        )
    refs = monorepo.refs()
    tags = refs.release_tags
    wanted = next_version(tags, part) if version is None else _allowed(version, refs)
    monorepo.check_clone(refs)
    if not again:
        _refuse_released_head(monorepo, refs)
    return CutPlan(tags.tag(wanted), wanted, refs.head, monorepo.subject(refs.head), tags.last_tag, tags.ignored)


def carry_out(plan: CutPlan, monorepo: Monorepo) -> None:
    """Push the tag. Raises `AgoraError` where it cannot be, or where the plan has been overtaken."""
    tags = monorepo.refs().release_tags
    if tags.last_tag != plan.last_tag and plan.version not in tags.versions:
        raise AgoraError(
            f"{plan.tag}: overtaken, the last tag in {monorepo.name} is {tags.last_tag} by now",
            "Nothing was pushed. Run the same command again to plan anew.",
        )
    monorepo.push_tag(plan.tag, plan.commit)


def wait_for_images(
    plan: CutPlan,
    missing: Callable[[], Sequence[str]],
    tell: Callable[[Sequence[str]], None],
    *,
    every_seconds: float,
    within_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Look until no image of the tag is missing, and tell those that are whenever that changes.

    Raises `AgoraError` with the names of those that are still missing when the time is over.
    """
    end = clock() + within_seconds
    told: set[str] = set()
    while True:
        names = missing()
        if set(names) != told:
            tell(names)
            told = set(names)
        if not names:
            return
        left = end - clock()
        if left <= 0:
            raise AgoraError(
                f"{plan.tag}: not published within {within_seconds:.0f} s: {', '.join(names)}",
                f"The tag is pushed. Look at the monorepo's release job for {plan.tag}; "
                f"when the images are there, go on with ./agora release pin {plan.version}",
            )
        sleep(min(every_seconds, left))


def _allowed(text: str, refs: RemoteRefs) -> Version:
    tags = refs.release_tags
    hint = _hint(tags)
    version = parse_version(text)
    if version is None:
        raise UsageError(f"version: not written as X.Y.Z-rcN, got {shown(text)}", hint)
    if version in tags.versions:
        tag = tags.tag(version)
        raise UsageError(f"{version}: its tag {tag} exists already, on {refs.tags[tag][:12]}", hint)
    if version.candidate is None:
        raise UsageError(f"{version}: only release candidates are cut", hint)
    if version not in _choices(tags):
        after = f"after {tags.last_tag}" if tags.last_tag else "as the first one"
        raise UsageError(f"{version}: not a version that may come {after}", hint)
    return version


def _choices(tags: ReleaseTags) -> set[Version]:
    return {next_version(tags, part) for part in get_args(Part)} | {next_version(tags)}


def _hint(tags: ReleaseTags) -> str:
    return f"Allowed: {', '.join(map(str, sorted(_choices(tags))))}."


def _refuse_released_head(monorepo: Monorepo, refs: RemoteRefs) -> None:
    tags = refs.release_tags
    carried = [tags.tag(version) for version in tags.versions if refs.tags[tags.tag(version)] == refs.head]
    if carried:
        raise AgoraError(
            f"{monorepo.branch}: nothing new to release, its head {refs.head[:12]} is {' and '.join(carried)} already",
            "Merge what is to be released first; --again makes another candidate of the same commit.",
        )
