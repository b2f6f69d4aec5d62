"""Texts that no field can have: characters that AWS rejects, and placeholders that nothing here fills in."""

from __future__ import annotations

import re
import unicodedata

TAKE_OUT = "Remove that character."


def refused_character(text: str) -> str:
    """A description of the first character that a template can't contain, or an empty text."""
    for character in text:
        if character == "\0":
            return "has a NUL character"
        if unicodedata.category(character) == "Cs":
            return f"has half of a surrogate pair, U+{ord(character):04X}"
    return ""


def foreign_letter(text: str) -> str:
    """The first letter of a name outside A to Z, with its Unicode name, or an empty text."""
    for character in text:
        if not character.isascii() and character.isprintable() and character.isalnum():
            return f"{character} is U+{ord(character):04X}, {unicodedata.name(character, 'an unnamed letter')}"
    return ""


_FILL_IN = 'Write an f-string with a value of the environment, such as f"…{environment.account}…".'
# `${NAME}` alone may be a shell's or Spring's, and `{{name}}` any template's.
_FOREIGN = (
    (re.compile(r"\$\{AWS::\w+\}"), "CloudFormation"),
    (re.compile(r"\$\{(?:(?:var|local|module)\.\w+|data\.aws_)[\w.\[\]\"]*\}"), "Terraform"),
    (re.compile(r"\{\{-?\s*\.(?:Values|Release|Chart)\.[\w.]+"), "Helm"),
    (re.compile(r"\$\{\{\s*(?:secrets|vars|github|env|inputs|matrix|needs|steps)\."), "GitHub Actions"),
)
_OBJECT = re.compile(
    r"\bEnvironment\(name='|\bServiceProps\(container_name='|<(?:function|class|module|bound method) [^>]*>"
    r"|<[\w.]+ object at 0x[0-9a-f]+>"
)


def refused(text: str) -> tuple[str, str] | None:
    """A description of content that no field can have, and a hint; None if the text is valid."""
    if character := refused_character(text):
        return character, TAKE_OUT
    return _unintended(text)


def _unintended(text: str) -> tuple[str, str] | None:
    if _OBJECT.search(text):
        return "contains the text of a Python object", 'Use one of its fields: f"…{environment.name}…".'
    tool = next((tool for pattern, tool in _FOREIGN if pattern.search(text)), "")
    return (f"has a placeholder of {tool}, which is not used here", _FILL_IN) if tool else None
