"""The last lines that a task's container wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portside.aws.errors import is_missing
from portside.aws.log_lines import lines_of
from portside.redact import current

LINES = 100
_LONGEST = 1000


def place_of(options: Mapping[str, str], container: str, task_id: str) -> tuple[str, str]:
    """The log group and the stream of a task, as the awslogs driver names them; empty without that driver.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html
    """
    group, prefix = options.get("awslogs-group", ""), options.get("awslogs-stream-prefix", "")
    return (group, f"{prefix}/{container}/{task_id}") if group and prefix else ("", "")


def read_lines(logs: Any, group: str, stream: str) -> tuple[str, ...] | None:
    """The last lines of a stream, or None where its group is gone.

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
