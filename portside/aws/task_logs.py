"""The last log lines of a task's container, with the message and error of structured ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portside.aws.errors import is_missing
from portside.redact import current

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
    """The message and error of a structured log event; empty for plain text."""
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


LINES = 100
_LONGEST = 1000


def place_of(options: Mapping[str, str], container: str, task_id: str) -> tuple[str, str]:
    """The log group and the stream of a task, as the awslogs driver names them; empty without that driver.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    group, prefix = options.get("awslogs-group", ""), options.get("awslogs-stream-prefix", "")
    return (group, f"{prefix}/{container}/{task_id}") if group and prefix else ("", "")


def read_lines(logs: Any, group: str, stream: str) -> tuple[str, ...] | None:
    """The last lines of a stream, or None if its log group was deleted.

    A container that never wrote a line has no stream.
    """
    from botocore.exceptions import ClientError

    try:
        events = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=LINES, startFromHead=False)
    except ClientError as error:
        if not is_missing(error):
            raise
        return () if "stream" in str(error).lower() else None
    lines = current().stream()
    return tuple(lines.brief(line, _LONGEST) for each in events["events"] for line in lines_of(each["message"]))
