"""What several questions want to know, read once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """A value that is read by whoever asks first; all who ask get it, or the error that reading it raised."""

    def __init__(self, read: Callable[[], Value]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._outcome: Value | Exception | None = None
        self._is_read = False

    def __call__(self) -> Value:
        with self._lock:
            if not self._is_read:
                try:
                    self._outcome = self._read()
                except Exception as error:
                    self._outcome = error
                self._is_read = True
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome  # type: ignore[return-value]  # what `_read` gave
