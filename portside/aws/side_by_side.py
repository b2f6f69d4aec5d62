"""Reading many things at once, within a time: what is not there by then is done without."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

AT_ONCE = 12


class NoAnswer(Exception):
    """What was asked has not answered in time."""


def side_by_side(
    jobs: Mapping[str, Callable[[], Any]], deadline: float | None = None, *, at_once: int = AT_ONCE
) -> dict[str, Any | Exception]:
    """By name what each job returned or raised, or `NoAnswer`, when all are done or `time.monotonic()` is `deadline`.

    What answers too late is left to end by itself, on threads that no process waits for.
    """
    waiting: queue.SimpleQueue[tuple[str, Callable[[], Any]]] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    for job in jobs.items():
        waiting.put(job)

    def work() -> None:
        while deadline is None or time.monotonic() < deadline:
            try:
                name, job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done.put((name, job()))
            except Exception as error:
                done.put((name, error))

    for _ in range(min(at_once, len(jobs))):
        threading.Thread(target=work, daemon=True).start()
    found: dict[str, Any | Exception] = {}
    while len(found) < len(jobs):
        try:
            name, value = done.get(timeout=None if deadline is None else max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[name] = value
    return {name: found.get(name, NoAnswer("no answer in time")) for name in jobs}
