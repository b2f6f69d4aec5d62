"""The `.env` file: settings of one person's clone. What can't be read in it is an error that names the line."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

from portside.config.source_file import line_of, read_text
from portside.errors import ConfigurationError, Problem

_HINT = 'Write NAME=value, one a line; a value with blanks or # in it in quotes: NAME="a value".'


def read_env_file(path: Path, *, interpolate: bool = False) -> Mapping[str, str]:
    """The settings by name; none where there is no such file. Raises `ConfigurationError`, which shows no value."""
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    if not path.exists():
        return {}
    text = read_text(path, hint_missing="Write it as .env.example shows.")
    problems = []
    for binding in parse_stream(io.StringIO(text)):
        # A binding begins with the blank lines before it.
        blank = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string[:blank].count("\n")
        if binding.error:
            is_quote = any(quote in binding.original.string for quote in "\"'")
            what = "a quote that is not closed, or text after one" if is_quote else "not a setting"
            problems.append(Problem(line_of(path, line), what, _HINT))
        elif binding.key is not None and binding.value is None:
            problems.append(Problem(line_of(path, line), f'no "=" after {binding.key}', _HINT))
    if problems:
        raise ConfigurationError(problems)
    found = dotenv_values(stream=io.StringIO(text), interpolate=interpolate)
    return {name: value for name, value in found.items() if value is not None}
