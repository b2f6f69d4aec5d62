"""The named ways in which a task can be made to fail, switched on per account and container."""

from __future__ import annotations

import difflib
import re
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from portside.emulator.state.stored_list import KeptList

# The name of a fault, and what its value means; None for those that take none.
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
    "crash-after-start": "seconds until it crashes; by default before it is counted as steady",
    "out-of-memory": None,
    "killed": None,
    "slow-start": "seconds until it listens, 5 by default",
    "never-healthy": None,
    "health-timeout": None,
    "wrong-health-path": None,
    "target-error": "status that it answers, 500 by default",
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
    "no-exec-agent": None,
}

_TIMES = re.compile(r"(\d{1,4})x")


@dataclass(frozen=True)
class Fault:
    """A fault that is on for an account's container; `value` means what `FAULTS` says.

    `times` is how many more tasks it takes before it goes away by itself; None for one that stays.
    """

    account: str
    container: str
    fault: str
    value: str | None = None
    times: int | None = None


def checked(account: str, container: str, fault: str, value: str | None, times: int | None = None) -> Fault:
    """A fault that can be switched on. Raises ValueError that names what is wrong and what would be right.

    The value may carry the times after or without one of its own: `2x`, `137,2x`.
    """
    if fault not in FAULTS:
        close = difflib.get_close_matches(fault, FAULTS, 1)
        suggestion = f"perhaps you meant {close[0]}?" if close else f"known are {', '.join(FAULTS)}"
        raise ValueError(f"unknown fault {fault!r}: {suggestion}")
    if value is not None and times is None:
        own, _, last = value.rpartition(",")
        if found := _TIMES.fullmatch(last):
            value, times = own or None, int(found[1])
    if times is not None and times < 1:
        raise ValueError(f"the times of {fault} must be 1 or more, got {times}")
    if value is not None:
        _check_value(fault, value)
    return Fault(account, container, fault, value, times)


def _check_value(fault: str, value: str) -> None:
    if FAULTS[fault] is None:
        raise ValueError(f"the fault {fault} takes no value, got {value!r}")
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= 3600:
        raise ValueError(f"the value of {fault} must be a number ({FAULTS[fault]}), got {value!r}")


class Faults:
    """The faults that are on, kept in a file. Safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._kept = KeptList(path, "the faults of containers", lambda each: Fault(**each))
        self._faults = {(each.account, each.container): each for each in self._kept.found}
        self.remarks = self._kept.remarks

    def all(self) -> list[Fault]:
        """Those of all accounts."""
        with self._lock:
            return list(self._faults.values())

    def of(self, account: str, container: str) -> Fault | None:
        """The one that is on for a container."""
        with self._lock:
            return self._faults.get((account, container))

    def take(self, account: str, container: str) -> Fault | None:
        """The one that a task which starts now gets; one of its times is used up."""
        with self._lock:
            found = self._faults.get((account, container))
            if found is not None and found.times is not None:
                if found.times > 1:
                    self._faults[account, container] = replace(found, times=found.times - 1)
                else:
                    del self._faults[account, container]
                self._kept.write_if_possible(self._faults.values())
            return found

    def put(self, fault: Fault) -> None:
        """One fault a container: a new one takes the old one's place. Raises `NotWritten`, and nothing has changed."""
        with self._lock:
            self._replace(self._faults | {(fault.account, fault.container): fault})

    def clear(self, account: str | None = None) -> None:
        """Switches off those of an account, or all."""
        with self._lock:
            self._replace({key: fault for key, fault in self._faults.items() if account and key[0] != account})

    def _replace(self, faults: dict[tuple[str, str], Fault]) -> None:
        if faults != self._faults:
            self._kept.write(faults.values())
            self._faults = faults
