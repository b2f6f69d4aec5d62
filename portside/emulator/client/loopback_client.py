"""Requests of this machine to itself."""

from __future__ import annotations

import urllib.request
from typing import Any


def send(request: urllib.request.Request | str, *, timeout: float) -> Any:
    """The open answer. A proxy meant for the internet must not be asked for 127.0.0.1."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout)
