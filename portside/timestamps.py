"""Points in time: in JSON as ISO 8601 in UTC with a Z, in tables for users as an age."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def timestamp(moment: datetime, *, milliseconds: bool = False) -> str:
    """Such as `2026-11-26T04:39:12Z`, which sorts by time. A moment without a time zone is in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    shown = aware.astimezone(UTC).isoformat(timespec="milliseconds" if milliseconds else "seconds")
    return f"{shown.removesuffix('+00:00')}Z"


def parse_timestamp(text: str) -> datetime | None:
    """The moment of an ISO 8601 text with a time zone; None for any other text."""
    if len(text) < len("2026-11-26T04:39Z") or text[10] != "T":
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def age(moment: datetime | str | None, now: datetime | None = None) -> str:
    """How long ago, such as `3 min ago`; `-` for None. A text that is no timestamp is returned as it is."""
    if moment is None:
        return "-"
    if isinstance(moment, str):
        parsed = parse_timestamp(moment)
        if parsed is None:
            return moment
        moment = parsed
    seconds = int(((now or datetime.now(UTC)) - moment).total_seconds())
    if seconds < _MINUTE:
        # The clock of AWS can be a little ahead.
        return f"{max(seconds, 0)} s ago"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h ago"
    return f"{seconds // _DAY} days ago"
