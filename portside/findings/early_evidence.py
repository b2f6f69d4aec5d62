"""Collect evidence of a service's first failure early, since rolling back a new stack deletes its logs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING

from portside.aws.clients import Clients

if TYPE_CHECKING:
    from portside.aws.snapshot import Snapshot

# The diagnosis reads again what is not read within this time.
_TIMEOUT_SECONDS = 3.0
_SLOW_TO_LOAD = ("ec2", "logs", "docdb", "rds", "ssm")


class EarlyEvidence:
    """The snapshots that `collect` takes after each service's first failure, on daemon threads."""

    def __init__(self, collect: Callable[[str], Snapshot]) -> None:
        self._collect = collect
        self._threads: dict[str, threading.Thread] = {}
        self._found: list[Snapshot] = []

    def note_failure(self, service: str) -> None:
        """Collect what there is about a service, unless that was done already; returns at once."""
        if service not in self._threads:
            self._threads[service] = threading.Thread(target=self._read, args=(service,), daemon=True)
            self._threads[service].start()

    def _read(self, service: str) -> None:
        try:
            self._found.append(self._collect(service))
        except Exception:
            return  # The diagnosis asks again, and says what it can't read.

    def gathered(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> Snapshot | None:
        """The merged snapshots; None if no task failed or nothing could be read in time."""
        until = time.monotonic() + timeout_seconds
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))
        found = list(self._found)
        return reduce(_together, found) if found else None


def _together(earlier: Snapshot, later: Snapshot) -> Snapshot:
    from portside.aws.snapshot import with_earlier

    both = with_earlier(later, earlier)
    known = {each.name for each in both.services}
    return replace(both, services=(*both.services, *(each for each in earlier.services if each.name not in known)))


def make_ready(clients: Clients) -> None:
    """Load on a daemon thread the modules and clients that take a second at their first use."""

    def load() -> None:
        import portside.findings.collect  # noqa: F401

        for service in _SLOW_TO_LOAD:
            clients(service)

    threading.Thread(target=load, daemon=True).start()
