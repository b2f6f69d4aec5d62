"""The text of a file that a person writes: read whole, or an error that says which line can't be read."""

from __future__ import annotations

from pathlib import Path

from portside.errors import ConfigurationError, Problem


def read_text(path: Path, *, hint_missing: str) -> str:
    """The text, without a byte order mark. Raises `ConfigurationError` where it is not there, or can't be read."""
    if path.is_dir():
        raise ConfigurationError(
            [Problem(path.name, "is a folder, not a file", f"Move the folder away. {hint_missing}")]
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError([Problem(path.name, "not found", hint_missing)]) from None
    except PermissionError:
        hint = f"Let yourself read it: chmod u+r {path.name}"
        raise ConfigurationError([Problem(path.name, "can't be read: permission denied", hint)]) from None
    except OSError as error:
        raise ConfigurationError([Problem(path.name, f"can't be read: {error.strerror}", hint_missing)]) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "Save the file as UTF-8."
        raise ConfigurationError(
            [Problem(line_of(path, data[: error.start].count(b"\n") + 1), "not UTF-8", hint)]
        ) from None
    if "\0" in text:
        line = line_of(path, text[: text.index("\0")].count("\n") + 1)
        raise ConfigurationError([Problem(line, "a NUL character", "Delete that character.")])
    return text


def line_of(path: Path, number: int) -> str:
    """How messages name a line."""
    return f"{path.name}, line {number}"
