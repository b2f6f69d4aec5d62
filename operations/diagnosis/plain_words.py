"""Words of others as they may be kept and shown: in one line, of a bounded length, without secrets."""

from __future__ import annotations

import re

from src.plain_secrets import holds_credential, looks_secret

HIDDEN = "(a line that may hold a secret is left out)"

_LONGEST = 600
_ASSIGNED = re.compile(r"""(?:\b([A-Za-z][\w.-]*)=|["']([A-Za-z][\w.-]*)["']\s*:\s*)["']?([^\s"',}]+)""")
# Colours, and whatever else steers a terminal.
_STEERING = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """A line of somebody else's, made safe."""
    line = " ".join(_STEERING.sub("", text).split("\n")).rstrip()
    if holds_credential(line) or any(
        looks_secret(name or quoted, value) for name, quoted, value in _ASSIGNED.findall(line)
    ):
        return HIDDEN
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
