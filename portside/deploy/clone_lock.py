"""What only one command of a clone may do at a time."""

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
def holding(name: str, *, wait: bool = False) -> Iterator[None]:
    """EnvironmentLock a lock of this clone, which the system frees however the process ends.

    Raises `UserError`, naming the process that holds it, unless told to wait.
    """
    path = state_dir() / f"{name}.lock"
    descriptor = state_file.open_lock(path, what="the lock of this clone")
    with open(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise UserError(
                f"{name}: another command of this clone is running on it ({_holder(file.read())})",
                "Wait for its end, then run this one again.",
            ) from None
        except OSError as error:
            raise NotWritten(path, "the lock of this clone", error) from error
        # Only a sentence for others depends on what is in it, so that a full disk is no reason to stop here.
        with contextlib.suppress(OSError):
            file.truncate(0)
            os.pwrite(descriptor, json.dumps(this_process().as_json()).encode(), 0)
        yield


def _holder(written: bytes) -> str:
    """Who holds the lock, from what is in its file: the kernel frees it with the process, so the file may be older."""
    text = written.decode(errors="replace").strip()
    if text.isdecimal():  # by an earlier version
        return f"process {text}"
    with contextlib.suppress(ValueError):
        found = parse(json.loads(text))
        if found and is_dead(found):
            return f"one that process {found.pid} started, which has ended"
        if found:
            return f"process {found.pid}"
    return "of an unknown process"
