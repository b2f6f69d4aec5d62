"""Whether the registry still has the images of a rollback."""

from __future__ import annotations

from collections.abc import Sequence

from portside.aws.target import Target
from portside.commands import tool
from portside.config.configuration import Configuration
from portside.errors import UserError
from portside.images.failures import ResolutionFailed
from portside.images.resolved_image import ResolvedImage
from portside.preflight.context import ask_registry
from portside.preflight.published import MISSING


def expect_published(target: Target, configuration: Configuration, images: Sequence[ResolvedImage]) -> str:
    """Ask for each image by its digest; what could not be read, as a remark.

    Raises `UserError` where the registry says that it has one no longer: its tasks could not start.
    """
    references = [image.reference for image in images]
    if not references:
        return ""
    try:
        ask_registry(target, configuration, references, images[0].tag)
    except ResolutionFailed as failed:
        absent = [f"{each}: {failure.sentence}" for each, failure in failed.failures.items() if failure.kind in MISSING]
        if absent:
            history = tool("history", target.environment.name, local=target.is_local)
            raise UserError(
                "images of that deployment can't be pulled any more\n  " + "\n  ".join(absent),
                f"Go back to another one with --to VERSION, of those in {history}; or publish the image again.",
            ) from failed
        unread = [f"{each}: {failure.sentence}" for each, failure in failed.failures.items()]
        return "Whether the registry still has these could not be read:\n  " + "\n  ".join(unread)
    except UserError as error:
        return f"Whether the registry still has the images could not be read: {error.message}"
    return ""
