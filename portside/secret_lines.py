"""How a line ends or begins where a secret's name and its value are in different lines."""

from __future__ import annotations

import re

_ALONE = re.compile(
    r"""(?i)[\s"'\\{,-]*+(?:property:\s?)?["']?([A-Za-z_][\w.-]*+)["']?\s*+([:=]?)\s*+([|>][-+]?|[{(\[]?)\s*+"""
)
# After a time or a program's name a line's last word is a key only if it is written like one.
_ALONE_AT_THE_END = re.compile(
    r"""[\s|:>](?:["']([A-Za-z_][\w.-]{0,120})["']\s?[:=]|([A-Za-z_][\w-]{0,60}[._][\w.-]{1,60})["']?\s?[:=]?)\s?([|>][-+]?)?\s*$"""
)
PRIVATE_KEY_ALONE = re.compile(r"(?i)\bprivate\s?_?key[\"']?\s?[:=]?\s*$")
LINE_OF_A_KEY = re.compile(r"\s*[A-Za-z0-9+/=_-]{16,}\s*")
_LAST_NAME = re.compile(r"[\s:|>]([A-Za-z_][\w.-]{0,120})\s*$")
FORM_FIELD = re.compile(r'name="?([\w.-]+)"?;?\s*$')
NAME_OF_A_PAIR = re.compile(
    r"""(?i)(?:^|[\s{,])["']?(?:name|key|parameter_?key)["']?\s?[:=]\s?["']?([\w./-]{2,200}+)["']?,?\s*$"""
)
FIELD_OF_A_PAIR = re.compile(r"""\s*+["']?[A-Za-z_][\w.-]*+["']?\s?[:=]""")
OTHER_VALUE = re.compile(r"""(?:input_value|value|got)["']?\s?[=:]\s?(?P<hide>.++)""", re.I)


def alone(text: str) -> tuple[str, str] | None:
    """The name with which a line ends without a value, and the sign of a block after it."""
    if whole := _ALONE.fullmatch(text):
        return whole[1], whole[3]
    if last := _ALONE_AT_THE_END.search(text[-200:]):
        return last[1] or last[2], last[3] or ""
    found = _LAST_NAME.search(text[-200:])
    return (found[1], "value") if found else None


def names_another(text: str) -> bool:
    """Whether a line has a name and a value of its own."""
    return bool(re.match(r"""\s*+["']?[A-Za-z_][\w.-]*+["']?\s*+(?:=|:\s)\s*+\S""", text))
