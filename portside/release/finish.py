"""Finishing a release: mark the commit of the candidate that the staging environment runs as released."""

from __future__ import annotations

from dataclasses import dataclass

from portside.commands import tool
from portside.config.mistakes import shown
from portside.errors import UsageError, UserError
from portside.json_fields import JsonFields
from portside.release.monorepo import Monorepo, RemoteRefs
from portside.release.staged import Staged
from portside.release.version_tags import Version, parse_version


@dataclass(frozen=True)
class FinishPlan(JsonFields):
    """The tag to make, and the tag of the candidate that was proven, on whose commit it belongs."""

    tag: str
    version: Version
    candidate_tag: str
    candidate: Version
    commit: str
    subject: str | None
    """The first line of the commit's message, None where only the remote knows it."""
    ignored: str
    staged: Staged
    remark: str = ""
    """Other tags of this release."""


def plan_finish(monorepo: Monorepo, version: str | None, staged: Staged) -> FinishPlan:
    """Find what to mark as released: the candidate that the staging environment runs, though a later one be tagged.

    Raises `UsageError` for another version, and `UserError` where the tags forbid it or are on another commit.
    """
    refs = monorepo.refs()
    tags = refs.release_tags
    on_stage = _candidate_by_commit(refs, staged) if staged.is_footer else staged.version
    requested = on_stage if version is None else _parsed(version)
    finished = tags.finished_tag(requested)
    if finished in refs.tags and on_stage.release != requested.release:
        raise UserError(f"{finished}: finished already, on {refs.tags[finished][:12]}", "There is nothing to tag.")
    if requested not in (on_stage, on_stage.release):
        raise _not_staged(staged, on_stage, requested)
    candidate_tag = tags.tag(on_stage)
    commit = refs.tags.get(candidate_tag)
    if commit is None:
        last = tags.last_of(on_stage)
        raise UserError(
            f"{staged.environment} runs {on_stage}, for which {monorepo.name} has no tag {candidate_tag}",
            f"The last candidate of {on_stage.release} there is {last}."
            if last
            else f"Make one: {tool('release', 'cut')}",
        )
    if staged.commit is not None and not commit.startswith(staged.commit):
        raise UserError(
            f"{staged.environment} runs {on_stage} from commit {staged.commit[:12]}, but {candidate_tag} is on "
            f"{commit[:12]}",
            "Nothing was tagged. The images were built from another commit than the tag's, or the tag was moved: "
            f"cut another candidate: {tool('release', 'cut')}",
        )
    if finished in refs.tags:
        raise _finished(finished, refs.tags[finished], candidate_tag, commit)
    later = [tags.tag(each) for each in tags.versions if each.release == on_stage.release and each > on_stage]
    remark = f"Tagged since, and not what is finished: {', '.join(later)}." if later else ""
    subject = monorepo.subject(commit)
    return FinishPlan(
        finished, on_stage.release, candidate_tag, on_stage, commit, subject, tags.ignored, staged, remark
    )


def execute(plan: FinishPlan, monorepo: Monorepo) -> None:
    """Push the tag, and make sure that it and the candidate's are on one commit. Raises `UserError`."""
    before = monorepo.refs()
    if before.tags.get(plan.candidate_tag) != plan.commit:
        raise UserError(
            f"{plan.tag}: overtaken, {monorepo.name} has {_where(before, plan.candidate_tag)} by now",
            "Nothing was pushed. Run the same command again to plan again.",
        )
    monorepo.push_tag(plan.tag, plan.commit)
    after = monorepo.refs()
    if {after.tags.get(plan.tag), after.tags.get(plan.candidate_tag)} != {plan.commit}:
        raise UserError(
            f"{plan.tag}: pushed, but {monorepo.name} now has "
            f"{_where(after, plan.tag)} and {_where(after, plan.candidate_tag)}",
            f"Both belong on {plan.commit[:12]}. Find out who or what changes tags in the monorepo.",
        )


def _where(refs: RemoteRefs, tag: str) -> str:
    return f"{tag} on {refs.tags[tag][:12]}" if tag in refs.tags else f"no {tag}"


def _parsed(text: str) -> Version:
    version = parse_version(text)
    if version is None:
        raise UsageError(f"version: not written as X.Y.Z, got {shown(text)}", "Name a release such as 4.2.0.")
    return version


def _finished(tag: str, found: str, candidate_tag: str, commit: str) -> UserError:
    if found == commit:
        return UserError(
            f"{tag}: finished already, on the same commit as {candidate_tag} ({commit[:12]})",
            "There is nothing to tag. Go on with promoting it to production.",
        )
    return UserError(
        f"{tag}: exists already, on {found[:12]} and not on {candidate_tag}'s commit {commit[:12]}",
        f"Tags are never moved. What has changed since is the next version, named by: {tool('release', 'next')}",
    )


def _not_staged(staged: Staged, on_stage: Version, requested: Version) -> UserError:
    name = staged.environment
    return UsageError(
        f"{requested}: not what {name} runs, which is {on_stage}",
        f"prod can only run images that {name} ran healthy: deploy {requested} there first, or finish {on_stage}.",
    )


def _candidate_by_commit(refs: RemoteRefs, staged: Staged) -> Version:
    """The candidate of which the footer shows version and commit; the last one where several are on that commit."""
    tags, commit = refs.release_tags, staged.commit or ""
    own = [each for each in tags.versions if each.release == staged.version.release]
    found = [each for each in own if refs.tags[tags.tag(each)].startswith(commit)]
    if found:
        return max(found)
    there = [_where(refs, tags.tag(each)) for each in own]
    raise UserError(
        f"{staged.source}, but no tag of {staged.version.release} is on a commit {commit}",
        f"Tagged are {', '.join(there)}." if there else f"There is no tag {tags.tag(staged.version)}-rcN.",
    )
