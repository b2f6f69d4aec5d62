"""What only one command of a clone may do at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from src.errors import AgoraError
from src.form import state_dir


@contextmanager
def holding(name: str, *, wait: bool = False) -> Iterator[None]:
    """Hold a lock of this clone, which the system frees however the process ends.

    Raises `AgoraError`, naming the process that holds it, unless told to wait.
    """
    folder = state_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AgoraError(
                f"{name}: another command of this clone is at work on it (process {holder})",
                "Wait for its end, then run this one again.",
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
