"""Asking AWS for as long as there is hope: through throttling, lost connections, and a person's new log-in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from portside.aws.errors import code_of, is_expired, is_passing, is_throttled

Answer = TypeVar("Answer")
Clients = Callable[[str], Any]

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
# What can be asked twice with no other effect than once, should only its answer have been lost.
_REPEATABLE = ("describe_", "list_", "get_", "filter_", "put_", "delete_", "batch_get_", "lookup_")


class Patience:
    """How long, and in which troubles, AWS is asked again; each trouble is said in one line, and so is its end.

    Expired credentials are waited for where a person can renew them. `seconds` is the longest trouble, all together.
    """

    def __init__(
        self,
        say: Callable[[str], object],
        *,
        seconds: float,
        renew: str = "",
        survives_lost_connections: bool = True,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._left, self._renew, self._wait, self._clock = say, seconds, renew, wait, clock
        self._survives_lost_connections = survives_lost_connections
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, question: Callable[[], Answer], *, repeatable: bool = True) -> Answer:
        """The answer, asked for again and again while there is hope; the last error is raised."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = self._clock()
            try:
                answer = question()
            except Exception as error:
                trouble = self._trouble(error, repeatable=repeatable)
                if not trouble or self._left <= 0:
                    raise
                self._note(trouble)
                self._wait(min(pause, max(self._left, 0.1)))
                self._left -= self._clock() - began
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._note_answer()
                return answer

    def give_up(self) -> None:
        """Ask everything only once from now on: what was waited for has failed."""
        self._left = 0.0

    def clients(self, clients: Clients) -> Clients:
        """The same clients, asked with this patience."""
        return lambda service: _Patient(clients(service), self)

    def _trouble(self, error: Exception, *, repeatable: bool) -> str:
        if is_expired(error):
            return f"The AWS credentials have expired. {self._renew} This goes on then." if self._renew else ""
        if is_throttled(error):
            return f"AWS is asked too often at the moment ({code_of(error)}): asking again, more slowly."
        if is_passing(error) and repeatable and self._survives_lost_connections:
            return f"AWS does not answer at the moment ({code_of(error)}): asking again."
        return ""

    def _note(self, trouble: str) -> None:
        with self._lock:
            is_news = trouble not in self._said
            self._said.add(trouble)
        if is_news:
            self._say(trouble)

    def _note_answer(self) -> None:
        with self._lock:
            was_troubled = bool(self._said)
            self._said.clear()
        if was_troubled:
            self._say("AWS answers again.")


class _Patient:
    """A client whose operations are asked for patiently; a paginator's pages are read together."""

    def __init__(self, client: Any, patience: Patience) -> None:
        self._client, self._patience = client, patience

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator":
            return lambda operation: _PatientPaginator(found, operation, self._patience)
        if not callable(found) or name.startswith("_"):
            return found
        repeatable = name.startswith(_REPEATABLE)
        return lambda *args, **kwargs: self._patience.ask(lambda: found(*args, **kwargs), repeatable=repeatable)


class _PatientPaginator:
    def __init__(self, get_paginator: Callable[[str], Any], operation: str, patience: Patience) -> None:
        self._get_paginator, self._operation, self._patience = get_paginator, operation, patience

    def paginate(self, **arguments: Any) -> list[Any]:
        return self._patience.ask(lambda: list(self._get_paginator(self._operation).paginate(**arguments)))
