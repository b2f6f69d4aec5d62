"""boto3 clients: made once, usable on any thread, their calls counted; and the endpoints that they call."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

Clients = Callable[[str], Any]
"""From the name of an AWS service to its boto3 client."""


class CallCount:
    """How often each operation of AWS was called, as botocore counts; a retry is no further call, a page is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()

    def note(self, model: Any, **_: Any) -> None:
        """Handle botocore's `before-call` event."""
        with self._lock:
            self._calls[f"{model.service_model.service_name}:{model.name}"] += 1

    def watch(self, client: Any) -> None:
        # First, because a handler that answers in the place of AWS ends the handling.
        client.meta.events.register_first("before-call", self.note)

    @property
    def total(self) -> int:
        return sum(self.by_operation.values())

    @property
    def by_operation(self) -> Mapping[str, int]:
        """The calls by `service:Operation`, the most frequent first."""
        with self._lock:
            return dict(self._calls.most_common())

    def sentence(self) -> str:
        found = self.by_operation
        return f"{sum(found.values())} AWS API calls: {', '.join(f'{name} {count}' for name, count in found.items())}"


CALLS = CallCount()
"""The calls of this process."""


def made_once(clients: Clients, count: CallCount = CALLS) -> Clients:
    """The same clients, each made at its first use: sessions make clients on one thread at a time, clients serve all.

    https://docs.aws.amazon.com/boto3/latest/guide/session.html#multithreading-or-multiprocessing-with-sessions
    """
    lock = threading.Lock()
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        with lock:
            if service not in made:
                made[service] = clients(service)
                count.watch(made[service])
            return made[service]

    return client


# Of all partitions, private endpoints of a VPC and dual-stack ones among them:
# https://docs.aws.amazon.com/general/latest/gr/rande.html
_AWS_DOMAINS = ("amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "api.aws", "api.amazonwebservices.com.cn")


def endpoint_of(client: Any) -> str:
    """The address that a boto3 client calls."""
    return str(client.meta.endpoint_url)


def is_aws(url: str) -> bool:
    """Whether an address is one of AWS's own, which only AWS has a certificate for."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "https" and any(host == each or host.endswith(f".{each}") for each in _AWS_DOMAINS)


def is_same_aws(url: str, other: str) -> bool:
    """Whether two addresses lead to the same AWS: the real one, or one emulator."""
    if is_aws(url) or is_aws(other):
        return is_aws(url) and is_aws(other)
    return urlsplit(url).netloc == urlsplit(other).netloc
