"""Characters in a text that AWS refuses, or that look like others."""

from __future__ import annotations

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
