"""Commits and branches of this repository, created without touching the worktree."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portside.config.mistakes import quoted
from portside.errors import UsageError, UserError
from portside.git import GitFailed, git, git_bytes
from portside.json_fields import JsonFields

_FILE, _PROGRAM = "100644", "100755"


@dataclass(frozen=True)
class Commit(JsonFields):
    """A branch and the commit that it points to. `files` are those that differ from `base_id`."""

    branch: str
    commit: str
    base: str
    files: tuple[str, ...]
    is_new: bool
    """Whether it was made now, and not by an earlier run."""


@dataclass(frozen=True)
class BaseRef(JsonFields):
    """The head of a branch at the remote, or here if there is no remote."""

    branch: str
    ref: str
    commit: str
    remote: str | None
    unpushed: int = 0
    """How many commits the local branch of the same name has that the remote's has not."""
    unreached: str = ""
    """Why the remote could not be asked; the branch is then as it was fetched last."""

    @property
    def sentence(self) -> str:
        """A sentence about the branch that was read."""
        where = (
            f"{self.branch} of {self.remote}" if self.remote else f"{self.branch} of this clone, which has no remote"
        )
        if self.unreached:
            return f"Read {where} as it was fetched last, at {self.commit[:7]}: {self.unreached}"
        return f"Read {where} at {self.commit[:7]}."


def commit_files(repository: Path, *, base: str, branch: str, files: Mapping[str, bytes], message: str) -> Commit:
    """A new branch with one commit on top of `base`, in which files have a new content, by path from the root.

    Worktree, index and current branch stay as they are, and no hooks run. A branch that has this very change already
    is returned as it is. Raises `UsageError` where the branch is taken or there is nothing to change.
    """
    check_branch_name(repository, branch)
    base_id = commit_of(repository, base)
    tree = _tree_with(repository, base_id, files)
    changed = _changed(repository, base_id, tree)
    if not changed:
        raise UsageError(f"nothing to change: {base} already has this content of {', '.join(files)}")
    if unasked := [path for path in changed if path not in files]:
        raise UsageError(
            f"{', '.join(files)} cannot be written: {unasked[0]} has the same path in {base}",
            "Move it, or remove it in a separate commit.",
        )
    existing = existing_branch(repository, branch)
    if existing is None:
        commit_id = _commit(repository, tree, base_id, message)
        make_branch(repository, branch, commit_id)
        return Commit(branch, commit_id, base_id, tuple(changed), is_new=True)
    parent = _base_of_same_change(repository, existing, base_id, tree, changed)
    if parent is None:
        raise taken(branch, existing)
    return Commit(branch, existing, parent, tuple(changed), is_new=False)


def base_of(repository: Path, branch: str) -> BaseRef:
    """The head of a branch at the remote, fetched now, or the last fetched one if the remote is unreachable.

    Raises `UsageError` if the branch does not exist, `UserError` if it was never fetched and the remote is unreachable.
    """
    check_branch_name(repository, branch)
    local = existing_branch(repository, branch)
    remote = remote_of(repository)
    if remote is None:
        if local is None:
            raise UsageError(f"no branch {quoted(branch)} in this repository, which has no remote", _clone_hint(branch))
        return BaseRef(branch, f"refs/heads/{branch}", local, None)
    ref = f"refs/remotes/{remote}/{branch}"
    unreached = ""
    try:
        git(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
            *("--", remote, f"+refs/heads/{branch}:{ref}"),
            folder=repository,
        )
    except GitFailed as error:
        if "couldn't find remote ref" in error.said:
            hint = (
                f"Push it: git push {remote} {branch}" if local else f"Make it there, or see: git branch -r {remote}/*"
            )
            raise UsageError(f"no branch {quoted(branch)} at {remote}", hint) from error
        unreached = f"{remote} cannot be reached to fetch {branch}: {error.message}"
        if _resolved(repository, ref) is None:
            raise UserError(
                unreached,
                error.hint or "Check the network and your rights to that repository, then run the command again.",
            ) from error
    commit_id = commit_of(repository, ref)
    unpushed = count_commits(repository, commit_id, local) if local else 0
    return BaseRef(branch, ref, commit_id, remote, unpushed, unreached)


def read_at(repository: Path, ref: str, path: str) -> bytes | None:
    """The content of a file in a commit, None where it has no such file. Raises `UsageError` for an unknown commit."""
    mode, blob = _entry_at(repository, commit_of(repository, ref), path)
    return git_bytes("cat-file", "blob", blob, folder=repository) if mode in (_FILE, _PROGRAM) else None


def remote_of(repository: Path) -> str | None:
    """The shared remote: `upstream`, or `origin`, or the only one."""
    remotes = git("remote", folder=repository).splitlines()
    for name in ("upstream", "origin"):
        if name in remotes:
            return name
    if len(remotes) > 1:
        raise UsageError(
            f"this repository has the remotes {', '.join(remotes)}, none of them called upstream or origin",
            "Rename the shared remote: git remote rename NAME upstream",
        )
    return remotes[0] if remotes else None


def commit_of(repository: Path, ref: str) -> str:
    """The id of the commit that a ref names. Raises `UsageError` where it names none."""
    found = _resolved(repository, ref)
    if found is None:
        raise UsageError(f"no commit {quoted(ref)} in this repository", "See which there are: git branch --all")
    return found


def existing_branch(repository: Path, branch: str) -> str | None:
    """The commit of a local branch, None where there is no such branch."""
    return _resolved(repository, f"refs/heads/{branch}")


def count_commits(repository: Path, without: str, reached_from: str) -> int:
    """How many commits are reached from one, but not from another."""
    return int(git("rev-list", "--count", f"{without}..{reached_from}", folder=repository))


def check_branch_name(repository: Path, branch: str) -> None:
    """Raises `UsageError` where a text is no name for a branch."""
    try:
        # git answers with another name where it takes the text for a shorthand, such as @{-1}.
        is_name = git("check-ref-format", "--branch", branch, folder=repository) == branch
    except GitFailed:
        is_name = False
    if not is_name:
        raise UsageError(f"not a name for a branch, got {quoted(branch)}", "Use letters, digits, hyphens and slashes.")


def make_branch(repository: Path, branch: str, commit_id: str) -> None:
    """Create a branch at a commit. Raises `UsageError` if a branch of its name, or of a part of its name, exists."""
    try:
        # The empty old value makes git refuse a ref that exists by now.
        _unhooked("update-ref", f"refs/heads/{branch}", commit_id, "", repository=repository)
    except GitFailed as error:
        if (existing := existing_branch(repository, branch)) is not None:
            raise taken(branch, existing) from error
        said = error.said.removeprefix("fatal: ")
        raise UsageError(f"the branch {branch} cannot be made: {said}", _taken_hint(branch)) from error


def taken(branch: str, commit_id: str) -> UsageError:
    """The error for a branch that exists with another content."""
    return UsageError(f"the branch {branch} exists with another content, at {commit_id[:7]}", _taken_hint(branch))


def _taken_hint(branch: str) -> str:
    return f"Merge or delete it (git branch -D {branch}), or choose another name."


def _clone_hint(branch: str) -> str:
    return f"Make it (git branch {branch}), or name the remote that has it: git remote add origin ADDRESS"


def _resolved(repository: Path, ref: str) -> str | None:
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", folder=repository)
    except GitFailed as error:
        if error.said:
            raise
        return None


def _unhooked(
    *arguments: str, repository: Path, stdin: bytes | None = None, variables: Mapping[str, str] | None = None
) -> str:
    without_hooks = ("-c", f"core.hooksPath={os.devnull}")
    return git(*without_hooks, *arguments, folder=repository, stdin=stdin, variables=variables)


def _tree_with(repository: Path, base_id: str, files: Mapping[str, bytes]) -> str:
    """A tree with new contents for some files of a commit, created in a temporary index."""
    entries = b""
    for path, content in files.items():
        mode, _ = _entry_at(repository, base_id, path)
        if mode not in (_FILE, _PROGRAM, ""):
            raise UsageError(f"{path} is not a regular file in {base_id[:7]}", "Make it one in a separate commit.")
        blob = git("hash-object", "-w", "--stdin", folder=repository, stdin=content)
        entries += f"{mode or _FILE} {blob}\t{path}\0".encode()
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        _unhooked("read-tree", base_id, repository=repository, variables=index)
        _unhooked("update-index", "-z", "--index-info", repository=repository, stdin=entries, variables=index)
        return _unhooked("write-tree", repository=repository, variables=index)


def _entry_at(repository: Path, commit_id: str, path: str) -> tuple[str, str]:
    """Mode and object of a path in a commit, empty if it does not exist."""
    entry = git("ls-tree", "-z", "--full-tree", commit_id, "--", path, folder=repository)
    mode, _, rest = entry.partition(" ")
    return mode, rest.partition(" ")[2].partition("\t")[0]


def _changed(repository: Path, old: str, new: str) -> list[str]:
    listed = git("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new, folder=repository)
    return [path for path in listed.split("\0") if path]


def _base_of_same_change(repository: Path, existing: str, base_id: str, tree: str, changed: list[str]) -> str | None:
    """The parent of a commit that makes the same change to the base, or to an earlier base; None for others."""
    parents = git("rev-parse", f"{existing}^@", folder=repository).split()
    if len(parents) != 1 or count_commits(repository, base_id, parents[0]):
        return None
    if _changed(repository, parents[0], existing) != changed:
        return None
    is_same = all(_entry_at(repository, existing, path) == _entry_at(repository, tree, path) for path in changed)
    return parents[0] if is_same else None


def _commit(repository: Path, tree: str, base_id: str, message: str) -> str:
    # An author that git guesses from the machine's name is of no use.
    asking = ("-c", "user.useConfigOnly=true")
    try:
        for identity in ("AUTHOR", "COMMITTER"):
            git(*asking, "var", f"GIT_{identity}_IDENT", folder=repository)
    except GitFailed as error:
        hint = 'Set it: git config user.name "YOUR NAME" and git config user.email YOU@EXAMPLE.ORG'
        raise UsageError("git does not know the author of this commit", hint) from error
    text = message.rstrip("\n") + "\n"
    return git(*asking, "commit-tree", tree, "-p", base_id, folder=repository, stdin=text.encode())
