"""Folders and files that only their owner can read. Standard library only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

UMASK = 0o077
FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = 0o077


class NotOurs(OSError):
    """A folder or file belongs to another user, who could read or replace its content."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} belongs to another user")
        self.path = path


def folder(path: Path) -> Path:
    """Create the folder and its parents, or remove the permissions of other users from an existing folder.

    Raises `NotOurs` if it belongs to another user, and other OSErrors.
    """
    missing = [each for each in (path, *path.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=FOLDER_MODE, exist_ok=True)
    _check_owner(path, path.stat())
    if path.stat().st_mode & _OTHERS:
        path.chmod(FOLDER_MODE)
    return path


def narrow(root: Path) -> None:
    """Remove the permissions of other users from a folder and everything in it; links are not followed."""
    folder(root)
    for directory, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = Path(directory, name)
            found = path.lstat()
            if not stat.S_ISLNK(found.st_mode) and found.st_mode & _OTHERS:
                _check_owner(path, found)
                path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def opener(path: str, flags: int) -> int:
    """For `open`: a new file is readable by its owner only, from the start."""
    return os.open(path, flags | os.O_CLOEXEC, FILE_MODE)


def is_private(path: Path) -> bool:
    """Whether a file is a regular file of this user that no other user can read or write."""
    found = path.lstat()
    return stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & _OTHERS


def _check_owner(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise NotOurs(path)
