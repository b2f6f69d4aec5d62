"""Finishing a release: mark the commit of its last candidate, whose images prod is to run, as released."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from operations.release.monorepo import Monorepo, RemoteRefs
from operations.release.version_tags import Version, parse_version
from portside.commands import tool
from src.errors import AgoraError, UsageError
from src.report import shown


@dataclass(frozen=True)
class FinishPlan:
    """The tag that is to be made, and the tag of the last candidate, on whose commit it belongs."""

    tag: str
    version: Version
    candidate_tag: str
    candidate: Version
    commit: str
    subject: str | None
    """The first line of the commit's message, None where only the remote knows it."""
    ignored: str

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "tag": self.tag,
            "version": str(self.version),
            "candidate_tag": self.candidate_tag,
            "candidate": str(self.candidate),
            "commit": self.commit,
            "subject": self.subject,
            "ignored": self.ignored,
        }


def plan_finish(monorepo: Monorepo, version: str | None, staged: str) -> FinishPlan:
    """Find what to mark as released: the release whose candidate stage's form names, `staged`.

    Raises `UsageError` for another version or one that stage does not run, and `AgoraError` where the tags forbid it.
    """
    on_stage = parse_version(staged)
    if on_stage is None:
        raise UsageError(
            f"stage: its form names no release, got {shown(staged)}",
            "Bring a release candidate to stage first: "
            f"{tool('release', 'pin', 'VERSION')}, then {tool('release', 'promote', 'stage')}",
        )
    wanted = on_stage.release if version is None else _parsed(version)
    refs = monorepo.refs()
    tags = refs.release_tags
    last = tags.last_of(wanted)
    if last is None:
        raise AgoraError(
            f"{wanted.release}: {monorepo.name} has no tag {tags.tag(wanted.release)}-rcN",
            f"The last tag there is {tags.last_tag}." if tags.last_tag else f"Make one: {tool('release', 'cut')}",
        )
    tag, candidate_tag = tags.finished_tag(wanted), tags.tag(last)
    commit = refs.tags[candidate_tag]
    if tag in refs.tags:
        raise _finished(tag, refs.tags[tag], candidate_tag, commit)
    if wanted.candidate is not None and wanted != last:
        raise UsageError(
            f"{wanted}: not the last candidate of {wanted.release}, which is {last}",
            "The last one is what is released: name it, or the version without candidate.",
        )
    if on_stage != last:
        raise _not_staged(on_stage, last, refs)
    return FinishPlan(tag, last.release, candidate_tag, last, commit, monorepo.subject(commit), tags.ignored)


def carry_out(plan: FinishPlan, monorepo: Monorepo) -> None:
    """Push the tag, and make sure that it and the candidate's are on one commit. Raises `AgoraError`."""
    before = monorepo.refs()
    last = before.release_tags.last_of(plan.version)
    if last != plan.candidate or before.tags[plan.candidate_tag] != plan.commit:
        now = _where(before, before.release_tags.tag(last)) if last else "gone"
        raise AgoraError(
            f"{plan.tag}: overtaken, the last candidate in {monorepo.name} is {now} by now",
            "Nothing was pushed. Run the same command again to plan anew.",
        )
    monorepo.push_tag(plan.tag, plan.commit)
    after = monorepo.refs()
    if {after.tags.get(plan.tag), after.tags.get(plan.candidate_tag)} != {plan.commit}:
        raise AgoraError(
            f"{plan.tag}: pushed, but {monorepo.name} now has "
            f"{_where(after, plan.tag)} and {_where(after, plan.candidate_tag)}",
            f"Both belong on {plan.commit[:12]}. Look at who or what changes tags in the monorepo.",
        )


def _where(refs: RemoteRefs, tag: str) -> str:
    return f"{tag} on {refs.tags[tag][:12]}" if tag in refs.tags else f"no {tag}"


def _parsed(text: str) -> Version:
    version = parse_version(text)
    if version is None:
        raise UsageError(f"version: not written as X.Y.Z, got {shown(text)}", "Name a release such as 4.2.0.")
    return version


def _finished(tag: str, found: str, candidate_tag: str, commit: str) -> AgoraError:
    if found == commit:
        return AgoraError(
            f"{tag}: finished already, on the same commit as {candidate_tag} ({commit[:12]})",
            f"There is nothing to tag. Go on with: {tool('release', 'promote', 'prod')}",
        )
    return AgoraError(
        f"{tag}: exists already, on {found[:12]} and not on {candidate_tag}'s commit {commit[:12]}",
        f"Tags are never moved. What has changed since is the next version, named by: {tool('release', 'next')}",
    )


def _not_staged(on_stage: Version, last: Version, refs: RemoteRefs) -> AgoraError:
    tags = refs.release_tags
    if on_stage.release != last.release:
        return UsageError(
            f"{last.release}: stage's form names {on_stage}, which is not of that release",
            f"prod may only run what stage has run: bring {last} to stage first, or finish {on_stage.release}.",
        )
    if on_stage not in tags.versions:
        return AgoraError(
            f"stage: its form names {on_stage}, for which the monorepo has no tag {tags.tag(on_stage)}",
            f"The last candidate there is {last}. Look at GHCR_PACKAGE_VERSION of stage in app.py.",
        )
    return AgoraError(
        f"stage: its form names {on_stage}, an earlier candidate than the last, {last}",
        f"Bring {last} to stage and look at it first: {tool('release', 'pin', last)}",
    )
