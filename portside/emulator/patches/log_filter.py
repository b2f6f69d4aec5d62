"""FilterLogEvents with pages, and with AWS's patterns of terms."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from portside.emulator.ministack_modules import logs, responses
from portside.emulator.patches.patching import replaces

LARGEST_PAGE = 10000

_TERM = re.compile(r'([?-]?)(?:"([^"]*)"|(\S+))')
# JSON, space-delimited and regular expressions, which ministack supports.
_OTHER_PATTERNS = ("{", "[", "%")


@replaces("services.cloudwatch_logs._filter_log_events")
def filter_in_pages(original: Any, data: Mapping[str, Any]) -> Any:
    """FilterLogEvents, whose next token is the number of matching events before it."""
    group = logs._log_groups.get(logs._resolve_log_group_name(data))
    if group is None:
        return original(data)
    limit = min(int(data.get("limit") or LARGEST_PAGE), LARGEST_PAGE)
    token = str(data.get("nextToken") or "0")
    if not token.isdigit():
        return responses.error_response_json("InvalidParameterException", "The specified nextToken is invalid.", 400)
    matches = matcher(data.get("filterPattern") or "")
    found = [each for each in _events(group["streams"], data) if matches(each["message"])]
    start = int(token)
    answer: dict[str, Any] = {"events": found[start : start + limit], "searchedLogStreams": []}
    if start + limit < len(found):
        answer["nextToken"] = str(start + limit)
    return responses.json_response(answer)


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a message has all terms, one of the terms with a question mark, and no term with a minus.

    Terms are case-sensitive: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    if pattern.strip().startswith(_OTHER_PATTERNS):
        return logs._compile_filter_pattern(pattern)
    terms = [(sign, quoted or plain) for sign, quoted, plain in _TERM.findall(pattern)]
    required = [term for sign, term in terms if not sign]
    either = [term for sign, term in terms if sign == "?"]
    excluded = [term for sign, term in terms if sign == "-"]

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and (not either or any(term in message for term in either))
            and not any(term in message for term in excluded)
        )

    return matches


def _events(streams: Mapping[str, Any], data: Mapping[str, Any]) -> list[dict[str, Any]]:
    prefix = data.get("logStreamNamePrefix") or ""
    names = data.get("logStreamNames") or [name for name in streams if name.startswith(prefix)]
    first, last = data.get("startTime", -math.inf), data.get("endTime", math.inf)
    found = [
        {**event, "logStreamName": name}
        for name in names
        for event in list(streams.get(name, {}).get("events", []))
        if first <= event["timestamp"] <= last
    ]
    return sorted(found, key=lambda each: (each["timestamp"], each["ingestionTime"]))
