"""Runs `app.py`, and reports where it stopped without a traceback."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import inspect
import os
import re
import runpy
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from portside.config.deferred_values import as_written
from portside.config.mistakes import closest, suggestion
from portside.config.previous_app import previous_app, reads_env
from portside.config.source_file import duplicate_keys, missing_commas, missing_f_prefixes, read_text
from portside.errors import ConfigurationError, Problem
from portside.redact import holds_credential


class Left(BaseException):
    """The code called `os._exit`."""


def _leave(_: int = 0) -> NoReturn:
    raise Left


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """In the block, `print` writes to stderr and `os._exit` raises: stdout is for the command's output."""
    leave = os._exit
    os._exit = _leave  # type: ignore[assignment]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os._exit = leave


_NO_SUCH_NAME = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_JSON_WORDS = {"true": "True", "false": "False", "null": "None"}


@dataclasses.dataclass(frozen=True)
class Source:
    """The names that a Python file defines, and mistakes in it that Python accepts."""

    names: Mapping[str, Any]
    problems: tuple[Problem, ...]


def run_source(path: Path) -> Source:
    """Run a Python file. Raises `ConfigurationError` if that fails."""
    text = read_text(path, hint_missing=f"Get it back: git checkout {path.name}")
    try:
        tree = ast.parse(text, str(path))
    except Exception as error:
        raise ConfigurationError([stopped_by(error, path.name)]) from error
    if previous := previous_app(tree, path.name):
        raise ConfigurationError([previous])
    problems = (*duplicate_keys(tree, path), *missing_f_prefixes(tree, path), *missing_commas(text, path))
    try:
        with guarded():
            # Not an import: the file may have changed since this process last ran it.
            return Source(runpy.run_path(str(path), run_name=path.stem), problems)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        stopped = stopped_by(error, path.name)
        if line := reads_env(tree):
            hint = "app.py is read once for all environments, without ENV: describe each of them in ENVIRONMENTS."
            stopped = dataclasses.replace(stopped, where=f"{path.name}, line {line}", hint=hint)
        raise ConfigurationError([*problems, stopped]) from error


def stopped_by(error: BaseException, file_name: str) -> Problem:
    """The error that stopped the code in a file, without a traceback."""
    if isinstance(error, TabError):
        return Problem(f"{file_name}, line {error.lineno}", error.msg, "Indent every line with spaces only.")
    if isinstance(error, SyntaxError):
        where = Path(error.filename or file_name).name
        line = f", line {error.lineno}" if error.lineno else ""
        return Problem(f"{where}{line}", error.msg, "Python can't read this: correct that line or the one before it.")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).name == file_name]
    where = f"{file_name}, line {lines[-1]}" if lines else file_name
    if isinstance(error, SystemExit | Left):
        return Problem(where, "ends the program", "Remove it: this file only describes what is deployed.")
    # For a name that doesn't exist in a module, Python adds the path of the module's file.
    message = re.sub(r" \([^()]*\.py\)$", "", as_written(" ".join(str(error).split())))
    said = f"{type(error).__name__}: {message}" if message and not holds_credential(message) else type(error).__name__
    return Problem(where, said, _json_word(error) or _spelling(error) or "Correct that line.")


def _json_word(error: BaseException) -> str:
    """A hint to replace a JSON literal."""
    name = getattr(error, "name", None) if isinstance(error, NameError) else None
    return f"Write {_JSON_WORDS[name]}: {name} is JSON, and this is Python." if name in _JSON_WORDS else ""


def _spelling(error: BaseException) -> str:
    """A hint with the most similar name, for a name that doesn't exist."""
    name = getattr(error, "name", None)
    known: Sequence[str] = ()
    if isinstance(error, AttributeError) and dataclasses.is_dataclass(error.obj):
        known = [each.name for each in dataclasses.fields(error.obj)]
    elif isinstance(error, ImportError) and (found := _NO_SUCH_NAME.match(str(error))):
        name, module = found.groups()
        known = [each for each in vars(sys.modules.get(module, object())) if not each.startswith("_")]
    elif isinstance(error, NameError) and error.__traceback__ is not None:
        frame = inspect.getinnerframes(error.__traceback__)[-1].frame
        known = [*frame.f_globals, *frame.f_locals]
    return suggestion(name, known) if name and closest(name, known, similarity=0.6) else ""
