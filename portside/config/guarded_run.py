"""Running a person's code within this process: it can't end the process, and what it prints is no answer of ours."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import NoReturn


class Left(BaseException):
    """The code asked for the end of the process at once."""


def _leave(_: int = 0) -> NoReturn:
    raise Left


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """For the block, `print` goes to stderr and `os._exit` raises; stdout belongs to the command's answer."""
    leave = os._exit
    os._exit = _leave  # type: ignore[assignment]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os._exit = leave
