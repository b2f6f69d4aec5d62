"""A small git repository in the shape of this project, with a bare origin, for tests."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portside.git import git

APP = """\
ENVIRONMENTS = {
    "dev": {"GHCR_PACKAGE_VERSION": "edge"},
    "stage": {"GHCR_PACKAGE_VERSION": "4.2.0-rc2"},
    "prod": {"GHCR_PACKAGE_VERSION": "4.2.0-rc2"},
}
"""
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Everything.\n"

# The machine's or the user's git configuration must not affect a test.
_NOBODYS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_SETTINGS = {"user.name": "A Person", "user.email": "person@example.org", "commit.gpgSign": "false"}
_TIME = "2026-11-23T12:00:00+00:00"


@dataclass(frozen=True)
class Repository:
    """A clone with the branches dev (checked out), stage and prod, all at one commit and all pushed to `origin`."""

    path: Path
    origin: Path

    def git(self, *arguments: str) -> str:
        return git(*arguments, folder=self.path, variables=_NOBODYS | {"GIT_COMMITTER_DATE": _TIME})

    def at_origin(self, branch: str) -> str:
        """The commit of a branch of the origin, empty if it does not exist."""
        return git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}", folder=self.origin)

    def commit(self, branch: str, files: Mapping[str, str], subject: str, *, push: bool = True) -> str:
        """A commit on top of a branch, by way of the worktree, which is on dev again afterwards."""
        self.git("checkout", "--quiet", branch)
        for name, content in files.items():
            file = self.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.git("add", "--", *files)
        self.git("commit", "--quiet", "--no-verify", "--message", subject)
        if push:
            self.git("push", "--quiet", "origin", branch)
        commit_id = self.git("rev-parse", "HEAD")
        self.git("checkout", "--quiet", "dev")
        return commit_id

    def state(self) -> tuple[str, ...]:
        """The user's view of worktree, index and current branch."""
        files = sorted(str(each) for each in self.path.iterdir())
        index = self.git("ls-files", "--stage")
        return (self.git("symbolic-ref", "HEAD"), self.git("status", "--porcelain"), index, *files)


def make_repository(folder: Path) -> Repository:
    """Put the repository and its origin into a folder."""
    original = _original()
    copy = Repository(folder / original.path.name, folder / original.origin.name)
    shutil.copytree(original.path, copy.path)
    shutil.copytree(original.origin, copy.origin)
    copy.git("remote", "set-url", "origin", str(copy.origin))
    # Copies are other files to git until it has looked at them.
    copy.git("update-index", "--refresh")
    return copy


@functools.cache
def _original() -> Repository:
    """Made once in a test process, by twenty runs of git, and copied for each test."""
    folder = Path(tempfile.mkdtemp(prefix="repository-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Repository(folder / "agora-infra", folder / "origin.git")
    git("init", "--quiet", "--template=", "--initial-branch=dev", str(made.path), variables=_NOBODYS)
    for name, value in _SETTINGS.items():
        made.git("config", name, value)
    (made.path / "app.py").write_text(APP)
    (made.path / "CHANGELOG.md").write_text(CHANGELOG)
    (made.path / "agora").write_text("#!/bin/sh\n")
    (made.path / "agora").chmod(0o755)
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "Start")
    made.git("branch", "stage")
    made.git("branch", "prod")
    git("init", "--quiet", "--template=", "--bare", "--initial-branch=dev", str(made.origin), variables=_NOBODYS)
    made.git("remote", "add", "origin", str(made.origin))
    made.git("push", "--quiet", "origin", "dev", "stage", "prod")
    return made


def add_hook(repository: Path, name: str, script: str) -> None:
    """A hook that git runs in a repository, bare or not."""
    hooks = (repository if (repository / "objects").is_dir() else repository / ".git") / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / name).write_text(f"#!/bin/sh\n{script}\n")
    (hooks / name).chmod(0o755)
