"""Times in JSON and in tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from portside.timestamps import age, parse_timestamp, timestamp

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOON, "2026-11-26T12:00:00Z"),
        (NOON.astimezone(timezone(timedelta(hours=-5))), "2026-11-26T12:00:00Z"),
        (NOON.replace(tzinfo=None), "2026-11-26T12:00:00Z"),
        (NOON + timedelta(microseconds=34567), "2026-11-26T12:00:00Z"),
    ],
)
def test_a_timestamp_is_in_utc(moment: datetime, expected: str) -> None:
    assert timestamp(moment) == expected


def test_timestamps_with_milliseconds_sort_by_time() -> None:
    moments = [NOON, NOON + timedelta(milliseconds=34), NOON + timedelta(seconds=1)]
    written = [timestamp(moment, milliseconds=True) for moment in moments]
    assert (
        written
        == sorted(written)
        == ["2026-11-26T12:00:00.000Z", "2026-11-26T12:00:00.034Z", "2026-11-26T12:00:01.000Z"]
    )


@pytest.mark.parametrize("text", ["2026-11-26", "4.2.0", "unknown", "2026-11-26T12:00:00", "2026-11-26T99:00:00Z"])
def test_other_texts_are_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-2, "0 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (2 * 86400 - 1, "47 h ago"),
        (2 * 86400, "2 days ago"),
    ],
)
def test_an_age_has_one_unit(seconds: int, expected: str) -> None:
    assert age(NOON - timedelta(seconds=seconds), NOON) == expected
    assert age((NOON - timedelta(seconds=seconds)).isoformat(), NOON) == expected


def test_the_age_of_no_time() -> None:
    assert (age(None), age("unknown")) == ("-", "unknown")
