"""Read many things in parallel, within a time limit; what could not be read is reported as unread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from portside.aws.errors import code_of, why_unanswered
from portside.aws.model import Unread
from portside.redact import current

AT_ONCE = 12


class NoAnswer(Exception):
    """A read did not finish in time."""


def in_parallel(
    jobs: Mapping[str, Callable[[], Any]], deadline: float | None = None, *, at_once: int = AT_ONCE
) -> dict[str, Any | Exception]:
    """By name what each job returned or raised, or `NoAnswer`, when all are done or `time.monotonic()` is `deadline`.

    Late jobs keep running on daemon threads, and their results are discarded.
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


def unread_because(job: str, error: BaseException) -> Unread:
    """An `Unread` for an error of AWS. Other errors are raised: they are bugs."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not isinstance(error, BotoCoreError | ClientError | NoAnswer | OSError):
        raise error
    is_answer = isinstance(error, BotoCoreError | ClientError)
    return Unread(job, current().brief(why_unanswered(error) if is_answer else str(error)), code_of(error))


def sort_out(answers: Mapping[str, Any], unread: list[Unread]) -> Iterator[tuple[str, Any]]:
    """The answers that came; the errors among them are noted as unread."""
    for job, answer in answers.items():
        if isinstance(answer, Exception):
            unread.append(unread_because(job, answer))
        else:
            yield job, answer
