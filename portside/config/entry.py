"""Classes of entries of the configuration: frozen dataclasses that report all their mistakes together."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, TypeVar, dataclass_transform

from portside.config.deferred_values import has_deferred
from portside.config.mistakes import DEFERRED_HINT, Report, quoted
from portside.config.text_checks import refused
from portside.errors import ConfigurationError, Problem

_Entry = TypeVar("_Entry", bound=type)
_invalid: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar("collecting_invalid", default=None)

_all_created: contextvars.ContextVar[list[Any] | None] = contextvars.ContextVar("collecting_all", default=None)

REQUIRED: Any = object()
"""The default of a field that is required and comes after one with a default."""

Together = Mapping[tuple[str, ...], Callable[..., None]]


@contextlib.contextmanager
def collecting_invalid() -> Iterator[list[Any]]:
    """Collect invalid entries, which don't have their invalid fields. Elsewhere they raise `ConfigurationError`."""
    wrong_entries: list[Any] = []
    token = _invalid.set(wrong_entries)
    try:
        yield wrong_entries
    finally:
        _invalid.reset(token)


@contextlib.contextmanager
def collecting_all() -> Iterator[list[Any]]:
    """Collect every entry that is created, valid or not."""
    made: list[Any] = []
    token = _all_created.set(made)
    try:
        yield made
    finally:
        _all_created.reset(token)


def report_of(entry: object) -> Report | None:
    """The problems of an entry that was created in `collecting_invalid`."""
    report: Report | None = vars(entry).get("_report") if hasattr(entry, "__dict__") else None
    return report


def problems_of(wrong_entries: Iterable[object]) -> list[Problem]:
    """The problems of collected entries. Those of an entry inside another are among the outer entry's."""
    outermost = [entry for entry in wrong_entries if "_is_inner" not in vars(entry)]
    return [problem for entry in outermost if (report := report_of(entry)) for problem in report.problems]


@dataclass_transform(frozen_default=True)
def configuration_entry(
    *, named_by: str = "", together: Together | None = None, aliases: Mapping[str, str] | None = None
) -> Callable[[_Entry], _Entry]:
    """Make a class a frozen dataclass that reports all its problems together.

    Each field is `Annotated` with its check; `together` has checks that compare fields that are valid. `named_by` is
    the field that identifies an entry in messages, and `aliases` are other names of fields. None means the
    default of a field that is empty by default.
    """

    def decorate(cls: _Entry) -> _Entry:
        entry: Any = dataclass(frozen=True)(cls)
        names = [each.name for each in dataclasses.fields(entry)]
        defaults = {
            each.name: _default(each) for each in dataclasses.fields(entry) if _default(each) not in (MISSING, REQUIRED)
        }
        hints = typing.get_type_hints(entry, include_extras=True)
        checks = {name: hints[name].__metadata__[0] for name in names}
        # Code that reads an invalid field stops there, instead of continuing with its default.
        for name in vars(entry).keys() & set(names):
            delattr(entry, name)

        @functools.wraps(entry.__init__)
        def init(self: Any, *positional: Any, **keywords: Any) -> None:
            renamed = {(aliases or {}).get(each, each): value for each, value in keywords.items()}
            given = dict(zip(names, positional, strict=False)) | renamed
            name = f"({quoted(given[named_by])})" if named_by in given else ""
            report = Report(f"{entry.__name__}{name}")
            _check_call(names, positional, renamed, report)
            for earlier in keywords.keys() & (aliases or {}).keys():
                if aliases and aliases[earlier] in keywords:
                    report.at(f".{earlier}").wrong(f"another name of {aliases[earlier]}", "Use one of them.")
            fields = _sound_fields(report.by_known_name(given, names, "field"), checks, defaults, report)
            for compared, check in (together or {}).items():
                if all(each in fields for each in compared):
                    check(*(fields[each] for each in compared), report)
            vars(self).update(fields)
            if (made := _all_created.get()) is not None:
                made.append(self)
            if report.problems:
                _reject(self, report)

        for name in vars(entry).keys() & set(names):
            # An entry with an invalid value has no value, rather than the default.
            delattr(entry, name)
        entry.__init__ = init
        return cls

    return decorate


def _default(of: dataclasses.Field[Any]) -> Any:
    return of.default_factory() if of.default_factory is not MISSING else of.default


def _check_call(names: Sequence[str], positional: Sequence[Any], keywords: Mapping[str, Any], report: Report) -> None:
    if len(positional) > len(names):
        report.wrong(f"{len(positional)} values for {len(names)} fields", "Use name=value for each field.")
    for name in keywords.keys() & set(names[: len(positional)]):
        report.at(f".{name}").wrong("given twice", "Use it once, as name=value.")


def _sound_fields(
    given: Mapping[str, Any], checks: Mapping[str, Any], defaults: Mapping[str, Any], report: Report
) -> dict[str, Any]:
    sound = {name: defaults[name] for name in checks if name in defaults and name not in given}
    for name, check in checks.items():
        place = report.at(f".{name}")
        if name not in given:
            if name not in defaults:
                place.wrong("missing", f"Add {name}=…")
            continue
        value, found_before = given[name], len(report.problems)
        if value is None and defaults.get(name, MISSING) in (None, (), {}):
            sound[name] = defaults[name]
            continue
        if not _refuse_deferred(value, place) and not _refuse_text(value, place):
            check(value, place)
            _adopt_problems(value, place)
        if len(report.problems) == found_before:
            sound[name] = _kept(value)
    return sound


def _refuse_deferred(value: object, place: Report) -> bool:
    """Report a deferred value in a text. Environment variables are a mapping and can have them."""
    texts = [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, str)]
    found = next((each for each in texts if has_deferred(each)), None)
    if found is not None:
        place.wrong("a value that is only known after a deployment", DEFERRED_HINT, found)
    return found is not None


def _refuse_text(value: object, place: Report) -> bool:
    """Report a text that no field can have. Environment variables are a mapping and have a check of their values."""
    texts = [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, str)]
    found = next(filter(None, map(refused, texts)), None)
    if found:
        place.wrong(*found)
    return bool(found)


def _kept(value: Any) -> Any:
    """The value, or a copy of a list or dict that the caller could change."""
    if isinstance(value, Mapping):
        return dict(value)
    return tuple(value) if isinstance(value, list) else value


def _adopt_problems(value: object, place: Report) -> None:
    """Report the problems of the entries in a field as problems of this field."""
    for index, part in enumerate(value) if isinstance(value, list | tuple) else [(None, value)]:
        report = report_of(part)
        if report is None:
            continue
        inner = place if index is None else place.at(f"[{index}]")
        for problem in report.problems:
            moved = inner.where + problem.where.removeprefix(report.where)
            place.problems.append(dataclasses.replace(problem, where=moved))
        object.__setattr__(part, "_is_inner", True)


def _reject(entry: Any, report: Report) -> None:
    gathered = _invalid.get()
    if gathered is None:
        raise ConfigurationError(report.problems)
    object.__setattr__(entry, "_report", report)
    gathered.append(entry)
