"""Retry calls to AWS through throttling, lost connections and expired credentials that the user can renew."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from portside.aws.errors import code_of, is_expired, is_passing, is_throttled

Answer = TypeVar("Answer")
Clients = Callable[[str], Any]

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
# Idempotent operations, which can be repeated if only the response was lost.
_REPEATABLE = ("describe_", "list_", "get_", "filter_", "put_", "delete_", "batch_get_", "lookup_")


class Retries:
    """For how long, and after which errors, calls are retried; reports each problem, and when AWS answers again.

    Waits for new credentials where the user can renew them. `seconds` limits the total time of all retries.
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
        """The answer, after retries. Raises the last error."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = self._clock()
            try:
                answer = question()
            except Exception as error:
                problem = self._problem(error, repeatable=repeatable)
                if not problem or self._left <= 0:
                    raise
                self._note(problem)
                self._wait(min(pause, max(self._left, 0.1)))
                self._left -= self._clock() - began
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self._note_answer()
                return answer

    def give_up(self) -> None:
        """Stop retrying: the operation that is waited for has failed."""
        self._left = 0.0

    def clients(self, clients: Clients) -> Clients:
        """The same clients, with retries."""
        return lambda service: _RetryingClient(clients(service), self)

    def _problem(self, error: Exception, *, repeatable: bool) -> str:
        if is_expired(error):
            return f"The AWS credentials have expired. {self._renew} The command then continues." if self._renew else ""
        if is_throttled(error):
            return f"AWS throttles the calls ({code_of(error)}); retrying more slowly."
        if is_passing(error) and repeatable and self._survives_lost_connections:
            return f"AWS does not answer ({code_of(error)}); retrying."
        return ""

    def _note(self, problem: str) -> None:
        with self._lock:
            is_news = problem not in self._said
            self._said.add(problem)
        if is_news:
            self._say(problem)

    def _note_answer(self) -> None:
        with self._lock:
            had_problems = bool(self._said)
            self._said.clear()
        if had_problems:
            self._say("AWS answers again.")


class _RetryingClient:
    """A client whose operations are retried; a paginator's pages are read together."""

    def __init__(self, client: Any, retries: Retries) -> None:
        self._client, self._retries = client, retries

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "get_paginator":
            return lambda operation: _RetryingPaginator(found, operation, self._retries)
        if not callable(found) or name.startswith("_"):
            return found
        repeatable = name.startswith(_REPEATABLE)
        return lambda *args, **kwargs: self._retries.ask(lambda: found(*args, **kwargs), repeatable=repeatable)


class _RetryingPaginator:
    def __init__(self, get_paginator: Callable[[str], Any], operation: str, retries: Retries) -> None:
        self._get_paginator, self._operation, self._retries = get_paginator, operation, retries

    def paginate(self, **arguments: Any) -> list[Any]:
        return self._retries.ask(lambda: list(self._get_paginator(self._operation).paginate(**arguments)))
