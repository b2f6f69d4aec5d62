"""Who acts on an environment, and from which commit of this repository."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from portside.aws.target import Target
from portside.config.configuration import ROOT
from portside.errors import UserError
from portside.git import git, git_bytes
from portside.images.committed_rules import NEVER_READ


@dataclass(frozen=True)
class Origin:
    """`commit` ends in `+changes` where templates may be made of what it lacks; it is None where git can't say.

    `changes` are the files that it lacks.
    """

    who: str
    commit: str | None
    changes: tuple[str, ...] = ()


def read_origin(target: Target) -> Origin:
    """In CI the person who started the run, and the run; elsewhere whose credentials act, or whose machine."""
    return Origin(_actor(target), *_commit())


def _actor(target: Target) -> str:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        actor, run = os.environ.get("GITHUB_ACTOR", "someone"), os.environ.get("GITHUB_RUN_ID", "unknown")
        return f"{actor} (GitHub run {run})"
    if target.caller:
        return target.caller
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a user without a name
        return f"user {os.getuid()}@{socket.gethostname()}"


def _commit() -> tuple[str | None, tuple[str, ...]]:
    try:
        commit = git("rev-parse", "HEAD", folder=ROOT)
        changes = tuple(uncommitted(ROOT))
    except UserError:
        return None, ()
    return f"{commit}+changes" if changes else commit, changes


def uncommitted(root: Path) -> list[str]:
    """The files of a clone that differ from its commit and that templates may be made of. Raises `GitFailed`.

    Only the repository's own .gitignore excludes a file, and no flag of the index hides one: other settings apply to
    this clone alone.
    """
    changed = git("status", "--porcelain", "-z", "--untracked-files=no", folder=root)
    # "H" is a file that git compares with the commit; others (assume-unchanged, skip-worktree) it takes as they are.
    flagged = [each[2:] for each in git("ls-files", "-v", "-z", folder=root).split("\0") if each and each[0] != "H"]
    untracked = git("ls-files", "--others", "--exclude-per-directory=.gitignore", "-z", folder=root)
    # An uncommitted .gitignore could hide other files, and itself.
    excuses = git("ls-files", "--others", "-z", "--", ":(glob)**/.gitignore", folder=root).split("\0")
    excused = _ignored_by_a_commit(root, excuses)
    found = [*untracked.split("\0"), *(each for each in excuses if _folder_of(each) not in excused)]
    read = [path for path in found if path and not _is_never_read(path)]
    return list(dict.fromkeys([*_paths_in(changed), *flagged, *_unlike_the_commit(root), *read]))


def _paths_in(status: str) -> Iterator[str]:
    """The paths in the answer of `git status -z`, where the former path of a renamed file follows the new one."""
    entries = iter(status.split("\0"))
    for entry in entries:
        if entry:
            yield entry[3:]
            if entry[0] in "RC":
                next(entries, "")


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _ignored_by_a_commit(root: Path, paths: Sequence[str]) -> set[str]:
    """The folders of these files that a .gitignore of the repository ignores, such as a virtual environment."""
    folders = {_folder_of(path) for path in paths} - {""}
    if not folders:
        return set()
    answer = git_bytes(
        *("check-ignore", "--no-index", "--verbose", "-z", "--stdin"),
        folder=root,
        stdin="\0".join(sorted(folders)).encode(),
        accepted=(0, 1),  # 1: none of them is ignored
    )
    fields = answer.decode(errors="replace").split("\0")
    tracked = set(git("ls-files", "-z", "--", ":(glob)**/.gitignore", folder=root).split("\0"))
    matches = zip(fields[::4], fields[2::4], fields[3::4], strict=False)
    return {folder for source, pattern, folder in matches if source in tracked and not pattern.startswith("!")}


def _unlike_the_commit(root: Path) -> list[str]:
    """The files that are not byte by byte what the commit has.

    `git status` can be made to overlook one, by a filter, a file monitor, ignored times or a replaced commit.
    """
    listed = git("ls-tree", "-r", "-z", "HEAD", folder=root, variables={"GIT_NO_REPLACE_OBJECTS": "1"}).split("\0")
    committed = {
        path: entry.split()[2]
        for entry, _, path in (each.partition("\t") for each in listed if each)
        if entry.startswith("100")
    }
    there = [path for path in committed if (root / path).is_file() and "\n" not in path]
    hashed = git("hash-object", "--no-filters", "--stdin-paths", folder=root, stdin="\n".join(there).encode())
    same = {path for path, id in zip(there, hashed.split(), strict=True) if committed[path] == id}
    return [path for path in committed if path not in same]


def _is_never_read(path: str) -> bool:
    """Whether no template depends on a file: documents, tests, what tools leave, and folders that are hidden."""
    return path.startswith(NEVER_READ) or (path[0] == "." and "/" in path) or path.endswith(".md")
