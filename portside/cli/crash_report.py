"""The report of an unexpected exception: a file with the traceback, and one sentence that names it."""

from __future__ import annotations

import os
import platform
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from portside import state_file

_MOST_REPORTS = 20


def sentence_of(error: BaseException, root: Path) -> str:
    """An exception in a line: its kind, and where in the code of `root` it was raised.

    Its message is omitted: it can contain a secret.
    """
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(f"{root}{os.sep}") and f"{os.sep}.venv{os.sep}" not in frame.filename
    ]
    where = f" at {os.path.relpath(ours[-1].filename, root)}, line {ours[-1].lineno}" if ours else ""
    return f"unexpected {type(error).__name__}{where}"


def write_report(
    error: BaseException, folder: Path, command: Sequence[str], *, redact: Callable[[str], str] = str
) -> Path:
    """Write the details of an exception to a new file. Raises `UserError` if that fails."""
    moment = datetime.now(UTC)
    path = folder / f"{moment:%Y%m%dT%H%M%S%f}-{os.getpid()}.txt"
    head = (
        f"{moment:%Y-%m-%d %H:%M:%S} UTC, Python {platform.python_version()} on {platform.platform()}\n"
        f"command: {' '.join(command)}\n\n"
    )
    state_file.write(path, redact(head + "".join(traceback.format_exception(error))), what="the report of an error")
    for old in sorted(folder.glob("*.txt"))[:-_MOST_REPORTS]:
        old.unlink(missing_ok=True)
    return path
