"""The timeline of a deployment: state changes of stacks, of their services, and of these services' tasks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from portside.timestamps import timestamp

STACK, SERVICE, TASK = "stack", "service", "task"


class Subject(NamedTuple):
    """A stack, service or task, by its kind and its name or id."""

    kind: str
    name: str


@dataclass(frozen=True)
class Moment:
    """A state change, in seconds after the start.

    `within` is of a service its stack, and of a task its service; after an `over` nothing more is expected.
    """

    seconds: float
    kind: str
    subject: str
    state: str
    within: str = ""
    reason: str = ""
    over: bool = False


@dataclass(frozen=True)
class Span:
    """A state, and from when to when it lasted, in seconds after the beginning."""

    state: str
    starts: float
    ends: float
    reason: str = ""


@dataclass(frozen=True)
class Lane:
    """All states of one stack, service or task, one after the other."""

    kind: str
    subject: str
    within: str
    spans: tuple[Span, ...]


@dataclass
class Timeline:
    """The moments noted so far. One thread may note while another reads."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    _clock: float = field(default_factory=time.monotonic)
    _moments: list[Moment] = field(default_factory=list)
    _latest: dict[Subject, str] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def seconds(self) -> float:
        """How long ago it began."""
        return time.monotonic() - self._clock

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All of them, in chronological order."""
        with self._lock:
            return tuple(sorted(self._moments, key=lambda moment: moment.seconds))

    def knows(self, subject: Subject) -> bool:
        with self._lock:
            return subject in self._latest

    def note(
        self,
        subject: Subject,
        state: str,
        *,
        within: str = "",
        reason: str = "",
        over: bool = False,
        at: datetime | None = None,
    ) -> Moment | None:
        """Note a state, now or as of a moment that AWS names. None where it was in that state already."""
        now = self.seconds
        # The clocks of AWS and of this machine differ a little.
        seconds = now if at is None else min(max((at - self.began).total_seconds(), 0.0), now)
        with self._lock:
            if self._latest.get(subject) == state:
                return None
            self._latest[subject] = state
            moment = Moment(round(seconds, 2), *subject, state, within, reason, over)
            self._moments.append(moment)
        return moment

    def as_json(self) -> dict[str, Any]:
        """When it began, and every moment without its empty fields."""
        return {
            "began": timestamp(self.began, milliseconds=True),
            "moments": [
                {name: value for name, value in vars(moment).items() if value or name == "seconds"}
                for moment in self.moments
            ],
        }


def in_causal_order(moments: Sequence[Moment], is_bad: Callable[[str], bool]) -> tuple[Moment, ...]:
    """The moments, none before its cause: the clocks of AWS and of this machine differ, and some states are polled.

    A task starts after its service, and that after its stack. What failed first within a service or a stack did so
    before that failed.
    """
    ordered = list(moments)
    for kind in (SERVICE, TASK):
        starts = _first(ordered, lambda moment: True)
        ordered = [
            replace(each, seconds=max(each.seconds, starts.get((_ABOVE[kind], each.within), 0.0)))
            if each.kind == kind
            else each
            for each in ordered
        ]
    for kind in (SERVICE, TASK):
        failures = _first(ordered, lambda moment: is_bad(moment.state))
        for above, latest in failures.items():
            within = {key: at for key, at in failures.items() if (kind, above) in _places(ordered, key)}
            if not within or min(within.values()) <= latest:
                continue
            cause = min(within, key=lambda key: within[key])
            ordered = [
                replace(each, seconds=min(each.seconds, latest))
                if (each.kind, each.subject) == cause and each.seconds <= within[cause]
                else each
                for each in ordered
            ]
    return tuple(ordered)


_ABOVE = {SERVICE: STACK, TASK: SERVICE}


def _places(moments: Sequence[Moment], key: tuple[str, str]) -> set[tuple[str, tuple[str, str]]]:
    """Where a service or a task is: its kind, and the kind and name of what contains it."""
    return {
        (each.kind, (_ABOVE[each.kind], each.within))
        for each in moments
        if (each.kind, each.subject) == key and each.kind in _ABOVE
    }


def _first(moments: Sequence[Moment], matches: Callable[[Moment], bool]) -> dict[tuple[str, str], float]:
    """The seconds of the first matching moment of each stack, service and task."""
    found: dict[tuple[str, str], float] = {}
    for each in sorted(filter(matches, moments), key=lambda moment: moment.seconds):
        found.setdefault((each.kind, each.subject), each.seconds)
    return found


def lanes(moments: Sequence[Moment], until: float) -> tuple[Lane, ...]:
    """A lane for each stack, below it its services, and below these their tasks."""
    found = [
        Lane(kind, subject, ofs[0].within, _spans(ofs, until)) for (kind, subject), ofs in _by_subject(moments).items()
    ]
    stacks = [lane for lane in found if lane.kind == STACK]
    ordered: list[Lane] = []
    for stack in stacks:
        ordered.append(stack)
        ordered += _below(found, SERVICE, stack.subject)
    known = {(lane.kind, lane.subject) for lane in ordered}
    rest = [lane for lane in found if lane.kind == SERVICE and (SERVICE, lane.subject) not in known]
    for service in rest:
        ordered += [service, *_below(found, TASK, service.subject)]
    return tuple(ordered)


def _below(found: Sequence[Lane], kind: str, within: str) -> Iterable[Lane]:
    for lane in found:
        if (lane.kind, lane.within) == (kind, within):
            yield lane
            if kind == SERVICE:
                yield from _below(found, TASK, lane.subject)


def _by_subject(moments: Sequence[Moment]) -> dict[tuple[str, str], list[Moment]]:
    by_subject: dict[tuple[str, str], list[Moment]] = {}
    for moment in sorted(moments, key=lambda each: each.seconds):
        by_subject.setdefault((moment.kind, moment.subject), []).append(moment)
    return by_subject


def _spans(moments: Sequence[Moment], until: float) -> tuple[Span, ...]:
    ends = [moment.seconds for moment in moments[1:]]
    last = moments[-1]
    ends.append(last.seconds if last.over else max(until, last.seconds))
    return tuple(
        Span(moment.state, moment.seconds, end, moment.reason) for moment, end in zip(moments, ends, strict=True)
    )
