"""Expressions of EventBridge Scheduler: which are refused, and when a valid one next starts a task."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from portside.config.cron import InvalidExpression, parse_expression

# A Monday.
NOW = datetime(2026, 11, 30, 8, 30, tzinfo=UTC)

REFUSED = [
    ("cron(0 3 * * *)", "five fields", 'Use "cron(0 3 * * ? *)"'),
    ("cron(0 3 * * 0)", "five fields", 'Use "cron(0 3 ? * SUN *)"'),
    ("cron(0 3 * * 1-5)", "five fields", 'Use "cron(0 3 ? * MON-FRI *)"'),
    ("0 3 * * *", "fields without cron(…)", 'Use "cron(0 3 * * ? *)".'),
    ("cron(0 3 * * * *)", "neither of", 'Use "cron(0 3 * * ? *)".'),
    ("cron(0 3 1 * MON *)", "neither of", 'Use "cron(0 3 ? * MON *)".'),
    ("cron(0 3 ? * ? *)", "each of", 'Use "cron(0 3 * * ? *)".'),
    ("cron(0 3 * ?)", "4 fields instead of six", "Use minute, hour"),
    ("cron(60 3 * * ? *)", "the minute '60' is not valid", "Use 0 to 59, or *."),
    ("cron(0 24 * * ? *)", "the hour '24' is not valid", "Use 0 to 23, or *."),
    ("cron(0 3 0 * ? *)", "the day of the month '0' is not valid", "Use 1 to 31, or *."),
    ("cron(0 3 * FOO ? *)", "the month 'FOO' is not valid", "Use 1 to 12 or JAN to DEC, or *."),
    ("cron(0 3 ? * 0 *)", "the day of the week '0' is not valid", "Use 1 to 7 or SUN to SAT, or *."),
    ("cron(0 3 * * ? 1969)", "the year '1969' is not valid", "Use 1970 to 2199, or *."),
    ("cron(5-1 3 * * ? *)", "the minute '5-1' is not valid", "Use 0 to 59"),
    ("cron(0/0 3 * * ? *)", "the minute '0/0' is not valid", "Use 0 to 59"),
    ("rate(1 minutes)", "the unit does not match the number", 'Use "rate(1 minute)".'),
    ("rate(5 hour)", "the unit does not match the number", 'Use "rate(5 hours)".'),
    ("rate(0 minutes)", "not a rate", "Use a whole number from 1"),
    ("rate(5 m)", "not a rate", "Use a whole number from 1"),
    ("rate(1.5 hours)", "not a rate", "Use a whole number from 1"),
    ("at(2026-12-01T03:00:00)", "a single moment", "Use runs=ON_REQUEST"),
    ("daily", "not an expression of EventBridge Scheduler", 'Use "cron(0 3 * * ? *)" for every day'),
]


@pytest.mark.parametrize(("text", "mistake", "hint"), REFUSED)
def test_an_expression_that_aws_refuses_is_refused_with_what_to_write(text: str, mistake: str, hint: str) -> None:
    with pytest.raises(InvalidExpression) as refused:
        parse_expression(text)
    assert mistake in str(refused.value)
    assert hint in refused.value.hint


@pytest.mark.parametrize(("text", "_mistake", "hint"), [each for each in REFUSED if each[2].startswith('Use "cron(')])
def test_the_expression_in_a_hint_is_accepted(text: str, _mistake: str, hint: str) -> None:
    parse_expression(hint.split('"')[1])


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("cron(0 3 * * ? *)", "UTC", "2026-12-01 03:00"),
        ("cron(0 3 * * ? *)", "America/Los_Angeles", "2026-11-30 11:00"),
        ("cron(30 8 * * ? *)", "UTC", "2026-12-01 08:30"),
        ("cron(*/5 * * * ? *)", "UTC", "2026-11-30 08:35"),
        ("cron(0/15 8-18 ? * MON-FRI *)", "UTC", "2026-11-30 08:45"),
        ("cron(0 3 ? * 3 *)", "UTC", "2026-12-01 03:00"),
        ("cron(0 3 ? * WED *)", "UTC", "2026-12-02 03:00"),
        ("cron(0 3 1,15 JAN ? *)", "UTC", "2027-01-01 03:00"),
        ("cron(0 3 29 2 ? *)", "UTC", "2028-02-29 03:00"),
        # The clocks go forward on 14 March 2027.
        ("cron(0 12 14 3 ? 2027)", "America/New_York", "2027-03-14 16:00"),
        ("cron(0 3 1 1 ? 2020)", "UTC", None),
        ("cron(0 3 L * ? *)", "UTC", None),
        ("cron(0 3 15W * ? *)", "UTC", None),
        ("cron(0 3 ? * 2#1 *)", "UTC", None),
        ("cron(0 3 ? * 5L *)", "UTC", None),
        ("rate(1 day)", "UTC", None),
    ],
)
def test_the_next_start_is_in_the_time_zone_and_unknown_where_it_is_not_computed(
    text: str, zone: str, expected: str | None
) -> None:
    found = parse_expression(text).next_start(NOW, zone)
    assert (found and f"{found:%Y-%m-%d %H:%M}") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate(1 hour)", 730),
        ("rate(2 days)", 365 / 24),
        ("cron(0 3 * * ? *)", 365 / 12),
        ("cron(0,30 7-8 * * ? *)", 4 * 365 / 12),
        ("cron(0 7 ? * MON-FRI *)", 5 * 365 / 12 / 7),
        ("cron(0 7 1,15 * ? *)", 2),
        ("cron(0 7 1 1 ? *)", 1 / 12),
        ("cron(0 7 L * ? *)", 1),
        ("cron(0 7 ? * 6L *)", 1),
    ],
)
def test_the_starts_of_a_month_are_an_average(text: str, expected: float) -> None:
    assert parse_expression(text).starts_a_month == pytest.approx(expected)
