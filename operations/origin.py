"""Who acts on an environment, and from which commit of this repository."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from operations.git import git
from operations.target import Target
from src.errors import AgoraError
from src.form import ROOT

_NEVER_READ = ("benchmarks/", "cdk.out/", "docs/", "node_modules/", "tests/")


@dataclass(frozen=True)
class Origin:
    """`commit` ends in `+changes` where templates may be made of what it lacks; it is None where git can't say."""

    who: str
    commit: str | None


def read_origin(target: Target) -> Origin:
    """In CI the person who started the run, and the run; elsewhere whose credentials act, or whose machine."""
    return Origin(_who(target), _commit())


def _who(target: Target) -> str:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        actor, run = os.environ.get("GITHUB_ACTOR", "somebody"), os.environ.get("GITHUB_RUN_ID", "unknown")
        return f"{actor} (GitHub run {run})"
    if target.caller:
        return target.caller
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a user without a name
        return f"user {os.getuid()}@{socket.gethostname()}"


def _commit() -> str | None:
    try:
        commit = git("rev-parse", "HEAD", folder=ROOT)
        return f"{commit}+changes" if uncommitted(ROOT) else commit
    except AgoraError:
        return None


def uncommitted(root: Path) -> list[str]:
    """The files of a clone that differ from its commit and that templates may be made of. Raises `GitFailed`.

    Only the repository's own .gitignore excuses a file, and no flag of the index hides one: both could be set by a
    person for this clone alone.
    """
    changed = git("status", "--porcelain", "-z", "--untracked-files=no", folder=root)
    # "H" is a file that git compares with the commit; others (assume-unchanged, skip-worktree) it takes as they are.
    flagged = [each[2:] for each in git("ls-files", "-v", "-z", folder=root).split("\0") if each and each[0] != "H"]
    untracked = git("ls-files", "--others", "--exclude-per-directory=.gitignore", "-z", folder=root)
    # One that no commit has could hide the others, and itself.
    excuses = git("ls-files", "--others", "-z", "--", ":(glob)**/.gitignore", folder=root)
    read = [path for path in f"{untracked}\0{excuses}".split("\0") if path and not _is_never_read(path)]
    found = [each[3:] for each in changed.split("\0") if each] + flagged + _unlike_the_commit(root) + read
    return list(dict.fromkeys(found))


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
    return path.startswith(_NEVER_READ) or (path[0] == "." and "/" in path) or path.endswith(".md")
