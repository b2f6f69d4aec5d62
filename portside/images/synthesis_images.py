"""The images and security groups that `cdk synth` uses when the user runs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from portside import redact, state_file
from portside.commands import tool
from portside.config.configuration import ROOT, state_dir
from portside.config.deferred_values import is_token
from portside.config.environment import Environment
from portside.config.image_reference import LOCAL_BUILD
from portside.config.service_groups import ServiceGroup, format_groups, groups_after, kept_groups
from portside.config.service_props import ServiceProps
from portside.errors import ConfigurationError, UserError
from portside.images.release_lock import RELEASES, find_lock, require_lock
from portside.images.resolution import Resolution, read_resolution
from portside.program import NAME, variable

IMAGES_FILE = variable(NAME, "IMAGES")
"""The variable with the path of the images to use, if a command has resolved them."""

KEPT_FOLDER = variable(NAME, "IMAGES_DIR")
"""The variable with the folder of the images last resolved, instead of the default in this clone."""


def references_of(services: Iterable[ServiceProps]) -> list[str]:
    """The references in the configuration to images in a registry."""
    locations = (props.container_location for props in services)
    return list(dict.fromkeys(each for each in locations if not is_token(each) and not each.startswith(LOCAL_BUILD)))


def kept_file(environment: str, folder: Path | None = None) -> Path:
    """The file with the images last resolved for an environment."""
    chosen = folder or Path(os.environ.get(KEPT_FOLDER) or state_dir() / "images")
    return chosen / f"{environment}.json"


def images_for_synthesis(environment: Environment, services: Iterable[ServiceProps]) -> Resolution:
    """The images of an environment, with calls to a registry only if no file has them.

    Raises `UsageError` if a release has no lock, and `UserError` if the images can't be resolved.
    """
    version, references = environment.ghcr_package_version, references_of(services)
    if environment.is_released:
        return require_lock(environment.name, version, references, [RELEASES])
    lock = find_lock(version)
    if lock and not lock.stand_in and not lock.without(references):
        return lock
    kept = _kept(environment.name)
    if kept and kept.version == version and not kept.without(references):
        return kept
    return _resolve_now(environment.name, version, references)


def keep(resolution: Resolution, path: Path) -> None:
    """Write resolved images to a file."""
    state_file.write(path, resolution.written(), what="the resolved images")


def _kept(environment: str) -> Resolution | None:
    try:
        return read_resolution(kept_file(environment))
    except ConfigurationError:  # an unreadable cache is ignored
        return None


def _resolve_now(environment: str, version: str, references: Iterable[str]) -> Resolution:
    from portside.images.access import access_from_environment
    from portside.images.resolve import resolve

    try:
        found = resolve(references, version, access=access_from_environment(os.environ, ROOT / ".env"), report=_report)
    except UserError as error:
        hint = f"Then resolve the images, which keeps them for cdk: {tool('images', environment)}"
        error.hint = f"{error.hint}\n{hint}".strip()
        raise
    keep(found, kept_file(environment))
    return found


def _report(sentence: str) -> None:
    print(redact.current().text(sentence), file=sys.stderr)


_GROUPS = "the groups between services"


def groups_for_synthesis(environment: str, services: Sequence[ServiceProps]) -> str:
    """The rules that stay in the templates in addition to the configuration, as text for a synthesis.

    They stay until a command of this tool has read that they are no longer used: a synthesis by hand does not read
    the deployed stacks.
    """
    found = state_file.read_cache(_file(environment), dict, what=_GROUPS) or {}
    try:
        groups = {str(name): ServiceGroup(int(age), tuple(map(str, rules))) for name, (age, rules) in found.items()}
    except (TypeError, ValueError):
        return ""
    return format_groups(kept_groups(groups_after(groups, services, has_leftovers=True)))


def keep_groups(environment: str, groups: Mapping[str, ServiceGroup], folder: Path | None = None) -> None:
    """Write the deployed groups to a file."""
    written = {name: [group.age, list(group.allowed_by)] for name, group in groups.items()}
    state_file.write_json(_file(environment, folder), written, what=_GROUPS)


def _file(environment: str, folder: Path | None = None) -> Path:
    return kept_file(environment, folder).with_suffix(".groups.json")
