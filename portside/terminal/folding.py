"""Text that fits a terminal: folded between words, with commands in one piece so that they can be copied."""

from __future__ import annotations

import re
import textwrap

from portside.program import PROGRAM

# A command is the rest of its line, and is at the beginning of the line or after a colon.
_COMMAND = re.compile(rf"(?:(?<=: )|^)(?:{re.escape(PROGRAM)}|aws|cdk|curl|export|gh|git|rm) .*$")


def fold(text: str, columns: int) -> list[str]:
    """Lines of at most `columns`. A word or a command that is longer stays whole: the terminal wraps it."""
    return [folded for line in text.split("\n") for folded in _fold_line(line, columns)]


def _fold_line(line: str, columns: int) -> list[str]:
    if len(line) <= columns:
        return [line]
    command = _COMMAND.search(line)
    sentence = line[: command.start()] if command else line
    indent = sentence[: len(sentence) - len(sentence.lstrip())]
    lines = textwrap.wrap(
        sentence, max(columns, 1), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [*lines, command.group()] if command else lines or [""]
