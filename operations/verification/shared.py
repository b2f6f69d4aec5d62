"""What several questions want to know, read once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from operations.target import Clients

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


def shared_clients(clients: Clients) -> Clients:
    """The same clients, each made once: boto3's sessions make them for one thread at a time.

    https://docs.aws.amazon.com/boto3/latest/guide/session.html#multithreading-or-multiprocessing-with-sessions
    """
    lock = threading.Lock()
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        with lock:
            if service not in made:
                made[service] = clients(service)
            return made[service]

    return client
