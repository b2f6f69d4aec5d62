"""The cache of jsii, which connects Python with the CDK."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from portside.config.configuration import state_dir

VARIABLE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
_BY_DEFAULT = "Library/Caches/com.amazonaws.jsii" if sys.platform == "darwin" else ".cache/aws/jsii"


def choose() -> None:
    """Use the state folder if the home folder is read-only: jsii fails without a writable cache."""
    if not os.environ.get(VARIABLE) and not _is_writable(Path(os.path.expanduser("~"), _BY_DEFAULT, "package-cache")):
        os.environ[VARIABLE] = str(state_dir() / "jsii")


def _is_writable(folder: Path) -> bool:
    """Whether files can be created in a folder, or in the nearest parent folder that exists."""
    nearest = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
