"""Writes a new repository, and makes it one of git's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from portside.errors import UsageError, UserError
from portside.git import git
from portside.scaffold.files import RepositoryFile

_MOST_LISTED = 10


def expect_free(folder: Path, paths: Mapping[str, object]) -> None:
    """Raise `UsageError` if a file would be overwritten, or a folder is in the place of one."""
    taken = sorted(path for path in paths if os.path.lexists(folder / path))
    blocked = [each for each in (folder, *folder.parents) if each.exists() and not each.is_dir()]
    inside = {parent for path in paths for parent in Path(path).parents if parent != Path()}
    blocked += [folder / each for each in sorted(inside) if (folder / each).exists() and not (folder / each).is_dir()]
    if blocked:
        raise UsageError(f"{blocked[0]} is a file, not a folder", "Choose another folder.")
    if taken:
        more = f" and {len(taken) - _MOST_LISTED} more" if len(taken) > _MOST_LISTED else ""
        raise UsageError(
            f"{folder} already contains {', '.join(taken[:_MOST_LISTED])}{more}",
            "Choose another folder, or move these files away. No file was written.",
        )


def write_files(folder: Path, files: Mapping[str, RepositoryFile]) -> None:
    """Write the files, none of which may exist. Raises `UserError`."""
    try:
        for path, file in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # "x": a file that appeared meanwhile is not overwritten either.
            with target.open("xb") as opened:
                opened.write(file.content)
            if file.executable:
                target.chmod(target.stat().st_mode | 0o111)
    except OSError as error:
        raise UserError(
            f"{error.filename or folder}: can't be written: {error.strerror}", "Use another folder."
        ) from error


def first_commit(folder: Path, paths: Mapping[str, object], message: str) -> str:
    """Make the folder a git repository with one commit. Returns why there is no commit, or nothing.

    In a folder of another repository nothing is done.
    """
    try:
        inside = git("rev-parse", "--show-toplevel", folder=folder)
    except UserError:
        inside = ""
    if inside and Path(inside) != folder.resolve():
        return f"{folder} is in the git repository {inside}: commit the files there"
    try:
        if not inside:
            git("init", "--quiet", "--initial-branch=dev", folder=folder)
        git("add", "--", *paths, folder=folder)
        git("commit", "--quiet", "--message", message, "--", *paths, folder=folder)
    except UserError as error:
        return f"there is no commit yet: {error.message}"
    return ""
