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

IMAGES_FILE = "AGORA_IMAGES"
"""The variable that names the file with the images to take, where a command has chosen them."""

KEPT_FOLDER = "AGORA_IMAGES_DIR"
"""The variable that names the folder for what was last found, where it is not this clone's own."""


def references_of(services: Iterable[ServiceProps]) -> list[str]:
    """The images that a registry must know, as the configuration names them."""
    locations = (props.container_location for props in services)
    return list(dict.fromkeys(each for each in locations if not is_token(each) and not each.startswith(LOCAL_BUILD)))


def kept_file(environment: str, folder: Path | None = None) -> Path:
    """Where the images that were last found for an environment are kept."""
    chosen = folder or Path(os.environ.get(KEPT_FOLDER) or state_dir() / "images")
    return chosen / f"{environment}.json"


def images_at_hand(environment: Environment, services: Iterable[ServiceProps]) -> Resolution:
    """The images of an environment, with no network unless nothing at hand knows them.

    Raises `UsageError` where a release has no lock, and `UserError` where the images can't be found now.
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
    return _found_now(environment.name, version, references)


def keep(resolution: Resolution, path: Path) -> None:
    """Remember what was found."""
    state_file.write(path, resolution.written(), what="what images stand for")


def _kept(environment: str) -> Resolution | None:
    try:
        return read_resolution(kept_file(environment))
    except ConfigurationError:  # a cache that cannot be read is none
        return None


def _found_now(environment: str, version: str, references: Iterable[str]) -> Resolution:
    from portside.images.access import access_from_environment
    from portside.images.resolve import resolve

    try:
        found = resolve(references, version, access=access_from_environment(os.environ, ROOT / ".env"), tell=_tell)
    except UserError as error:
        hint = f"Then look the images up, which keeps them for cdk: {tool('images', environment)}"
        error.hint = f"{error.hint}\n{hint}".strip()
        raise
    keep(found, kept_file(environment))
    return found


def _tell(sentence: str) -> None:
    print(redact.current().text(sentence), file=sys.stderr)


_WHAT = "the groups between services"


def groups_at_hand(environment: str, services: Sequence[ServiceProps]) -> str:
    """What stays in the templates beside what is configured, as text for a synthesis.

    It stays until a command of this tool has seen that it is not used any longer: a synthesis by hand does not know
    what is deployed.
    """
    found = state_file.read_cache(_file(environment), dict, what=_WHAT) or {}
    try:
        groups = {str(name): ServiceGroup(int(age), tuple(map(str, rules))) for name, (age, rules) in found.items()}
    except (TypeError, ValueError):
        return ""
    return format_groups(kept_groups(groups_after(groups, services, has_leftovers=True)))


def keep_groups(environment: str, groups: Mapping[str, ServiceGroup], folder: Path | None = None) -> None:
    """Remember the groups that were deployed."""
    written = {name: [group.age, list(group.allowed_by)] for name, group in groups.items()}
    state_file.write_json(_file(environment, folder), written, what=_WHAT)


def _file(environment: str, folder: Path | None = None) -> Path:
    return kept_file(environment, folder).with_suffix(".groups.json")
