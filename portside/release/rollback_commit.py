"""The commit that writes a rollback to `app.py`, so that the next deployment does not undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portside.config.environment import Environment
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution, parse_resolution
from portside.release.branches import BaseRef, Commit, base_of, commit_files, read_at
from portside.release.changelog_edit import with_entry
from portside.release.configuration_edit import versions_in, with_versions


@dataclass(frozen=True)
class RollbackCommit:
    """A commit on top of the environment's branch."""

    environment: str
    version: str
    base: BaseRef
    branch: str
    files: Mapping[str, bytes]

    @property
    def title(self) -> str:
        """The first line of the commit, and the name of its pull request."""
        return f"Roll {self.environment} back to {self.version}"

    def as_json(self) -> dict[str, Any]:
        """Where it is made, and what it changes."""
        return {"branch": self.branch, "base": self.base.as_json(), "title": self.title, "files": sorted(self.files)}


def plan_rollback_commit(repository: Path, environment: Environment, images: Resolution) -> RollbackCommit | None:
    """The commit after which `app.py`, and the lock of a release, name these images; None if they do already.

    Raises `UserError` if the branch, `app.py` or the lock cannot be read.
    """
    base, name = base_of(repository, environment.branch), environment.name
    source = read_at(repository, base.ref, "app.py") or b""
    files = {}
    if versions_in(source).get(name) != images.version:
        files["app.py"] = with_versions(source, {name: images.version})
    path = f"releases/{lock_name(images.version)}"
    written = read_at(repository, base.ref, path)
    lock = _lock_with(images, written, path) if environment.is_released else None
    if lock is not None:
        files[path] = lock
    if not files:
        return None
    changelog = read_at(repository, base.ref, "CHANGELOG.md") or b""
    files["CHANGELOG.md"] = with_entry(changelog, f"{name} is rolled back to {images.version}.")
    # A branch of an earlier rollback to this version, long merged, may still be there.
    branch = f"rollback/{name}-{images.version}-{base.commit[:7]}"
    return RollbackCommit(name, images.version, base, branch, files)


def _lock_with(images: Resolution, written: bytes | None, path: str) -> bytes | None:
    """The lock of a release with these images added; None if it has them."""
    if written is None:
        return images.written().encode()
    lock = parse_resolution(written.decode(errors="replace"), path)
    if _digests(images).items() <= _digests(lock).items():
        return None
    return replace(images, images={**lock.images, **images.images}).written().encode()


def _digests(images: Resolution) -> dict[str, str]:
    return {reference: image.digest for reference, image in images.images.items()}


def execute(repository: Path, plan: RollbackCommit) -> Commit:
    """Commit it on its branch; nothing else of the repository changes."""
    message = f"{plan.title}\n\nIt runs that version again; this keeps the next deployment from undoing it.\n"
    return commit_files(repository, base=plan.base.ref, branch=plan.branch, files=plan.files, message=message)
