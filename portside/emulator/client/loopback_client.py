"""Requests to 127.0.0.1."""

from __future__ import annotations

import json
import urllib.request
from typing import Any


def send(request: urllib.request.Request | str, *, timeout: float) -> Any:
    """The open response. Proxies are not used for 127.0.0.1."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=timeout)


def post(url: str, body: object) -> urllib.request.Request:
    """A request with a JSON body."""
    return urllib.request.Request(url, data=json.dumps(body).encode(), method="POST")
