"""Where a release candidate is cut from: the head of the branch, or an older release, another branch or a commit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from portside.commands import tool
from portside.config.mistakes import shown
from portside.errors import UsageError
from portside.release.monorepo import Monorepo, RemoteRefs
from portside.release.version_tags import Version, parse_version

_COMMIT_ID = re.compile(r"[0-9a-f]{7,40}")


@dataclass(frozen=True)
class StartingPoint:
    """A commit of the monorepo, the name given for it, and the last version of the application in its history."""

    name: str
    commit: str
    base: Version


def find_starting_point(monorepo: Monorepo, refs: RemoteRefs, text: str) -> StartingPoint:
    """The commit of `--from`: a release or its tag, a branch, or a commit. Raises `UsageError` for anything else.

    Tags of other applications are refused: what is built from them was never a release of this one.
    """
    name, commit = _resolve(monorepo, refs, text)
    tags = refs.release_tags
    ancestors = monorepo.ancestors(commit, refs)
    before = [version for version in tags.versions if refs.tags[tags.tag(version)] in ancestors]
    before += [version for version in tags.finished if refs.tags[tags.finished_tag(version)] in ancestors]
    if not before:
        raise UsageError(
            f"--from {text}: there is no tag {tags.prefix}/v… in the history of {name} at {commit[:12]}",
            "Name a branch or a commit that goes back to a release; its version decides the next one.",
        )
    return StartingPoint(name, commit, max(before))


def _resolve(monorepo: Monorepo, refs: RemoteRefs, text: str) -> tuple[str, str]:
    tags = refs.release_tags
    own = text.removeprefix(f"{tags.prefix}/").removeprefix("release/").removeprefix("v")
    version = parse_version(own)
    if version is not None and text in (own, f"v{own}", tags.tag(version), tags.finished_tag(version)):
        if (tag := _tag_of(refs, version)) is not None:
            return tag, refs.tags[tag]
        raise _not_released(monorepo, refs, version, text)
    branch = text.removeprefix("refs/heads/")
    if branch in refs.heads:
        return f"branch {branch}", refs.heads[branch]
    if text in refs.tags:
        raise UsageError(
            f"--from {text}: that tag is not of {tags.prefix}",
            f"Name a release of {tags.prefix}, a branch of {monorepo.name}, or a commit.",
        )
    if _COMMIT_ID.fullmatch(text) and (commit := monorepo.find_commit(text, refs)) is not None:
        return f"commit {commit[:12]}", commit
    raise UsageError(
        f"--from: {monorepo.name} has no release, branch or commit {shown(text)}",
        "Push the branch first, or give all 40 digits of the commit. Branches there: "
        f"{', '.join(sorted(refs.heads)[:10])}.",
    )


def _tag_of(refs: RemoteRefs, version: Version) -> str | None:
    """The tag of a candidate, or of a release that is finished or final."""
    tags = refs.release_tags
    if version in tags.versions:
        return tags.tag(version)
    return tags.finished_tag(version) if version in tags.finished else None


def _not_released(monorepo: Monorepo, refs: RemoteRefs, version: Version, text: str) -> UsageError:
    last = refs.release_tags.last_of(version)
    if last is not None and version.candidate is None:
        hint = f"It is not finished; name a candidate of it: --from {last}"
    else:
        hint = f"See which there are: {tool('release', 'status')}"
    return UsageError(f"--from {text}: {monorepo.name} has no tag {refs.release_tags.tag(version)}", hint)
