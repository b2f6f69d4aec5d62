"""Merging one branch into another: the effect, and a branch with exactly that."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from portside.errors import UserError
from portside.git import GitFailed, git, git_bytes
from portside.json_fields import JsonFields
from portside.release.branches import (
    BaseRef,
    Commit,
    base_of,
    check_branch_name,
    existing_branch,
    make_branch,
    taken,
)

_MOST_COMPARED = 50


@dataclass(frozen=True)
class Merge(JsonFields):
    """The effect of merging `source` into `target`."""

    source: BaseRef
    target: BaseRef
    commits: tuple[tuple[str, str], ...]
    """Short id and subject of each commit that the target has not, newest first."""
    files: tuple[str, ...]
    """The paths that differ in the target afterwards."""
    conflicts: tuple[str, ...] | None
    """The paths to merge by hand; None if this version of git cannot tell."""

    @property
    def nothing(self) -> bool:
        """Whether the target has every commit of the source already."""
        return not self.commits

    def as_json(self) -> dict[str, Any]:
        """The fields, and whether there is nothing to merge."""
        commits = [{"commit": commit, "subject": subject} for commit, subject in self.commits]
        return super().as_json() | {"commits": commits, "nothing": self.nothing}


def plan_merge(repository: Path, source: str, target: str) -> Merge:
    """The effect of merging a branch into another, both as they are at the remote now."""
    ours, theirs = base_of(repository, target), base_of(repository, source)
    _check_related(repository, ours, theirs)
    commits = _commits(repository, ours.commit, theirs.commit)
    tree, conflicts = _merged(repository, ours.commit, theirs.commit)
    span = [ours.commit, tree] if tree else [f"{ours.commit}...{theirs.commit}"]
    files = git("diff", "-z", "--name-only", "--no-renames", "--no-ext-diff", *span, "--", folder=repository)
    return Merge(theirs, ours, commits, _parts(files), conflicts)


@dataclass(frozen=True)
class Squash:
    """A commit of the target that has the content of one of the source's, but not its history."""

    commit: str
    content_of: str


def find_squash(repository: Path, merge: Merge) -> Squash | None:
    """Whether an earlier merge of the source was squashed: its commits are not in the target, their content is.

    Compares the commits of each since their merge base: the same tree, or the same change in one commit as in
    all of the source's up to some commit.
    """
    ours, theirs = merge.target.commit, merge.source.commit
    parted = git("merge-base", ours, theirs, folder=repository)
    squashed, promoted = _trees(repository, parted, ours), _trees(repository, parted, theirs)
    by_tree = {tree: commit for commit, tree in reversed(promoted)}
    for commit, tree in squashed:
        if tree in by_tree:
            return Squash(commit, by_tree[tree])
    changes = {_change(repository, parted, commit): commit for commit, _ in reversed(promoted[:_MOST_COMPARED])}
    for commit, _ in squashed[:_MOST_COMPARED]:
        if (change := _change(repository, f"{commit}^", commit)) and change in changes:
            return Squash(commit, changes[change])
    return None


def _trees(repository: Path, since: str, until: str) -> list[tuple[str, str]]:
    """Commits and their whole contents, newest first; merges are none of what squashing makes."""
    lines = git("log", "--no-merges", "--format=%H %T", f"{since}..{until}", "--", folder=repository).splitlines()
    return [(commit, tree) for commit, _, tree in (line.partition(" ") for line in lines)]


def _change(repository: Path, before: str, after: str) -> str:
    """The patch id of a change, empty if nothing changes."""
    patch = git_bytes("diff", "--no-ext-diff", "--no-textconv", before, after, "--", folder=repository)
    return git("patch-id", "--stable", folder=repository, stdin=patch).partition(" ")[0]


def prepare_branch(repository: Path, merge: Merge, branch: str) -> Commit:
    """A branch at the source's commit as it was planned, so that nothing is merged that was not shown.

    A branch that is there already is returned as it is. Raises `UsageError` where it is at another commit.
    """
    check_branch_name(repository, branch)
    commit_id, existing = merge.source.commit, existing_branch(repository, branch)
    if existing is None:
        make_branch(repository, branch, commit_id)
    elif existing != commit_id:
        raise taken(branch, existing)
    return Commit(branch, commit_id, merge.target.commit, merge.files, is_new=existing is None)


def _check_related(repository: Path, ours: BaseRef, theirs: BaseRef) -> None:
    try:
        git("merge-base", ours.commit, theirs.commit, folder=repository)
    except GitFailed as error:
        if error.said:
            raise
        raise UserError(
            f"{theirs.branch} and {ours.branch} have no common commit",
            "Where this clone is a shallow one, fetch the rest of its history: git fetch --unshallow",
        ) from error


def _commits(repository: Path, ours: str, theirs: str) -> tuple[tuple[str, str], ...]:
    written = git(
        *("log", "-z", "--date-order", "--format=%h %s", "--encoding=UTF-8", "--no-show-signature", "--no-color"),
        f"{ours}..{theirs}",
        folder=repository,
    )
    lines = (line.partition(" ") for line in _parts(written))
    return tuple((commit, subject) for commit, _, subject in lines)


def _merged(repository: Path, ours: str, theirs: str) -> tuple[str | None, tuple[str, ...] | None]:
    """The tree after the merge and the paths in conflict, both None where git is too old to tell."""
    try:
        # Read from stdin git does not count conflicts as a failure.
        # https://git-scm.com/docs/git-merge-tree: status, tree, conflicts, and an empty part at the end
        written = git(
            *("merge-tree", "--write-tree", "--stdin", "--name-only", "--no-messages"),
            folder=repository,
            stdin=f"{ours} {theirs}\n".encode(),
        )
    except GitFailed as error:
        if "usage: git merge-tree" in error.said:
            return None, None
        raise
    _, tree, *conflicts = written.split("\0")
    return tree, tuple(takewhile(bool, conflicts))


def _parts(written: str) -> tuple[str, ...]:
    return tuple(part for part in written.split("\0") if part)
