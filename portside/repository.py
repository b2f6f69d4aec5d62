"""The repository of the app that this process is about: the folder with its `app.py` and `cdk.json`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

REPOSITORY_VARIABLE: Final = "PORTSIDE_REPOSITORY"
"""The repository of a launcher, which can be called from any folder."""

PACKAGE_FOLDER: Final = Path(__file__).resolve().parent.parent
"""The folder to import this package from: a clone that contains it, or `site-packages`."""

_FILES = ("app.py", "cdk.json")


def find_root(package_folder: Path, variables: Mapping[str, str], working_folder: Path) -> Path:
    """The clone that contains this package. For an installed one, the repository of the launcher, or the nearest one.

    The nearest is the working folder or a folder above it, and the working folder if none of them is a repository.
    """
    # Without app.py too, so that a clone that has lost it is reported as such.
    if (package_folder / "cdk.json").is_file():
        return package_folder
    if chosen := variables.get(REPOSITORY_VARIABLE):
        return Path(chosen).absolute()
    return next((each for each in (working_folder, *working_folder.parents) if is_repository(each)), working_folder)


def is_repository(folder: Path) -> bool:
    """Whether a folder has what every app's repository has."""
    return all((folder / name).is_file() for name in _FILES)


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it has been deleted
        return Path("/")


ROOT: Final = find_root(PACKAGE_FOLDER, os.environ, _working_folder())
