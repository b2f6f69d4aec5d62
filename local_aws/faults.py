"""The named ways in which a task can be made to fail, switched on per account and container."""

from __future__ import annotations

import difflib
import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from local_aws import json_file

# The name of a fault, and what its value means; None for those that take none.
FAULTS: Final[dict[str, str | None]] = {
    "missing-image": None,
    "missing-secret": None,
    "missing-json-field": None,
    "crash-at-start": "exit code, 1 by default",
    "crash-after-start": "seconds until it crashes; by default before it is counted as steady",
    "never-healthy": None,
    "out-of-memory": None,
    "slow-start": "seconds until it listens, 5 by default",
}


@dataclass(frozen=True)
class Fault:
    """A fault that is on for an account's container; `value` means what `FAULTS` says."""

    account: str
    container: str
    fault: str
    value: str | None = None


def checked(account: str, container: str, fault: str, value: str | None) -> Fault:
    """A fault that can be switched on. Raises ValueError that names what is wrong and what would be right."""
    if fault not in FAULTS:
        close = difflib.get_close_matches(fault, FAULTS, 1)
        suggestion = f"perhaps you meant {close[0]}?" if close else f"known are {', '.join(FAULTS)}"
        raise ValueError(f"unknown fault {fault!r}: {suggestion}")
    if value is not None:
        if FAULTS[fault] is None:
            raise ValueError(f"the fault {fault} takes no value, got {value!r}")
        try:
            number = float(value)
        except ValueError:
            number = -1
        if not 0 <= number <= 3600:
            raise ValueError(f"the value of {fault} must be a number ({FAULTS[fault]}), got {value!r}")
    return Fault(account, container, fault, value)


class Faults:
    """The faults that are on, kept in a file. Safe for use by several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._faults: dict[tuple[str, str], Fault] = {}
        if path.exists():
            for each in json.loads(path.read_text()):
                self._faults[each["account"], each["container"]] = Fault(**each)

    def all(self) -> list[Fault]:
        """Those of all accounts."""
        with self._lock:
            return list(self._faults.values())

    def of(self, account: str, container: str) -> Fault | None:
        """The one that is on for a container."""
        with self._lock:
            return self._faults.get((account, container))

    def put(self, fault: Fault) -> None:
        """One fault a container: a new one takes the old one's place."""
        with self._lock:
            self._faults[fault.account, fault.container] = fault
            self._write()

    def clear(self, account: str | None = None) -> None:
        """Switches off those of an account, or all."""
        with self._lock:
            self._faults = {key: fault for key, fault in self._faults.items() if account and key[0] != account}
            self._write()

    def _write(self) -> None:
        json_file.write(self._path, [asdict(fault) for fault in self._faults.values()])
