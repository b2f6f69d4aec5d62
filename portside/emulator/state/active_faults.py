"""The active faults of one kind."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
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
