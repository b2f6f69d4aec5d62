"""The progress of stacks and their rollouts while the CDK CLI deploys or deletes them."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from portside.aws.errors import is_expired, is_passing
from portside.aws.model import Stack
from portside.aws.reader import Reader
from portside.aws.rollouts import (
    PENDING,
    ROLLED_BACK,
    ROLLED_OUT,
    ROLLING_BACK,
    ROLLING_OUT,
    RUNNING,
    STOPPED,
    Rollout,
    rollouts_in,
)
from portside.aws.stack_status import status_of
from portside.report.timeline import SERVICE, STACK, TASK, Subject, Timeline
from portside.terminal.console import is_watched, say, style_of, talk_console
from portside.terminal.summary import MOST_LISTED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_LONGEST_PAUSE_SECONDS = 30.0
_COUNTED_EVERY_SECONDS = 5.0
_PAUSE_PER_LOOK = 4
_WIDTH_OF_COLUMNS = 70
_DONE = ("no changes", "created", "updated", "deleted")
# After a failure the rollout continues as its own rollback, even if ECS calls that another deployment.
_AFTER_FAILURE = {ROLLING_OUT: ROLLING_BACK, ROLLED_OUT: ROLLED_BACK}


@dataclass
class _Service:
    state: str = ""
    summary: str = ""
    reasons: dict[str, str] = field(default_factory=dict)
    """By task that stopped, why."""


@dataclass
class _Line:
    state: str = "waiting"
    started: float | None = None
    ended: float | None = None
    services: dict[str, _Service] = field(default_factory=dict)


@dataclass
class Progress:
    """The state of each stack, and of the rollouts of its services.

    `report` prints a change in plain output, `warn` prints a failure in any output; `note_failure` is called with the
    service of each failed task, and must return at once.
    """

    names: Sequence[str]
    report: Callable[[str], None]
    warn: Callable[[str], None] = lambda _: None
    note_failure: Callable[[str], None] = lambda _: None
    title: str = ""
    expected_seconds: float | None = None
    timeline: Timeline = field(default_factory=Timeline)
    lines: dict[str, _Line] = field(init=False)
    _warned: set[str] = field(default_factory=set)
    _failures: int = 0
    _counts: str = ""
    _counted_at: float = 0.0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.lines = {name: _Line() for name in self.names}

    def hear(self, said: str) -> None:
        """Note from the CDK's output that a stack needed no change, which CloudFormation does not report."""
        if said.rstrip().endswith("(no changes)"):
            for name in self.names:
                if f" {name} " in f" {said} ":
                    self.note(name, "no changes", over=True)

    def note(self, name: str, state: str, *, over: bool, since: datetime | None = None) -> None:
        """Note the state of a stack, and since when it has it; the same state is reported once."""
        with self._lock:
            line = self.lines[name]
            if line.state == state:
                return
            moment = self.timeline.note(Subject(STACK, name), state, over=over, at=since)
            now = moment.seconds if moment else self.timeline.seconds
            line.state = state
            line.started = now if line.started is None else line.started
            line.ended = now if over else None
            self._report(f"{name}: {state}", state)

    def note_rollout(self, rollout: Rollout) -> None:
        """Note the rollout of a service, and why tasks stopped; the same state is reported once."""
        with self._lock:
            line = self.lines.get(rollout.service.stack)
            name = rollout.service.name
            if line is None or not (rollout.is_new or name in line.services):
                return
            service = line.services.setdefault(name, _Service())
            self._note_tasks(rollout, service)
            has_failed = service.state in _AFTER_FAILURE.values()
            state = _AFTER_FAILURE.get(rollout.state, rollout.state) if has_failed else rollout.state
            if (service.state, service.summary) == (state, rollout.summary):
                return
            service.state, service.summary = state, rollout.summary
            over = state in (ROLLED_OUT, ROLLED_BACK)
            self.timeline.note(Subject(SERVICE, name), state, within=rollout.service.stack, over=over)
            self._report(f"{name}: {state}, {rollout.summary}", state)

    def _report(self, said: str, state: str) -> None:
        if not self.is_counted or (style_of(state) == "red" and self._is_listed()):
            self.report(self._timed(said))

    def _is_listed(self) -> bool:
        """Whether to print another failure: of many stacks only the first failures are, the others only counted."""
        self._failures += 1
        if self.is_counted and self._failures == MOST_LISTED + 1:
            self.warn(self._timed("more failures are only counted"))
        return not self.is_counted or self._failures <= MOST_LISTED

    @property
    def is_counted(self) -> bool:
        """Whether there are too many stacks for a line each: they are counted by state, except those that failed."""
        return len(self.names) > MOST_LISTED

    def report_counts(self, *, is_last: bool = False) -> None:
        """Report how many stacks and services have each state, if that changed, but not more often than every 5 s."""
        with self._lock:
            services = [found.state for line in self.lines.values() for found in line.services.values()]
            counts = f"stacks: {_counts(line.state for line in self.lines.values())}"
            counts += f"; services: {_counts(services)}" if services else ""
            is_due = is_last or self.timeline.seconds >= self._counted_at + _COUNTED_EVERY_SECONDS
            if self.is_counted and is_due and counts != self._counts:
                self._counts, self._counted_at = counts, self.timeline.seconds
                self.report(self._timed(counts))

    def _note_tasks(self, rollout: Rollout, service: _Service) -> None:
        name = rollout.service.name
        for task in rollout.tasks:
            subject = Subject(TASK, task.id)
            note = functools.partial(self.timeline.note, subject, within=name)
            if not self.timeline.knows(subject):
                note(PENDING, at=task.created)
                if task.started:
                    note(RUNNING, at=task.started)
            state = rollout.state_of(task)
            if state != STOPPED:
                note(state)
                continue
            reason = task.why_it_stopped if task.has_failed else ""
            is_news = note(STOPPED, reason=reason, over=True, at=task.stopped)
            if task.has_failed:
                is_repeated = reason in service.reasons.values()
                service.reasons[task.id] = reason
                if is_news:
                    self.note_failure(name)
                if is_news and not (is_repeated and self.is_counted) and self._is_listed():
                    why = "for the same reason" if is_repeated else reason
                    self.warn(self._timed(f"{name}: task {task.short_id} stopped: {why}"))

    def _timed(self, said: str) -> str:
        return f"{self.timeline.seconds:5.0f} s  {said}"

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, state and seconds of each stack."""
        now = self.timeline.seconds
        with self._lock:
            return [
                (name, line.state, "" if line.started is None else f"{(line.ended or now) - line.started:.0f} s")
                for name, line in self.lines.items()
            ]

    @property
    def heading(self) -> str:
        """The title, the time so far, and how long it usually takes."""
        usual = f" of about {self.expected_seconds:.0f} s" if self.expected_seconds else ""
        return f"{self.title}: {self.timeline.seconds:.0f} s{usual}"

    @property
    def is_moving(self) -> bool:
        """Whether anything has changed since the block began."""
        with self._lock:
            return any(line.state not in ("waiting", "no changes") for line in self.lines.values())

    def warn_once(self, said: str) -> None:
        """Warn once of something that every poll finds."""
        if said not in self._warned:
            self._warned.add(said)
            self.warn(self._timed(said))

    def drawn(self, hidden: Sequence[str] = (), *, aligned: bool = True) -> list[Text]:
        """Its lines, with the stacks in `hidden` states only counted; `aligned` in columns."""
        from rich.text import Text

        width = max(map(len, self.names), default=0) if aligned else 0
        with self._lock:
            rows = self.rows()
            counts = {state: sum(row[1] == state for row in rows) for state in hidden}
            lines = [Text(self.heading, "bold")] if self.title else []
            lines += [Text(f"{_mark(state)} {count} {state}", "dim") for state, count in counts.items() if count]
            for name, state, seconds in rows:
                if state not in hidden:
                    line = Text(f"{_mark(state)} {name.ljust(width)}  ")
                    lines.append(line.append(state, style_of(state)).append(f"  {seconds}", "dim"))
                    for service, found in self.lines[name].services.items():
                        lines += _drawn(service, found)
        return lines


def _counts(states: Iterable[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in Counter(states).items())


def _drawn(name: str, service: _Service) -> Iterator[Text]:
    from rich.text import Text

    yield Text(f"    {name}: ").append(f"{service.state}, {service.summary}", style_of(service.state))
    for reason in dict.fromkeys(service.reasons.values()):
        yield Text(f"    ✗ {reason}", "red")


def _mark(state: str) -> str:
    return {"green": "✓", "red": "✗"}.get(style_of(state), "·")


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A deployment whose progress is shown; `note_failure` is as in `Progress`."""

    title: str = ""
    with_services: bool = False
    timeline: Timeline = field(default_factory=Timeline)
    expected_seconds: float | None = None
    note_failure: Callable[[str], None] = lambda _: None


@contextmanager
def following(
    reader: Reader, names: Sequence[str], *, every_seconds: float, followed: Followed | None = None
) -> Iterator[Progress]:
    """Show the progress of stacks while the block runs: a live picture in a terminal, plain lines otherwise.

    Only changes since the start of the block are reported, and of a deployment `with_services` their rollouts.
    """
    watched, followed = is_watched(), followed or Followed()
    progress = Progress(
        names,
        report=_print_nothing if watched else say,
        warn=functools.partial(say, style="red") if watched else say,
        note_failure=followed.note_failure,
        title=followed.title,
        expected_seconds=followed.expected_seconds,
        timeline=followed.timeline,
    )
    look = _looker(reader, progress, with_services=followed.with_services)
    over = threading.Event()
    watcher = threading.Thread(target=_poll_regularly, args=(look, progress, over, every_seconds), daemon=True)
    watcher.start()
    try:
        with _live(progress):
            try:
                yield progress
            except KeyboardInterrupt:
                raise
            except BaseException:
                _poll_at_end(look, progress, watcher, over)
                raise
            _poll_at_end(look, progress, watcher, over)
    finally:
        over.set()


def _print_nothing(_: str) -> None:
    """The live picture shows it."""


def _looker(reader: Reader, progress: Progress, *, with_services: bool) -> Callable[[], None]:
    before = {name: (stack.status, stack.updated) for name, stack in reader.named(progress.names).items()}
    began = progress.timeline.began

    def note(found: Mapping[str, Stack]) -> None:
        for name in progress.names:
            stack = found.get(name)
            if stack is None:
                if name in before or progress.lines[name].state == "deleting":
                    progress.note(name, "deleted", over=True)
            elif (stack.status, stack.updated) != before.get(name):
                before.pop(name, None)
                word = status_of(stack.status).word
                # CloudFormation reports when the change of a stack began, but not since when it has its state.
                is_first = progress.lines[name].started is None and not stack.is_settled
                progress.note(name, word, over=stack.is_settled, since=stack.updated if is_first else None)

    def look() -> None:
        # There is no rollout unless a stack changes, and each call counts towards the account's limits.
        if not (with_services and progress.is_moving):
            note(reader.stacks())
        if with_services and progress.is_moving:
            found = reader.look(stopped=True).whole()
            note(found.known_stacks)
            for rollout in rollouts_in(found, began):
                progress.note_rollout(rollout)
        progress.report_counts()

    return look


def _poll_regularly(look: Callable[[], None], progress: Progress, over: threading.Event, every_seconds: float) -> None:
    pause = every_seconds
    while not over.wait(pause):
        began = time.monotonic()
        error = _look(look, progress)
        # To look at many services takes the machine from what it looks at, when that is on the same machine.
        usual = max(every_seconds, _PAUSE_PER_LOOK * (time.monotonic() - began))
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS) if error and is_passing(error) else usual


def _look(look: Callable[[], None], progress: Progress) -> Exception | None:
    """A failed poll is no failure of the deployment; the next one may succeed."""
    try:
        look()
    except Exception as error:
        if is_expired(error):
            progress.warn_once("The AWS credentials have expired: further progress cannot be read.")
        return error
    return None


def _poll_at_end(
    look: Callable[[], None], progress: Progress, watcher: threading.Thread, over: threading.Event
) -> None:
    over.set()
    watcher.join()
    _look(look, progress)
    progress.report_counts(is_last=True)


@contextmanager
def _live(progress: Progress) -> Iterator[None]:
    if not is_watched():
        if progress.expected_seconds:
            say(f"{progress.title}: usually takes about {progress.expected_seconds:.0f} s")
        yield
        return
    from rich.console import Group
    from rich.live import Live

    console = talk_console()

    def draw() -> Group:
        return Group(*picture(progress, console, most_lines=console.height - 1))

    # If the terminal is too low for the whole picture, that is printed at the end.
    live = Live(console=console, get_renderable=draw, refresh_per_second=4, transient=True)
    try:
        with live:
            yield
    finally:
        console.print(Group(*picture(progress, console, console.height - 1 if progress.is_counted else None)))


def picture(progress: Progress, console: Console, most_lines: int | None = None) -> list[Text]:
    """Each stack, its services, and why tasks stopped; long lines are folded.

    If that exceeds `most_lines`, stacks that are done, and then those that wait, are only counted.
    """
    tried: list[Text] = []
    for hidden in ((), _DONE, (*_DONE, "waiting")):
        tried = progress.drawn(hidden, aligned=console.width >= _WIDTH_OF_COLUMNS)
        if most_lines is None or _height(tried, console) <= most_lines:
            return tried
    # The newest line is last; reasons were printed above the picture already.
    while len(tried) > 2 and most_lines is not None and _height(tried, console) > most_lines:
        del tried[1]
    return tried


def _height(lines: Sequence[Text], console: Console) -> int:
    return sum(len(line.wrap(console, console.width)) for line in lines)
