"""FilterLogEvents with pages, and with AWS's patterns of terms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from portside.emulator.ministack_modules import logs, responses

LARGEST_PAGE = 10000

_TERM = re.compile(r'([?-]?)(?:"([^"]*)"|(\S+))')
# JSON, space-delimited and regular expressions, which ministack supports.
_OTHER_PATTERNS = ("{", "[", "%")


def filter_in_pages(original: Any) -> Callable[[Mapping[str, Any]], Any]:
    """FilterLogEvents, whose next token is the number of matching events before it."""

    def filter_log_events(data: Mapping[str, Any]) -> Any:
        group = logs._log_groups.get(logs._resolve_log_group_name(data))
        if group is None:
            return original(data)
        limit = min(int(data.get("limit") or LARGEST_PAGE), LARGEST_PAGE)
        token = str(data.get("nextToken") or "0")
        if not token.isdigit():
            message = "The specified nextToken is invalid."
            return responses.error_response_json("InvalidParameterException", message, 400)
        matches = matcher(data.get("filterPattern") or "")
        found = [each for each in _events(group["streams"], data) if matches(each["message"])]
        start = int(token)
        answer: dict[str, Any] = {"events": found[start : start + limit], "searchedLogStreams": []}
        if start + limit < len(found):
            answer["nextToken"] = str(start + limit)
        return responses.json_response(answer)

    return filter_log_events


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a message has all terms, one of the terms with a question mark, and no term with a minus.

    Terms are case-sensitive: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    if pattern.strip().startswith(_OTHER_PATTERNS):
        found: Callable[[str], bool] = logs._compile_filter_pattern(pattern)
        return found
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
    return sorted(_all_events(streams, data), key=lambda each: (each["timestamp"], each["ingestionTime"]))


def _all_events(streams: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = data.get("logStreamNames") or [
        name for name in streams if name.startswith(data.get("logStreamNamePrefix") or "")
    ]
    first, last = data.get("startTime"), data.get("endTime")
    for name in names:
        for event in list(streams.get(name, {}).get("events", [])):
            if (first is None or event["timestamp"] >= first) and (last is None or event["timestamp"] <= last):
                yield {**event, "logStreamName": name}
