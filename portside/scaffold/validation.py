"""Checks a new configuration as every command does, before it is written."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

from portside.config.configuration import load_configuration
from portside.errors import ConfigurationError, UsageError

# The option of each value, by the end of its place in the configuration.
_OPTIONS = {
    "APP": "--name",
    '["ACCOUNT"]': "--account",
    '["REGION"]': "--region",
    '["VPC_CIDR"]': "--vpc-cidr",
    '["FQDN"]': "--fqdn",
    '["CERTIFICATE_ID"]': "--certificate-id",
    '["GHCR_PACKAGE_VERSION"]': "--image",
    '["DATABASE_KIND"]': "--database",
    ".container_location": "--image",
    ".container_port": "--port",
}


_REFERENCE = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")


def expect_reference(workflows: str) -> None:
    """Raise `UsageError` unless it is empty or a repository at a commit: a tag or branch can move."""
    if workflows and not _REFERENCE.fullmatch(workflows):
        raise UsageError(
            f"--workflows: not a repository and a commit, got {workflows!r}",
            "Use OWNER/REPOSITORY@COMMIT with the 40 digits of the commit: git rev-parse HEAD",
        )


def expect_valid(source: bytes, *, names_options: bool = True) -> None:
    """Raise `ConfigurationError` with the mistakes in an `app.py`, by default named by their options."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.py")
        path.write_bytes(source)
        try:
            load_configuration(path)
        except ConfigurationError as error:
            if not names_options:
                raise
            raise ConfigurationError(replace(each, where=_place(each.where)) for each in error.problems) from None


def _place(where: str) -> str:
    return next((option for end, option in _OPTIONS.items() if where.endswith(end)), where)
