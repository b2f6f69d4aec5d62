"""Reads and writes state and cache files, which are replaced atomically.

Errors are one sentence with a fix. Standard library only, because every command loads it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shlex
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any, overload

from portside.errors import UserError
from portside.program import STATE_FOLDER_VARIABLE

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The error numbers of a full disk or quota."""

LARGEST_BYTES = 256 * 2**20
"""The largest file that is read. The largest that is written, an embedded AWS's state, has a few MiB."""

_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false"}
_SET_ASIDE = ".damaged"


class Damaged(UserError):
    """A file that exists and can't be used; `reason` is a few words."""

    def __init__(self, path: Path, what: str, reason: str, fix: str) -> None:
        super().__init__(f"{path}: {what} can't be read: {reason}", fix)
        self.reason = reason


class NotWritten(UserError):
    """A file that could not be written; its previous content is unchanged."""

    def __init__(self, path: Path, what: str, error: OSError) -> None:
        super().__init__(f"{path}: {what} could not be written: {error.strerror or error}", _hint(path, error))
        self.is_full = error.errno in FULL


def write(path: Path, content: str | bytes, *, what: str, durable: bool = True, mode: int = 0o600) -> None:
    """Replace the file atomically, by default readable by its owner only. Raises `NotWritten`.

    A `durable` file survives a power loss after this returns; a cache doesn't need to.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fchmod(file.fileno(), mode)
                if durable:
                    os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise NotWritten(path, what, error) from error


def write_json(path: Path, value: object, *, what: str, durable: bool = True) -> None:
    """Replace the file with a value in JSON, like `write`."""
    write(path, json.dumps(value, indent=1) + "\n", what=what, durable=durable)


def read(path: Path, *, what: str, fix: str) -> bytes | None:
    """The file's content, or None if it doesn't exist. Raises `Damaged`. Never waits for a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Damaged(path, what, "it is not a regular file", fix)
            if found.st_size > LARGEST_BYTES:
                raise Damaged(path, what, f"it is larger than {LARGEST_BYTES >> 20} MiB", fix)
            content = file.read()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise Damaged(path, what, "it is a folder", fix) from None
    except OSError as error:
        raise Damaged(path, what, error.strerror or str(error), fix) from error
    if not content.strip():
        raise Damaged(path, what, "it is empty", fix)
    return content


@overload
def read_json(path: Path, kind: type[dict[str, Any]], *, what: str, fix: str) -> dict[str, Any] | None: ...


@overload
def read_json(path: Path, kind: type[list[Any]], *, what: str, fix: str) -> list[Any] | None: ...


def read_json(path: Path, kind: type, *, what: str, fix: str) -> Any:
    """The value of a JSON file, or None if it doesn't exist. Raises `Damaged` for a value of another kind."""
    content = read(path, what=what, fix=fix)
    if content is None:
        return None
    try:
        value = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise Damaged(path, what, "it is not UTF-8", fix) from None
    except (ValueError, RecursionError):
        raise Damaged(path, what, "it is not JSON", fix) from None
    if not isinstance(value, kind):
        found = "null" if value is None else _KINDS.get(type(value), type(value).__name__)
        raise Damaged(path, what, f"it has {found} instead of {_KINDS[kind]}", fix)
    return value


def read_cache(path: Path, kind: type[dict[str, Any]], *, what: str) -> dict[str, Any] | None:
    """Like `read_json`, for a cache: None if it doesn't exist or can't be used."""
    try:
        return read_json(path, kind, what=what, fix="")
    except Damaged:
        return None


def open_lock(path: Path, *, what: str) -> int:
    """The descriptor of a file to lock, which is created if needed. Raises `NotWritten`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EISDIR, "it is not a regular file")
    except OSError as error:
        raise NotWritten(path, what, error) from error
    return descriptor


def delete(path: Path) -> None:
    """Delete a file or a folder, if it exists. Raises `NotWritten`."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritten(path, "its deletion", error) from error


def set_aside(damaged: Damaged, path: Path) -> str:
    """Rename a damaged file, so that the user can inspect it; returns a sentence for them. Raises `NotWritten`."""
    aside = path.with_name(path.name + _SET_ASIDE)
    number = 1
    while aside.is_dir():
        number += 1
        aside = path.with_name(f"{path.name}{_SET_ASIDE}-{number}")
    try:
        os.replace(path, aside)
    except OSError as error:
        raise NotWritten(path, "a damaged file", error) from error
    return f"{damaged.message} (moved to {aside.name})"


def _sync_folder(folder: Path) -> None:
    """A rename is durable when its folder is written. File systems that can't do this are ignored."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _hint(path: Path, error: OSError) -> str:
    if error.errno in FULL or error.errno == errno.EFBIG:
        return f"Free space on the disk of {path.parent}, then run the same command again. No saved data is lost."
    if error.errno in (errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY):
        listing = shlex.join(["ls", "-ld", str(path), str(path.parent)])
        return f"A folder exists where a file is expected, or a file where a folder is. Delete it: {listing}"
    return f"Set {STATE_FOLDER_VARIABLE} to a folder that you can write to, or change the permissions of {path.parent}."
