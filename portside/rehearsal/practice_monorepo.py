"""A monorepo to rehearse releases with: a bare git repository in this clone, and the job that publishes images."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from portside import state_file
from portside.aws.target import local_state_dir
from portside.config.configuration import Configuration
from portside.config.image_reference import parse_reference
from portside.config.release_source import ReleaseSource
from portside.emulator.client import control
from portside.emulator.client.process import LocalAws
from portside.errors import UserError
from portside.git import git
from portside.state_file import Damaged, set_aside
from portside.terminal.console import say

# The same author for every user.
_AUTHOR = {
    "GIT_AUTHOR_NAME": "Practice",
    "GIT_AUTHOR_EMAIL": "practice@localhost",
    "GIT_COMMITTER_NAME": "Practice",
    "GIT_COMMITTER_EMAIL": "practice@localhost",
}


def practice_monorepo(source: ReleaseSource, versions: Iterable[str]) -> Path:
    """The repository, made on first use with one commit that carries the tags of these versions."""
    repository = local_state_dir() / "monorepo.git"
    if repository.exists() and not _is_whole(repository, source.branch):
        damaged = Damaged(repository, "the practice monorepo", f"git finds no branch {source.branch} in it", "")
        say(f"{set_aside(damaged, repository)}. It is made again, with the released versions alone.", "yellow")
    if not repository.exists():
        making = repository.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        git("init", "--quiet", "--template=", "--bare", f"--initial-branch={source.branch}", folder=making)
        commit = _commit(making, source.branch, "The application as it was first released", parent=None)
        for version in dict.fromkeys(versions):
            git("update-ref", f"refs/tags/{source.tag_prefix}/v{version}", commit, folder=making)
        making.rename(repository)
    return repository


def _is_whole(repository: Path, branch: str) -> bool:
    if not repository.is_dir():
        return False
    try:
        # In a damaged folder git would look for another repository above it.
        git("--git-dir", str(repository), "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{tree}}")
    except UserError:
        return False
    return True


def practice_source(configuration: Configuration) -> ReleaseSource:
    """Where a rehearsal tags releases: as configured, but in the practice repository."""
    source = configuration.releases or ReleaseSource("", configuration.identity.app)
    versions = [configuration.environments[name].ghcr_package_version for name in configuration.released]
    return replace(source, repository=str(practice_monorepo(source, versions)))


def change(configuration: Configuration) -> str:
    """A merged change of the application: a new commit on the branch."""
    source = practice_source(configuration)
    repository = Path(source.repository)
    parent = git("rev-parse", f"refs/heads/{source.branch}", folder=repository)
    return _commit(repository, source.branch, "A change of the application", parent=parent)


def publish(aws: LocalAws, references: Sequence[str], tags: Sequence[str], commit: str) -> None:
    """Publish the images of a commit under these tags, as the monorepo's job does after a merge or a tag."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    names = dict.fromkeys(parsed.name for each in references if (parsed := parse_reference(each)))
    for name in names:
        control.publish_image(name, tags=[*tags, f"sha-{commit[:7]}"], commit=commit, created=now, aws=aws)


def forget() -> None:
    """Take the practice repository away; the next use makes another."""
    state_file.delete(local_state_dir() / "monorepo.git")


def _commit(repository: Path, branch: str, subject: str, *, parent: str | None) -> str:
    tree = git("hash-object", "-t", "tree", "-w", "--stdin", folder=repository, stdin=b"")
    parents = ["-p", parent] if parent else []
    commit = git("commit-tree", tree, *parents, "-m", subject, folder=repository, variables=_AUTHOR)
    git("update-ref", f"refs/heads/{branch}", commit, folder=repository)
    return commit
