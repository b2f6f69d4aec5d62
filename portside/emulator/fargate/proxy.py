"""Containers that forward requests to others, as the app describes them when the embedded AWS starts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """Where requests go whose whole path matches `path`.

    `upstream` is the prefix of its HOST and PORT variables; `removed` is not in the forwarded path.
    """

    path: str
    upstream: str
    removed: str = ""


@dataclass(frozen=True)
class Proxy:
    """A container that forwards, recognized by its variables. The first route that matches is used."""

    variables: frozenset[str]
    routes: tuple[Route, ...]

    def route(self, path: str) -> tuple[str, str] | None:
        """The upstream of a path, and the forwarded path; None without a route."""
        for each in self.routes:
            if re.fullmatch(each.path, path):
                return each.upstream, path.removeprefix(each.removed)
        return None


Proxies = tuple[Proxy, ...]


def parse(text: str) -> Proxies:
    """The proxies in JSON, each with `variables` and `routes`."""
    return tuple(
        Proxy(frozenset(each["variables"]), tuple(Route(**route) for route in each["routes"]))
        for each in json.loads(text)
    )


def of_container(proxies: Proxies, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy that a container with these variables is."""
    return next((each for each in proxies if each.variables <= environment.keys()), None)
