"""Pinning a release: a lock file with its images, and its version in `app.py`, in one commit for review."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from portside.commands import tool
from portside.config.configuration import Configuration, load_configuration
from portside.config.image_reference import is_moving_tag, is_tag
from portside.config.mistakes import shown
from portside.errors import ConfigurationError, UsageError, UserError
from portside.extension import installed
from portside.images.failures import Kind, ResolutionFailed
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution, parse_resolution
from portside.images.resolved_image import one_commit, short_commit
from portside.images.synthesis_images import references_of
from portside.json_fields import JsonFields
from portside.release.branches import (
    BaseRef,
    Commit,
    base_of,
    commit_files,
    count_commits,
    existing_branch,
    read_at,
)
from portside.release.changelog_edit import with_entry
from portside.release.configuration_edit import versions_in, with_versions

# Without credentials a registry says the same of what is private and of what does not exist.
_NOT_PUBLISHED = {Kind.TAG_UNKNOWN, Kind.PACKAGE_UNKNOWN, Kind.TOKEN_NEEDED}

LookUp = Callable[[Sequence[str], str], Resolution]
"""Resolves references of a version to images."""


@dataclass(frozen=True)
class PinPlan(JsonFields):
    """The lock, the environments whose version changes, and the commit for review; a rehearsal makes no commit."""

    version: str
    lock: Resolution
    before: Mapping[str, str]
    changed: tuple[str, ...]
    remark: str
    base: BaseRef | None = None
    branch: str = ""
    files: Mapping[str, bytes] | None = None

    @property
    def title(self) -> str:
        """The first line of the commit, and the name of its pull request."""
        return f"Run {self.version} on {' and '.join(self.before)}"

    @property
    def message(self) -> str:
        """The message of the commit, and the text of its pull request."""
        images = "\n".join(f"- {reference}: {each.digest}" for reference, each in sorted(self.lock.images.items()))
        commit = self.lock.commit
        made_from = f"Its images were made from commit {commit}.\n\n" if commit else ""
        return f"{made_from}{images}\n"

    def as_json(self) -> dict[str, Any]:
        """The fields, with the names of the files."""
        return super().as_json() | {"files": sorted(self.files or {})}


def check_version(version: str) -> None:
    """Raise `UsageError` for what cannot be the version of a release."""
    if not is_tag(version):
        raise UsageError(f"not the tag of an image, got {shown(version)}", 'Name a release such as "4.2.0-rc2".')
    if is_moving_tag(version):
        raise UsageError(
            f"a tag that moves can't be pinned, got {shown(version)}", "Name a release, such as 4.2.0-rc2."
        )


def plan_pin(repository: Path, version: str, look_up: LookUp, *, into: str, only: str | None = None) -> PinPlan:
    """The changes of pinning a version on top of `into`, the base branch of its pull request.

    It is pinned for every environment that runs releases, or `only` for one: a hot-fix, which leaves the changelog to
    the branch that it is merged back to. The lock is made also where the configuration names the version already.
    Raises `UserError` where images are missing, or are not of one commit, or differ from an earlier lock.
    """
    check_version(version)
    base = base_of(repository, into)
    source = _existing(repository, base, "app.py")
    names = _names(configuration_at(source, repository, {}, acting_on=()), only)
    configuration = configuration_at(source, repository, dict.fromkeys(names, version), acting_on=names)
    before = {name: written for name, written in versions_in(source).items() if name in names}
    edited = with_versions(source, dict.fromkeys(names, version))
    lock = look_up_release(configuration, version, look_up, names)
    lock_path = f"releases/{lock_name(version)}"
    earlier = read_at(repository, base.ref, lock_path)
    if earlier is not None:
        _check_unmoved(lock, _parse_earlier(earlier, lock_path, into), lock_path)
    files = {lock_path: lock.written().encode(), "app.py": edited}
    if only is None:
        files["CHANGELOG.md"] = with_entry(read_at(repository, base.ref, "CHANGELOG.md") or b"", _entry(names, lock))
    changed = tuple(name for name, written in before.items() if written != version)
    branch = _free_branch(repository, base, f"release/{version}" + (f"-{only}" if only else ""))
    said = remark(lock, installed().released_images(configuration, names))
    return PinPlan(version, lock, before, changed, said, base, branch, files)


def plan_rehearsed_pin(
    configuration: Configuration, version: str, before: Mapping[str, str], look_up: LookUp, only: str | None = None
) -> PinPlan:
    """The pin of a rehearsal, which writes nothing to the repository. `configuration` has the version already."""
    check_version(version)
    names = _names(configuration, only)
    lock = look_up_release(configuration, version, look_up, names)
    changed = tuple(name for name, written in before.items() if written != version)
    return PinPlan(version, lock, before, changed, remark(lock, installed().released_images(configuration, names)))


def look_up_release(configuration: Configuration, version: str, look_up: LookUp, names: Sequence[str]) -> Resolution:
    """All images of a configuration with the version in these environments. They must be of one commit.

    The image that loads data is among them where it is published.
    """
    references = list(dict.fromkeys(each for name in names for each in references_of(configuration.services_of(name))))
    lock = _look_up_with(look_up, references, installed().released_images(configuration, names), version)
    commits: dict[str, list[str]] = {}
    for image in lock.images.values():
        if image.tag == version and image.commit:
            commits.setdefault(image.commit, []).append(image.name.rpartition("/")[2])
    if commits and one_commit(commits) is None:
        listed = "; ".join(f"{', '.join(names)} of {short_commit(commit)}" for commit, names in commits.items())
        raise UserError(
            f"the images tagged {version} are not of one commit: {listed}",
            "A release is built from one commit: look at the job that published them.",
        )
    return lock


def execute(repository: Path, plan: PinPlan) -> Commit:
    """Commit it on its branch; nothing else of the repository changes."""
    assert plan.base is not None
    message = f"{plan.title}\n\n{plan.message}"
    return commit_files(repository, base=plan.base.ref, branch=plan.branch, files=plan.files or {}, message=message)


def _look_up_with(look_up: LookUp, references: Sequence[str], loaders: Sequence[str], version: str) -> Resolution:
    """The images of references, and of loaders that are published."""
    try:
        return look_up([*references, *(each for each in loaders if each not in references)], version)
    except ResolutionFailed as failed:
        if not set(failed.failures) <= set(loaders) - set(references) or not failed.kinds <= _NOT_PUBLISHED:
            raise
        return look_up(references, version)


def remark(lock: Resolution, loaders: Sequence[str] = ()) -> str:
    """Remarks on a lock for its reviewer."""
    unknown = [image.name.rpartition("/")[2] for image in lock.images.values() if image.commit is None]
    missing = [each for each in loaders if each not in lock.images]
    remarks = [f"The commit of {', '.join(unknown)} is unknown."] if unknown else []
    remarks += [f"{each} is not published, so load-data can't run it in production." for each in missing]
    return "\n".join(remarks)


def _names(configuration: Configuration, only: str | None) -> tuple[str, ...]:
    """The environments to pin for. Raises `UsageError` where none of them runs releases."""
    hint = "Pinning is for environments such as stage and prod."
    if not configuration.released:
        raise UsageError("no environment in app.py runs releases only", hint)
    if only is None:
        return configuration.released
    if not configuration.environment(only).is_released:
        raise UsageError(f"--only {only}: a development environment, which runs what it names without a lock", hint)
    return (only,)


def _entry(names: Sequence[str], lock: Resolution) -> str:
    said = f"{' and '.join(names)} {'run' if len(names) > 1 else 'runs'} {lock.version}"
    return f"{said} (monorepo commit {short_commit(lock.commit)})." if lock.commit else f"{said}."


def _free_branch(repository: Path, base: BaseRef, name: str) -> str:
    """The name of a branch for this pin: another one where a branch of the usual name was merged before."""
    existing = existing_branch(repository, name)
    if existing is not None and not count_commits(repository, base.commit, existing):
        return f"{name}-{base.commit[:7]}"
    return name


def _parse_earlier(content: bytes, path: str, into: str) -> Resolution:
    """The existing lock, None if it cannot be read."""
    try:
        return parse_resolution(content.decode(errors="replace"), path)
    except ConfigurationError as error:
        hint = f"Correct or remove it in a separate commit to {into}."
        raise ConfigurationError(replace(problem, hint=hint) for problem in error.problems) from error


def _check_unmoved(lock: Resolution, earlier: Resolution, path: str) -> None:
    """Refuse to overwrite a lock if a tag of the release now has another image."""
    if earlier.stand_in:
        return
    moved = [
        f"{reference}: was {earlier.images[reference].digest}, is {image.digest}"
        for reference, image in lock.images.items()
        if reference in earlier.images and earlier.images[reference].digest != image.digest
    ]
    if moved:
        raise UserError(
            "\n  ".join([f"{path}: tags have moved since it was written", *moved]),
            f"A release never changes. Cut another candidate: {tool('release', 'cut')}",
        )


def _existing(repository: Path, base: BaseRef, path: str) -> bytes:
    content = read_at(repository, base.ref, path)
    if content is None:
        raise UsageError(f"{base.ref} has no {path}", "Check that it is a branch of this repository.")
    return content


def configuration_at(
    source: bytes, repository: Path, versions: Mapping[str, str], *, acting_on: Collection[str]
) -> Configuration:
    """The configuration of a commit, which can differ from the worktree's, with other versions."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "app.py"
        path.write_bytes(source)
        return load_configuration(path, versions=versions, root=repository, acting_on=acting_on)
