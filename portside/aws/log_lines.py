"""The lines of a log event: a structured one has its message, and the error that it carries, in fields."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# As pino, winston, zap, logback, Serilog and Caddy name them.
_FIELDS = (
    *("msg", "message", "@mt", "event", "error", "err", "exception", "stack_trace", "error.stack_trace", "exc_info"),
    *("stack", "@x"),
)
_LEVELS = ("level", "severity", "@l", "levelname", "log.level")
# https://github.com/pinojs/pino/blob/main/docs/api.md#loggerlevels-object
_LEVELS_OF_PINO = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}


def lines_of(message: str) -> list[str]:
    """The lines of a message; those of a structured one begin with its level."""
    return (_said(message) or message).split("\n")


def _said(message: str) -> str:
    """What a structured message says; empty for any other."""
    text = message.strip()
    if not (text.startswith("{") and text.endswith("}")):
        return ""
    try:
        fields = json.loads(text)
    except ValueError:
        return ""
    parts: list[str] = []
    for name in _FIELDS if isinstance(fields, dict) else ():
        value = _text(fields.get(name))
        if value and not any(value in each for each in parts):
            parts.append(value)
    return " ".join(filter(None, (_level(fields) if parts else "", ": ".join(parts))))


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        value = value.get("stack") or value.get("stack_trace") or value.get("message") or ""
    return value if isinstance(value, str) else ""


def _level(fields: Mapping[str, Any]) -> str:
    found = next((fields[name] for name in _LEVELS if name in fields), "")
    return (_LEVELS_OF_PINO.get(found, "") if isinstance(found, int) else str(found)).upper()
