"""Real git repositories in a temporary folder, whatever git is set to on the machine."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from portside.git import git

_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def use_own_settings(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Let git see an empty HOME and a test author during a test."""
    monkeypatch.setenv("HOME", str(home))
    for name, value in _SETTINGS.items():
        monkeypatch.setenv(name, value)


def bare(path: Path) -> Path:
    """A new bare repository without a commit."""
    path.mkdir(parents=True)
    git("init", "--quiet", "--bare", "--initial-branch=main", folder=path)
    return path


def commit(repository: Path, subject: str, *, branch: str = "main", content: str = "") -> str:
    """A new commit at the head of a branch, made without a worktree; it has one file."""
    ref = f"refs/heads/{branch}"
    blob = git("hash-object", "-w", "--stdin", folder=repository, stdin=(content or subject).encode())
    tree = git("mktree", folder=repository, stdin=f"100644 blob {blob}\tfile\n".encode())
    parent = git("for-each-ref", "--format=%(objectname)", ref, folder=repository)
    made = git("commit-tree", tree, *(["-p", parent] if parent else []), "-m", subject, folder=repository)
    git("update-ref", ref, made, folder=repository)
    return made


def monorepo(path: Path, *tags: str) -> Path:
    """A bare repository with a commit on main that has these tags, and one more commit after it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(_monorepo(tags), path)
    return path


@functools.cache
def _monorepo(tags: tuple[str, ...]) -> Path:
    """Made once in a test process, by a dozen runs of git, and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="monorepo-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    remote = bare(folder / "monorepo.git")
    tag(remote, commit(remote, "Release this"), *tags)
    commit(remote, "Show the evidence")
    return remote


def tag(repository: Path, target: str, *names: str) -> None:
    """Lightweight tags, as many as one likes at once."""
    lines = "".join(f"create refs/tags/{name} {target}\n" for name in names)
    git("update-ref", "--stdin", folder=repository, stdin=lines.encode())


def annotated_tag(repository: Path, target: str, name: str) -> None:
    git("tag", "--annotate", "--message", "A tag with a message", name, target, folder=repository)


def clone(remote: Path | str, path: Path, *, remote_name: str = "origin") -> Path:
    """A working clone."""
    git("clone", "--quiet", "--origin", remote_name, "--", str(remote), str(path))
    return path


def head(repository: Path, branch: str = "main") -> str:
    return git("rev-parse", f"refs/heads/{branch}", folder=repository)


def refs(repository: Path) -> dict[str, str]:
    """Every ref and what it is on; a tag object is not followed."""
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", folder=repository).split("\n")
    return dict(line.split(" ", 1) for line in lines if line)


def hook(repository: Path, name: str, *lines: str) -> None:
    """A hook of a repository: a shell script."""
    folder = Path(git("rev-parse", "--absolute-git-dir", folder=repository)) / "hooks"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join(["#!/bin/sh", *lines, ""]))
    (folder / name).chmod(0o755)
