"""Cutting a release candidate: tag the head of the monorepo's branch, and wait for the images of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from portside.commands import tool
from portside.config.mistakes import shown
from portside.errors import UsageError, UserError
from portside.json_fields import JsonFields
from portside.release.followed import Pace
from portside.release.monorepo import Monorepo, RemoteRefs
from portside.release.starting_point import StartingPoint, find_starting_point
from portside.release.version_tags import Part, ReleaseTags, Version, next_hot_fix, next_version, parse_version


@dataclass(frozen=True)
class CutPlan(JsonFields):
    """The tag to create, its commit, and the last tag."""

    tag: str
    version: Version
    commit: str
    subject: str | None
    """The first line of the commit's message, None where only the remote knows it."""
    last_tag: str | None
    ignored: str
    source: str
    """The source of the commit, such as `branch main`."""
    is_hot_fix: bool = False
    """Whether it was cut from something else than the head of the branch."""

    def as_json(self) -> dict[str, Any]:
        fields = super().as_json()
        return fields | {"from": fields.pop("source")}


@dataclass(frozen=True)
class NextTag(JsonFields):
    """The next tag, the last one there is, and a sentence about the tags that did not count."""

    tag: str
    version: Version
    last_tag: str | None
    ignored: str


def next_tag(monorepo: Monorepo, part: Part | None = None) -> NextTag:
    """The next tag by the tags of the monorepo's remote. Raises `UserError` where it cannot be read."""
    tags = monorepo.refs().release_tags
    version = next_version(tags, part)
    return NextTag(tags.tag(version), version, tags.last_tag, tags.ignored)


def plan_cut(
    monorepo: Monorepo,
    part: Part | None = None,
    version: str | None = None,
    *,
    start: str | None = None,
    again: bool = False,
) -> CutPlan:
    """Find what to tag; `again` allows another candidate of a commit that has one.

    `start` names an older release, a branch or a commit to cut from, by default the head of the monorepo's branch.
    Raises `UsageError` for a version that the rules do not allow, and `UserError` where there is nothing to release.
    """
    if part and version:
        raise UsageError(
            f"{version}: a version and the part to count up ({part}) exclude each other", "Leave one of them out."
        )
    refs = monorepo.refs()
    if start is not None:
        return _plan_hot_fix(monorepo, refs, find_starting_point(monorepo, refs, start), part, version, again=again)
    tags = refs.release_tags
    chosen = next_version(tags, part) if version is None else _allowed(version, refs, _choices(tags), tags.last_tag)
    monorepo.check_clone(refs)
    source = f"branch {monorepo.branch}"
    if not again:
        _refuse_released(refs, refs.head, source, "Merge what should be released first")
    subject = monorepo.subject(refs.head)
    return CutPlan(tags.tag(chosen), chosen, refs.head, subject, tags.last_tag, tags.ignored, source)


def _plan_hot_fix(
    monorepo: Monorepo,
    refs: RemoteRefs,
    start: StartingPoint,
    part: Part | None,
    version: str | None,
    *,
    again: bool,
) -> CutPlan:
    tags = refs.release_tags
    if part in ("minor", "major"):
        raise UsageError(
            f"--{part}: what is cut from {start.name} fixes {start.base.release}, which counts up the patch",
            "Omit it, or omit --from.",
        )
    following = next_hot_fix(tags, start.base)
    base = tags.tag(start.base) if start.base in tags.versions else tags.finished_tag(start.base)
    chosen = following if version is None else _allowed(version, refs, {following}, base)
    if not again:
        hint = f"Push the fix on a branch first: git switch -c hotfix/{chosen.release} {start.commit[:12]}, and then "
        _refuse_released(refs, start.commit, start.name, f"{hint}--from hotfix/{chosen.release}")
    subject = monorepo.subject(start.commit)
    return CutPlan(
        tags.tag(chosen),
        chosen,
        start.commit,
        subject,
        base,
        tags.ignored,
        start.name,
        is_hot_fix=True,
    )


def execute(plan: CutPlan, monorepo: Monorepo) -> None:
    """Push the tag. Raises `UserError` where it cannot be, or where the plan has been overtaken."""
    tags = monorepo.refs().release_tags
    last_tag = _last_of_fix(tags, plan) if plan.is_hot_fix else tags.last_tag
    if last_tag != plan.last_tag and plan.version not in tags.versions:
        raise UserError(
            f"{plan.tag}: overtaken, the last tag in {monorepo.name} is {last_tag} by now",
            "Nothing was pushed. Run the same command again to plan again.",
        )
    monorepo.push_tag(plan.tag, plan.commit)


def wait_for_images(
    plan: CutPlan,
    missing: Callable[[], Sequence[str]],
    report: Callable[[Sequence[str]], None],
    pace: Pace,
) -> None:
    """Poll until no image of the tag is missing, and report the missing ones whenever they change.

    Raises `UserError` with the names of those that are still missing when the time is over.
    """
    end = pace.clock() + pace.within_seconds
    reported: set[str] = set()
    while True:
        names = missing()
        if set(names) != reported:
            report(names)
            reported = set(names)
        if not names:
            return
        left = end - pace.clock()
        if left <= 0:
            raise UserError(
                f"{plan.tag}: not published within {pace.within_seconds:.0f} s: {', '.join(names)}",
                f"The tag is pushed. See the monorepo's release job for {plan.tag}; "
                f"once the images are published: {tool('release', 'pin', plan.version)}",
            )
        pace.sleep(min(pace.every_seconds, left))


def _last_of_fix(tags: ReleaseTags, plan: CutPlan) -> str | None:
    """Refuse a hot-fix if its release has a later candidate, or is finished."""
    if plan.version.release in tags.finished:
        return tags.finished_tag(plan.version)
    last = tags.last_of(plan.version)
    return tags.tag(last) if last is not None and last >= plan.version else plan.last_tag


def _allowed(text: str, refs: RemoteRefs, choices: set[Version], last_tag: str | None) -> Version:
    tags = refs.release_tags
    hint = f"Allowed: {', '.join(map(str, sorted(choices)))}."
    version = parse_version(text)
    if version is None:
        raise UsageError(f"version: not written as X.Y.Z-rcN, got {shown(text)}", hint)
    if version in tags.versions:
        tag = tags.tag(version)
        raise UsageError(f"{version}: its tag {tag} exists already, on {refs.tags[tag][:12]}", hint)
    if version.candidate is None:
        raise UsageError(f"{version}: only release candidates are cut", hint)
    if version not in choices:
        after = f"after {last_tag}" if last_tag else "as the first one"
        raise UsageError(f"{version}: not a version that may come {after}", hint)
    return version


def _choices(tags: ReleaseTags) -> set[Version]:
    return {next_version(tags, part) for part in get_args(Part)} | {next_version(tags)}


def _refuse_released(refs: RemoteRefs, commit: str, source: str, hint: str) -> None:
    tags = refs.release_tags
    carried = [tags.tag(version) for version in tags.versions if refs.tags[tags.tag(version)] == commit]
    if carried:
        raise UserError(
            f"{source}: nothing new to release, {commit[:12]} is {' and '.join(carried)} already",
            f"{hint}; --again makes another candidate of the same commit.",
        )
