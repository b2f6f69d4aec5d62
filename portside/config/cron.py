"""Expressions of EventBridge Scheduler: what is wrong with one, and when it next starts a task."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

# https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
_EXPRESSION = re.compile(r"(cron|rate)\((.*)\)")
_RATE = re.compile(r"([1-9][0-9]{0,8}) (minute|hour|day)(s?)")
_MONTHS = tuple(each.upper() for each in calendar.month_abbr)[1:]
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WEEKS_A_MONTH = 365 / 12 / 7
_EXAMPLES = 'Use "cron(0 3 * * ? *)" for every day at 3:00, or "rate(15 minutes)".'


class InvalidExpression(ValueError):
    """An expression that AWS refuses, with what to do about it."""

    def __init__(self, mistake: str, hint: str = _EXAMPLES) -> None:
        super().__init__(mistake)
        self.hint = hint


@dataclass(frozen=True)
class _Field:
    """A field of a cron expression: its numbers, their names, and the marks of special values."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    special: str = ""

    def parse(self, text: str) -> frozenset[int]:
        """The numbers that a text allows; empty for a ? and for special values, which depend on the month."""
        if text == "?" and "?" in self.special:
            return frozenset()
        return frozenset(number for part in text.split(",") for number in self._part(part, text))

    def _part(self, part: str, text: str) -> range:
        if self._is_special(part):
            return range(0)
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = self.low if span == "*" else self._number(first, text)
        end = self._number(last, text) if dash else self.high if span == "*" or slash else start
        if (slash and not step.isdecimal()) or (slash and int(step) == 0) or start > end:
            raise self._invalid(text)
        return range(start, end + 1, int(step) if slash else 1)

    def _is_special(self, part: str) -> bool:
        day = "|".join((*self.names, "[1-7]"))
        values = {"W": r"L|LW|([1-9]|[12][0-9]|3[01])W", "#": rf"L|({day})L|({day})#[1-5]"}
        return any(re.fullmatch(value, part) for mark, value in values.items() if mark in self.special)

    def _number(self, text: str, whole: str) -> int:
        if text in self.names:
            return self.names.index(text) + self.low
        if not text.isdecimal() or not self.low <= int(text) <= self.high:
            raise self._invalid(whole)
        return int(text)

    def _invalid(self, text: str) -> InvalidExpression:
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return InvalidExpression(f"{self.name} {text!r} is not valid", f"Use {self.low} to {self.high}{names}, or *.")


_FIELDS = (
    _Field("the minute", 0, 59),
    _Field("the hour", 0, 23),
    _Field("the day of the month", 1, 31, special="?W"),
    _Field("the month", 1, 12, _MONTHS),
    _Field("the day of the week", 1, 7, _DAYS, special="?#"),
    _Field("the year", 1970, 2199),
)


@dataclass(frozen=True)
class Expression:
    """A valid expression: the time between two starts, or the fields of a cron expression."""

    every: timedelta | None = None
    fields: tuple[str, ...] = ()

    @property
    def starts_a_month(self) -> float:
        """The average number of starts in a month of 730 hours."""
        if self.every:
            return timedelta(hours=730) / self.every
        minutes, hours, month_days, months, week_days, _ = (
            len(field.parse(text)) for field, text in zip(_FIELDS, self.fields, strict=True)
        )
        # A special value, such as the last Friday, is one day.
        days = week_days * _WEEKS_A_MONTH if self.fields[2] == "?" else month_days
        return minutes * hours * min(days or 1, 7 * _WEEKS_A_MONTH) * months / 12

    def next_start(self, after: datetime, time_zone: str) -> datetime | None:
        """The next start, in UTC; None for a rate, which counts from its creation, and where it is not known."""
        if self.every or re.search("[LW]", self.fields[2]) or re.search("[L#]", self.fields[4]):
            return None
        minutes, hours, month_days, months, week_days, years = (
            field.parse(text) for field, text in zip(_FIELDS, self.fields, strict=True)
        )
        local = after.astimezone(ZoneInfo(time_zone)) + timedelta(minutes=1)
        day = local.date()
        # A date such as 29 February on a Monday comes once in 28 years.
        for _ in range(366 * 28):
            of_week = day.isoweekday() % 7 + 1
            is_due = day.year in years and day.month in months
            if is_due and (day.day in month_days if month_days else of_week in week_days):
                for hour in sorted(hours):
                    for minute in sorted(minutes):
                        found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=local.tzinfo)
                        if found.astimezone(UTC) > after:
                            return found.astimezone(UTC)
            day += timedelta(days=1)
        return None


def parse_expression(text: str) -> Expression:
    """Parse an expression. Raises `InvalidExpression`."""
    if text.startswith("at("):
        raise InvalidExpression("a single moment", "Use runs=ON_REQUEST, and start it when it is needed.")
    found = _EXPRESSION.fullmatch(text)
    if found is None:
        fields = text.strip("()").split()
        if len(fields) in (5, 6) and not text.startswith(("cron", "rate")):
            raise InvalidExpression("fields without cron(…)", f'Use "cron({_six(fields)})".')
        raise InvalidExpression("not an expression of EventBridge Scheduler")
    return _rate(found[2]) if found[1] == "rate" else _cron(found[2])


def _rate(text: str) -> Expression:
    found = _RATE.fullmatch(text)
    if found is None:
        hint = "Use a whole number from 1 and minutes, hours or days, separated by a space: rate(5 minutes)."
        raise InvalidExpression("not a rate", hint)
    count, unit, plural = int(found[1]), found[2], bool(found[3])
    if plural == (count == 1):
        raise InvalidExpression(
            "the unit does not match the number", f'Use "rate({count} {unit}{"" if count == 1 else "s"})".'
        )
    return Expression(every=timedelta(**{f"{unit}s": count}))


def _cron(text: str) -> Expression:
    fields = text.split()
    if len(fields) == 5:
        mistake = "five fields, as in a crontab: AWS needs six, with the year, and a ? for one of the two days"
        raise InvalidExpression(mistake, f'Use "cron({_six(fields)})". Days of the week are SUN to SAT, or 1 to 7.')
    if len(fields) != 6:
        hint = "Use minute, hour, day of the month, month, day of the week and year, separated by spaces."
        raise InvalidExpression(f"{len(fields)} fields instead of six", hint)
    days = fields[2], fields[4]
    if "?" not in days or days == ("?", "?"):
        mistake = "neither" if "?" not in days else "each"
        raise InvalidExpression(
            f"{mistake} of the day of the month and the day of the week is a ?", f'Use "cron({_six(fields)})".'
        )
    for field, of in zip(_FIELDS, fields, strict=True):
        field.parse(of)
    return Expression(fields=tuple(fields))


def _six(fields: list[str]) -> str:
    """Six fields with a ? in one of the two days."""
    minute, hour, month_day, month, week_day, *year = fields
    if week_day in ("*", "?"):
        month_day, week_day = month_day.replace("?", "*"), "?"
    else:
        month_day, week_day = "?", week_day if year else _named(week_day)
    return " ".join((minute, hour, month_day, month, week_day, *(year or ["*"])))


def _named(week_day: str) -> str:
    """A day of the week of a crontab, where 0 is Sunday, by its name: AWS counts from 1."""
    return re.sub(r"(?<![#/])[0-7]", lambda found: _DAYS[int(found[0]) % 7], week_day)
