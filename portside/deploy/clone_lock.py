"""Locks of this clone: one command at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

from portside import state_file
from portside.config.configuration import state_dir
from portside.errors import UserError
from portside.process_identity import is_dead, parse, this_process
from portside.state_file import NotWritten


@contextmanager
def clone_lock(name: str, *, wait: bool = False) -> Iterator[None]:
    """Lock something of this clone while the block runs; the system releases the lock however the process ends.

    Raises `UserError` that names the process with the lock, unless `wait`.
    """
    path = state_dir() / f"{name}.lock"
    descriptor = state_file.open_lock(path, what="the lock of this clone")
    with open(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise UserError(
                f"{name}: another command of this clone is running on it ({_owner(file.read())})",
                "Wait until it finishes, then run this one again.",
            ) from None
        except OSError as error:
            raise NotWritten(path, "the lock of this clone", error) from error
        # The content is only for the error message of others, so a full disk is no reason to stop.
        with contextlib.suppress(OSError):
            file.truncate(0)
            os.pwrite(descriptor, json.dumps(this_process().as_json()).encode(), 0)
        yield


def _owner(written: bytes) -> str:
    """The owner by the content of the file. The kernel releases the lock with the process, so that can be outdated."""
    text = written.decode(errors="replace").strip()
    if text.isdecimal():  # by an earlier version
        return f"process {text}"
    with contextlib.suppress(ValueError):
        found = parse(json.loads(text))
        if found and is_dead(found):
            return f"started by process {found.pid}, which has ended"
        if found:
            return f"process {found.pid}"
    return "of an unknown process"
