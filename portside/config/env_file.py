"""The `.env` file, the settings of a clone. A line that can't be parsed is an error."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from portside.config.source_file import line_of, read_text
from portside.errors import ConfigurationError, Problem

_HINT = 'Use one NAME=value per line, with quotes around a value that contains spaces or #: NAME="a value".'


def read_env_file(path: Path, *, interpolate: bool = False) -> Mapping[str, str]:
    """The settings by name; empty if there is no file. Raises `ConfigurationError`, which shows no value."""
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    if not path.exists():
        return {}
    text = read_text(path, hint_missing="Copy it from .env.example.")
    problems = []
    for binding in parse_stream(io.StringIO(text)):
        # A binding begins with the blank lines before it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string[:blank].count("\n")
        if binding.error:
            is_quote = any(quote in binding.original.string for quote in "\"'")
            mistake = "a quote that is not closed, or text after one" if is_quote else "not a setting"
            problems.append(Problem(line_of(path, line), mistake, _HINT))
        elif binding.key is not None and binding.value is None:
            problems.append(Problem(line_of(path, line), f'no "=" after {binding.key}', _HINT))
    if problems:
        raise ConfigurationError(problems)
    found = dotenv_values(stream=io.StringIO(text), interpolate=interpolate)
    return {name: value for name, value in found.items() if value is not None}
