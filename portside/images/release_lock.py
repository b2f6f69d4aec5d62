"""The lock of a release: the images that it consists of, in the repository so that they can be reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from portside.commands import tool
from portside.config.configuration import APP_FOLDER
from portside.config.mistakes import Report, quoted
from portside.errors import ConfigurationError, UsageError
from portside.images.resolution import Resolution, read_resolution
from portside.images.resolved_image import PLATFORM

RELEASES = APP_FOLDER / "releases"


def lock_name(version: str) -> str:
    """The file of a version's lock."""
    return f"{version}.json"


def find_lock(version: str, folders: Sequence[Path] = (RELEASES,)) -> Resolution | None:
    """The lock of a version in the first folder that has one. Raises `ConfigurationError` if it is malformed."""
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
    """The lock of an environment's version, with only the images of its services.

    Raises `UsageError` if it does not exist, lacks images or has images that can't run.
    """
    make = f"Make it: {tool('release', 'pin', version, local=False)}"
    lock = find_lock(version, folders)
    if lock is None:
        where = f'ENVIRONMENTS["{environment}"]["GHCR_PACKAGE_VERSION"]'
        raise UsageError(f'{where}: releases/{lock_name(version)} is missing, got "{version}"', make)
    report = Report(f'releases/{lock_name(version)}["images"]')
    expected = list(references)
    if missing := lock.without(expected):
        report.wrong(f"lacks {', '.join(missing)}", make)
    for reference, image in lock.images.items():
        if image.platform != PLATFORM:
            place = report.at(f'[{quoted(reference)}]["platform"]')
            place.wrong(f"not {PLATFORM}, the platform of Fargate", make, image.platform)
    if report.problems:
        raise ConfigurationError(report.problems)
    return replace(lock, images={each: image for each, image in lock.images.items() if each in expected})
