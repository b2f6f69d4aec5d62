"""The images of a command: resolved once, and the same from the plan to the record."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from portside.aws.registry_logins import RegistryLogins, registry_secrets
from portside.aws.target import local_state_dir
from portside.commands import tool
from portside.config.configuration import ROOT, Configuration
from portside.config.environment import Environment
from portside.config.image_reference import is_moving_tag
from portside.emulator.client import process
from portside.errors import UsageError, UserError
from portside.images.access import Access, Login, Token, access_from_environment
from portside.images.location import locate
from portside.images.release_lock import RELEASES, find_lock, lock_name, require_lock
from portside.images.resolution import Resolution
from portside.images.synthesis_images import keep, kept_file, references_of
from portside.terminal.console import say, step


def lock_folders(*, local: bool) -> list[Path]:
    """The folders of locks: a rehearsal has its own, which comes before that of the repository."""
    return [local_releases(), RELEASES] if local else [RELEASES]


def local_releases() -> Path:
    """The folder of the locks that rehearsals have made."""
    return local_state_dir() / "releases"


def locked_images(environment: Environment, configuration: Configuration, *, local: bool) -> Resolution | None:
    """The images of an environment's version, if a lock has them all.

    Raises `UsageError` where the environment runs releases only and there is no such lock, or in AWS one of stubs.
    """
    version, references = environment.ghcr_package_version, references_of(configuration.services_of(environment.name))
    folders = lock_folders(local=local)
    if environment.is_released:
        lock = require_lock(environment.name, version, references, folders)
        if lock.stand_in and not local:
            raise UsageError(
                f"releases/{lock_name(version)}: made from stubs, which no one can pull",
                f"Make it from what is published: {tool('release', 'pin', version, local=False)}",
            )
        return lock
    found = find_lock(version, folders)
    usable = found is not None and not found.without(references) and (local or not found.stand_in)
    return found if usable else None


def unreleased(configuration: Configuration, acting_on: str, *, local: bool) -> list[str]:
    """The problems that keep other environments from running their releases, one sentence each."""
    found = [each.sentence for each in configuration.warnings]
    for name in configuration.released:
        environment = configuration.environments[name]
        if name == acting_on or is_moving_tag(environment.ghcr_package_version):
            continue
        try:
            locked_images(environment, configuration, local=local)
        except UserError as error:
            found.append(f"{error.message}. {error.hint}")
    return found


def choose_images(environment: Environment, configuration: Configuration, *, local: bool) -> Resolution:
    """The images of an environment: from its lock, or resolved now and stored for `cdk synth`."""
    lock = locked_images(environment, configuration, local=local)
    if lock is not None:
        return lock
    references = references_of(configuration.services_of(environment.name))
    found = look_up(references, environment.ghcr_package_version, configuration, local=local)
    keep(found, kept_file(environment.name, kept_folder() if local else None))
    return found


def look_up(references: Sequence[str], version: str, configuration: Configuration, *, local: bool) -> Resolution:
    """Resolve references with the registry, or with the catalogue of the embedded AWS."""
    from portside.images.resolve import resolve

    with step(f"Looking up {len(references)} images"):
        return resolve(references, version, access=access_to(references, configuration, local=local), report=say)


def missing_images(references: Sequence[str], version: str, configuration: Configuration, *, local: bool) -> list[str]:
    """The references whose tag is not published yet. Raises `UserError` if that can't be read."""
    from portside.images.failures import Kind, ResolutionFailed
    from portside.images.resolve import resolve

    try:
        resolve(references, version, access=access_to(references, configuration, local=local))
    except ResolutionFailed as failed:
        if failed.kinds != {Kind.TAG_UNKNOWN}:
            raise
        return list(failed.failures)
    return []


def access_to(references: Sequence[str], configuration: Configuration, *, local: bool) -> Access:
    """The access for resolving images, with the logins of private ones.

    A rehearsal never calls another machine, and uses no login.
    """
    if not local:
        access = access_from_environment(os.environ, ROOT / ".env")
        logins = RegistryLogins(registry_secrets(configuration.of_environments()))
        return replace(access, log_in=lambda location: logins(location) or access.log_in(location))
    aws = process.expect_running(local_state_dir())
    hosts = {locate(each).host for each in references}
    return Access(
        api_url=aws.catalogue_url,
        registries=dict.fromkeys(hosts, aws.catalogue_url),
        log_in=lambda _: Login("token", Token(aws.images_token), "the embedded AWS", "Start it again."),
    )


def kept_folder() -> Path:
    """Where a rehearsal keeps what it has looked up."""
    return local_state_dir() / "images"
