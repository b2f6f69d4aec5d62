"""The active faults of one kind."""

from __future__ import annotations

import dataclasses
import difflib
import threading
from collections.abc import Callable, Collection
from typing import Any, Generic, Protocol, TypeVar

from portside.emulator.state.stored_list import StoredList


class ActiveFault(Protocol):
    """A fault. `times` is how often it still applies, None without a limit."""

    @property
    def times(self) -> int | None: ...

    @property
    def target(self) -> tuple[str | None, ...]:
        """The fields that identify where the fault applies, such as its account; at most one fault for each."""


Fault = TypeVar("Fault", bound=ActiveFault)

LARGEST_VALUE = 3600


def check(kind: str, name: str, known: Collection[str], times: object) -> None:
    """Raise ValueError, with the fix, for an unknown fault of this kind and for `times` below 1."""
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        suggestion = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
        raise ValueError(f"unknown {kind} {name!r}: {suggestion}")
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ValueError(f"the times of {name} must be 1 or more, got {times!r}")


def check_value(name: str, value: Any, meaning: str | None) -> float:
    """The value as a number. Raises ValueError unless the fault takes a value and it is from 0 to 3600."""
    if meaning is None:
        raise ValueError(f"the fault {name} takes no value, got {value!r}")
    try:
        number = float(value)
    except ValueError:
        number = -1
    if not 0 <= number <= LARGEST_VALUE:
        raise ValueError(f"the value of {name} must be a number ({meaning}), at most {LARGEST_VALUE}, got {value!r}")
    return number


class ActiveFaults(Generic[Fault]):
    """Stored in a file if there is one, otherwise until the embedded AWS ends. Thread-safe."""

    def __init__(self, file: StoredList[Fault] | None = None) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._faults = list(file.found) if file else []
        self.remarks = file.remarks if file else ()

    def all(self) -> list[Fault]:
        """The active faults, oldest first."""
        with self._lock:
            return list(self._faults)

    def put(self, fault: Fault) -> None:
        """Set a fault, which replaces the fault of the same target. Raises `NotWritten`, without a change."""
        with self._lock:
            self._replace([*(each for each in self._faults if each.target != fault.target), fault])

    def clear(self) -> None:
        """Clear all faults. Raises `NotWritten`, without a change."""
        self._clear(lambda _: True)

    def _clear(self, applies: Callable[[Fault], bool]) -> None:
        with self._lock:
            self._replace([each for each in self._faults if not applies(each)])

    def _take(self, applies: Callable[[Fault], bool]) -> Fault | None:
        """The first fault that applies; counts as one of its times."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if applies(fault):
                    if fault.times is not None:
                        self._faults[index : index + 1] = [_once_less(fault)] if fault.times > 1 else []
                        if self._file:
                            self._file.write_if_possible(self._faults)
                    return fault
        return None

    def _replace(self, faults: list[Fault]) -> None:
        if self._file and faults != self._faults:
            self._file.write(faults)
        self._faults = faults


def _once_less(fault: Any) -> Any:
    return dataclasses.replace(fault, times=fault.times - 1)
