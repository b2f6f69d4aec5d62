"""The lock of a release: which images it is made of, written down in the repository for reviewers to see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from portside.commands import tool
from portside.config.configuration import ROOT
from portside.config.mistakes import Report, quoted
from portside.errors import ConfigurationError, UsageError
from portside.images.resolution import Resolution, read_resolution
from portside.images.resolved_image import PLATFORM

RELEASES = ROOT / "releases"


def lock_name(version: str) -> str:
    """The file of a version's lock."""
    return f"{version}.json"


def find_lock(version: str, folders: Sequence[Path] = (RELEASES,)) -> Resolution | None:
    """The lock of a version in the first folder that has one. Raises `ConfigurationError` for one that is malformed."""
    for folder in folders:
        path = folder / lock_name(version)
        lock = read_resolution(path)
        if lock is not None:
            if lock.version != version:
                hint = f"Write it again: {tool('release', 'pin', version, local=False)}"
                raise UsageError(f'releases/{path.name}["version"]: not that of its file, got "{lock.version}"', hint)
            return lock
    return None


def require_lock(environment: str, version: str, references: Iterable[str], folders: Sequence[Path]) -> Resolution:
    """The lock of the version that an environment runs, with exactly the images that its services name.

    Raises `UsageError` where there is none, or where it lacks images or has some that cannot run.
    """
    make = f"Make it: {tool('release', 'pin', version, local=False)}"
    lock = find_lock(version, folders)
    if lock is None:
        where = f'ENVIRONMENTS["{environment}"]["GHCR_PACKAGE_VERSION"]'
        raise UsageError(f'{where}: releases/{lock_name(version)} is missing, got "{version}"', make)
    report = Report(f'releases/{lock_name(version)}["images"]')
    wanted = list(references)
    if missing := lock.without(wanted):
        report.wrong(f"says nothing about {', '.join(missing)}", make)
    for reference, image in lock.images.items():
        if image.platform != PLATFORM:
            place = report.at(f'[{quoted(reference)}]["platform"]')
            place.wrong(f"not {PLATFORM}, which Fargate runs here", make, image.platform)
    if report.problems:
        raise ConfigurationError(report.problems)
    return replace(lock, images={each: image for each, image in lock.images.items() if each in wanted})
