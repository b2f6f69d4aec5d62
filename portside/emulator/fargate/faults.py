"""Faults that make tasks fail, set per account and container."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from portside.emulator.state.active_faults import ActiveFaults, check, check_value
from portside.emulator.state.stored_list import StoredList

# The fault's name and the meaning of its value; None if it takes no value.
FAULTS: Final[dict[str, str | None]] = {
    "missing-image": None,
    "no-image-permission": None,
    "wrong-platform": None,
    "slow-registry": None,
    "registry-limit": None,
    "missing-secret": None,
    "secret-denied": None,
    "missing-json-field": None,
    "bad-command": None,
    "exec-format": None,
    "crash-at-start": "exit code, 1 by default",
    "crash-after-start": "seconds until it crashes; by default before the task is stable",
    "out-of-memory": None,
    "killed": None,
    "slow-start": "seconds until it listens, 5 by default",
    "never-healthy": None,
    "health-timeout": None,
    "wrong-health-path": None,
    "target-error": "HTTP status of its answers, 500 by default",
    "target-timeout": None,
    "target-refused": None,
    "no-capacity": None,
    "no-address": None,
    "task-quota": None,
    "spot-reclaimed": "seconds until it is reclaimed, 5 by default",
    "callee-unknown": None,
    "callee-refused": None,
    "role-denied": None,
    "database-unreachable": None,
    "database-auth": None,
    "database-tls": None,
    "database-missing": None,
    "no-exec-agent": None,
}

_TIMES = re.compile(r"(\d{1,4})x")


@dataclass(frozen=True)
class Fault:
    """An active fault of an account's container; `FAULTS` describes the `value`.

    `times` is the number of tasks after which it is cleared automatically; None for a fault that remains.
    """

    account: str
    container: str
    fault: str
    value: str | None = None
    times: int | None = None

    @property
    def target(self) -> tuple[str, str]:
        return self.account, self.container


def checked(account: str, container: str, fault: str, value: str | None, times: int | None = None) -> Fault:
    """A valid fault. Raises ValueError with the problem and the fix.

    The text of a value may end in the number of times, or be just that: `137,2x`, `2x`.
    """
    if value is not None and times is None:
        own, _, last = value.rpartition(",")
        if found := _TIMES.fullmatch(last):
            value, times = own or None, int(found[1])
    check("fault", fault, FAULTS, times)
    if value is not None:
        check_value(fault, value, FAULTS[fault])
    return Fault(account, container, fault, value, times)


class Faults(ActiveFaults[Fault]):
    """The active faults of containers, stored in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(StoredList(path, "the faults of containers", lambda each: Fault(**each)))

    def of(self, account: str, container: str) -> Fault | None:
        return next((each for each in self.all() if each.target == (account, container)), None)

    def take(self, account: str, container: str) -> Fault | None:
        """The fault for a task that starts now; counts as one of its times."""
        return self._take(lambda each: each.target == (account, container))

    def clear(self, account: str | None = None) -> None:
        """Clear the faults of an account, or all."""
        self._clear(lambda each: account in (None, each.account))
