"""The three standard streams: there, and able to take any character, however the process was started."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO, cast

_STDIN, _STDERR = 0, 2


def make_ready() -> None:
    """Replace a closed stdin or stderr by /dev/null, and let no character that an encoding lacks stop the output.

    Python has no `sys.stderr` where the shell has closed it, and the next file that is opened would take its number.
    """
    if cast(TextIO | None, sys.stdin) is None:
        _take_number(_STDIN, os.O_RDONLY)
        sys.stdin = open(_STDIN, encoding="utf-8", closefd=False)  # noqa: SIM115
    if cast(TextIO | None, sys.stderr) is None:
        _take_number(_STDERR, os.O_WRONLY)
        sys.stderr = open(_STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if stream is sys.stderr else "replace")


def _take_number(number: int, flags: int) -> None:
    opened = os.open(os.devnull, flags)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
