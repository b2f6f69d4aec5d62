"""Running `app.py`, and saying where it stopped when Python cannot."""

from __future__ import annotations

import dataclasses
import inspect
import runpy
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from portside.redact import holds_credential
from src.errors import FormError, Problem
from src.late_values import as_written
from src.report import closest, suggestion


def run_source(path: Path) -> Mapping[str, Any]:
    """The names that a Python file defines. Raises `FormError` where it cannot be run."""
    if not path.is_file():
        raise FormError([Problem(path.name, "not found", f"Get it back: git checkout {path.name}")])
    try:
        # Not an import: the file may have been edited since this process ran it last.
        return runpy.run_path(str(path), run_name=path.stem)
    except Exception as error:
        raise FormError([stopped_by(error, path.name)]) from error


def stopped_by(error: Exception, file_name: str) -> Problem:
    """What stopped the code in a file, without a traceback."""
    if isinstance(error, SyntaxError):
        where = Path(error.filename or file_name).name
        line = f", line {error.lineno}" if error.lineno else ""
        return Problem(f"{where}{line}", error.msg, "Python cannot read this: mend that line or the one before it.")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == file_name]
    where = f"{file_name}, line {lines[-1]}" if lines else file_name
    message = as_written(" ".join(str(error).split()))
    said = f"{type(error).__name__}: {message}" if message and not holds_credential(message) else type(error).__name__
    return Problem(where, said, _spelling(error) or "Mend that line.")


def _spelling(error: Exception) -> str:
    """The name that was probably meant where Python knows none of that name."""
    name = getattr(error, "name", None)
    known: Sequence[str] = ()
    if isinstance(error, AttributeError) and dataclasses.is_dataclass(error.obj):
        known = [each.name for each in dataclasses.fields(error.obj)]
    elif isinstance(error, NameError) and error.__traceback__ is not None:
        frame = inspect.getinnerframes(error.__traceback__)[-1].frame
        known = [*frame.f_globals, *frame.f_locals]
    return suggestion(name, known) if name and closest(name, known, likeness=0.6) else ""
