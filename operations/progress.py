"""Following stacks while the CDK's command line works on them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from operations.console import is_watched, say, style_of, talk_console
from operations.stack_states import read_stacks

_WORDS = {
    "CREATE_IN_PROGRESS": "creating",
    "CREATE_COMPLETE": "created",
    "UPDATE_IN_PROGRESS": "updating",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "cleaning up",
    "UPDATE_COMPLETE": "updated",
    "DELETE_IN_PROGRESS": "deleting",
    "DELETE_FAILED": "failed to delete",
    "REVIEW_IN_PROGRESS": "preparing",
    "ROLLBACK_IN_PROGRESS": "failed, rolling back",
    "ROLLBACK_COMPLETE": "failed, rolled back",
    "UPDATE_ROLLBACK_IN_PROGRESS": "failed, rolling back",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": "failed, rolling back",
    "UPDATE_ROLLBACK_COMPLETE": "failed, rolled back",
}


@dataclass
class _Line:
    state: str = "waiting"
    started: float | None = None
    ended: float | None = None


@dataclass
class Progress:
    """How far each stack is; `tell` announces a change to a person who reads line by line."""

    names: Sequence[str]
    tell: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    lines: dict[str, _Line] = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.lines = {name: _Line() for name in self.names}

    def hear(self, said: str) -> None:
        """Take from the CDK's talk what CloudFormation does not know: that a stack needed no change."""
        if said.rstrip().endswith("(no changes)"):
            for name in self.names:
                if f" {name} " in f" {said} ":
                    self.note(name, "no changes", over=True)

    def note(self, name: str, state: str, *, over: bool) -> None:
        """Note the state of a stack; the same state twice is told once."""
        with self._lock:
            line = self.lines[name]
            if line.state == state:
                return
            now = time.monotonic() - self.began
            line.state = state
            line.started = now if line.started is None else line.started
            line.ended = now if over else None
            self.tell(f"{now:5.0f} s  {name}: {state}")

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, state and seconds of each stack."""
        now = time.monotonic() - self.began
        return [
            (name, line.state, "" if line.started is None else f"{(line.ended or now) - line.started:.0f} s")
            for name, line in self.lines.items()
        ]


@contextmanager
def following(cloudformation: Any, names: Sequence[str], *, every_seconds: float) -> Iterator[Progress]:
    """Show how far stacks are for as long as the block runs: a live table for a person, plain lines otherwise.

    What stood before the block began is not told: only what changes.
    """
    progress = Progress(names, (lambda _: None) if is_watched() else say)
    before = {name: (state.status, state.updated) for name, state in read_stacks(cloudformation, names).items()}
    over = threading.Event()

    def look() -> None:
        found = read_stacks(cloudformation, names)
        for name in names:
            state = found.get(name)
            if state is None:
                if name in before or progress.lines[name].state == "deleting":
                    progress.note(name, "deleted", over=True)
            elif (state.status, state.updated) != before.get(name):
                before.pop(name, None)
                word = _WORDS.get(state.status, state.status.lower().replace("_", " "))
                progress.note(name, word, over=state.is_settled)

    def keep_looking() -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        while not over.wait(every_seconds):
            # A look that fails says nothing about the deployment; the next one may succeed.
            try:
                look()
            except (BotoCoreError, ClientError):
                continue

    watcher = threading.Thread(target=keep_looking, daemon=True)
    watcher.start()
    try:
        with _live(progress):
            yield progress
            over.set()
            watcher.join()
            look()
    finally:
        over.set()


@contextmanager
def _live(progress: Progress) -> Iterator[None]:
    if not is_watched():
        yield
        return
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    width = max(map(len, progress.names), default=0)

    def draw() -> Group:
        lines = []
        for name, state, seconds in progress.rows():
            mark = "✓" if style_of(state) == "green" else "✗" if style_of(state) == "red" else "·"
            line = Text(f"{mark} {name.ljust(width)}  ")
            lines.append(line.append(state, style_of(state)).append(f"  {seconds}", "dim"))
        return Group(*lines)

    with Live(console=talk_console(), get_renderable=draw, refresh_per_second=4):
        yield


@contextmanager
def step(title: str) -> Iterator[None]:
    """Tell what is being done while the block runs, and how long it took."""
    began = time.monotonic()
    if is_watched():
        with talk_console().status(f"{title} …"):
            yield
    else:
        say(f"{title} …")
        yield
    say(f"{title}: {time.monotonic() - began:.1f} s")
