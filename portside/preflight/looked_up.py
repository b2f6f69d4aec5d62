"""The images that would be deployed, and whether the registry has them, without a word and without keeping anything."""

from __future__ import annotations

from collections.abc import Sequence

from portside.aws.target import Target
from portside.config.configuration import Form
from portside.images.resolution import Resolution
from portside.images.synthesis_images import references_of
from portside.plan.images import access_to, locked_images


def choose_images(target: Target, form: Form) -> Resolution:
    """What each image is now: by the lock of its version, else as the registry says. Raises `UserError`."""
    environment = target.environment
    lock = locked_images(environment, form, local=target.is_local)
    if lock is not None:
        return lock
    return ask_registry(target, references_of(form.services_of(environment.name)), environment.ghcr_package_version)


def ask_registry(target: Target, references: Sequence[str], version: str) -> Resolution:
    """What references stand for. Raises `ResolutionFailed` for those that are not found."""
    from portside.images.resolve import resolve

    return resolve(references, version, access=access_to(references, local=target.is_local))
