"""The settings of jsii, which connects Python with the CDK. They must be set before the CDK is imported."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from portside.config.configuration import state_dir

CACHE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
NODE = "JSII_NODE"
_CACHE_BY_DEFAULT = "Library/Caches/com.amazonaws.jsii" if sys.platform == "darwin" else ".cache/aws/jsii"
_NODE_FOR_JSII = Path(__file__).with_name("node-for-jsii")


def choose() -> None:
    """Choose the cache and the program of jsii, unless they are set."""
    _choose_cache()
    _choose_node()


def _choose_cache() -> None:
    """Use the state folder if the home folder is read-only: jsii fails without a writable cache."""
    if not os.environ.get(CACHE) and not _is_writable(
        Path(os.path.expanduser("~"), _CACHE_BY_DEFAULT, "package-cache")
    ):
        os.environ[CACHE] = str(state_dir() / "jsii")


def _choose_node() -> None:
    """Use the faster Node. Without a Node, jsii's own error is clearer than the shell's."""
    if not os.environ.get(NODE) and shutil.which("node") and os.access(_NODE_FOR_JSII, os.X_OK):
        os.environ[NODE] = str(_NODE_FOR_JSII)


def _is_writable(folder: Path) -> bool:
    """Whether files can be created in a folder, or in the nearest parent folder that exists."""
    nearest = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
