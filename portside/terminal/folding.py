"""Text that fits a terminal: folded between words, with commands in one piece so that they can be copied."""

from __future__ import annotations

import re
import textwrap

from portside.program import PROGRAM

_PROGRAMS = rf"(?:{re.escape(PROGRAM)}|aws|cdk|curl|export|gh|git|rm) "
# A command is the rest of its line, after a colon or at the beginning, where "cdk deploy failed" is a message.
_COMMAND = re.compile(rf"(?:(?<=: ){_PROGRAMS}|^(?:{re.escape(PROGRAM)}|aws) ).*$")
# The comment after a command can name another command.
_NEXT_COMMAND = re.compile(rf"; (?=[^;:]*: {_PROGRAMS})")


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
    if not command:
        return lines or [""]
    first, *others = _NEXT_COMMAND.split(command.group())
    return [*lines, first, *(folded for other in others for folded in _fold_line(other, columns))]
