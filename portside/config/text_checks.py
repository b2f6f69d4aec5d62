"""Texts that no field can have: characters that AWS rejects, and placeholders that nothing here fills in."""

from __future__ import annotations

import re
import unicodedata

TAKE_OUT = "Take that character out."


def refused_character(text: str) -> str:
    """What a text has that no template can carry, in words; empty where there is nothing of the kind."""
    for character in text:
        if character == "\0":
            return "has a NUL character"
        if unicodedata.category(character) == "Cs":
            return f"has half a surrogate pair, U+{ord(character):04X}, which is no character of its own"
    return ""


def look_alike(text: str) -> str:
    """The first letter of a name that is not from A to Z, by its Unicode name; empty where there is none."""
    for character in text:
        if not character.isascii() and character.isprintable() and character.isalnum():
            return f"{character} is U+{ord(character):04X}, {unicodedata.name(character, 'a letter without a name')}"
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
    """What a text of any field can't have in it, and what to do; None where there is nothing."""
    if character := refused_character(text):
        return character, TAKE_OUT
    return _not_meant(text)


def _not_meant(text: str) -> tuple[str, str] | None:
    if _OBJECT.search(text):
        return "has a whole Python object written out in it", 'Name one field of it: f"…{environment.name}…".'
    tool = next((tool for pattern, tool in _FOREIGN if pattern.search(text)), "")
    return (f"has a placeholder that {tool} would fill in, and nothing here does", _FILL_IN) if tool else None
