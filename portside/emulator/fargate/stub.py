"""What answers in place of a container: its health path, a page about itself, and apex's forwarding.

It knows the task's plain environment only; secrets never reach it.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portside.emulator import loopback_http
from portside.emulator.loopback_http import Answer, Handler, Request, json_answer

FORWARD_TIMEOUT_SECONDS = 5
TOKEN_HEADER = "x-task-token"  # nosec B105 # the name of a header


@dataclass(frozen=True)
class Alias:
    """A name and port under which Service Connect offers a task to its namespace."""

    name: str
    port: int


@dataclass(frozen=True)
class Ailment:
    """What is wrong with a stand-in: the status that it answers with, or that it hangs, or refuses connections.

    `paths` are those that it answers so, all if None; with `passes_container_check` only the load balancer minds.
    """

    status: int = 503
    paths: frozenset[str] | None = None
    hangs: bool = False
    refuses: bool = False
    passes_container_check: bool = False


@dataclass
class StandIn:
    """A running task's stand-in; `port` is its own on 127.0.0.1, `address` the one it has in its subnet."""

    account: str
    region: str
    task_arn: str
    cluster: str
    service: str | None
    container: str
    image: str
    digest: str
    address: str
    environment: Mapping[str, str]
    namespace: str | None
    aliases: tuple[Alias, ...]
    ailment: Ailment | None = None
    port: int = 0
    token: str = field(default_factory=secrets.token_urlsafe, repr=False)

    @property
    def healthy(self) -> bool:
        return self.ailment is None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def fetch(self, request: Request, timeout: float) -> Answer:
        """Its answer to a request. Raises OSError or TimeoutError when there is none."""
        asked = replace(request, headers={**request.headers, TOKEN_HEADER: self.token})
        return await loopback_http.fetch(self.port, asked, timeout)

    def guard(self, request: Request, port: int) -> str:
        """Only the load balancer and the other tasks get through to it, as in a network of its own."""
        given = request.headers.get(TOKEN_HEADER, "")
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return ""
        return "tasks answer through their load balancer only"

    def about(self) -> dict[str, Any]:
        """What it says about itself to whoever asks."""
        return {
            "service": self.service,
            "container": self.container,
            "image": self.image,
            "digest": self.digest,
            "version": self.environment.get("APP_VERSION"),
            "commit": self.environment.get("COMMIT_SHA"),
            "task_arn": self.task_arn,
        }


Lookup = Callable[[str, str, int | None], list[StandIn]]
Log = Callable[[str], None]

HANGING_SECONDS = 60
HEALTH_CHECKER = "ELB-HealthChecker"


def service_connect(service: Mapping[str, Any] | None) -> tuple[str | None, tuple[Alias, ...]]:
    """The namespace of a service, and the names it answers to in it."""
    configuration = (service or {}).get("serviceConnectConfiguration") or {}
    if not configuration.get("enabled"):
        return None, ()
    aliases = [
        Alias(alias.get("dnsName") or each.get("discoveryName") or each.get("portName"), int(alias["port"]))
        for each in configuration.get("services", [])
        for alias in each.get("clientAliases") or []
        if alias.get("port")
    ]
    return configuration.get("namespace") or str((service or {}).get("clusterArn")), tuple(aliases)


def handler(stand_in: StandIn, lookup: Lookup, log: Log = lambda line: None) -> Handler:
    """Apex is told by its environment: it forwards as the real one does, everything else answers for itself.

    `log` gets a line for each request, but not for health checks, which never end.
    """

    async def answer(request: Request) -> Answer:
        given = await _answer(stand_in, request, lookup)
        if HEALTH_CHECKER not in request.headers.get("user-agent", ""):
            log(f"{request.method} {request.path} {given.status} {len(given.body)}")
        return given

    return answer


def forwards(environment: Mapping[str, str]) -> bool:
    """Whether a container with these variables is a proxy for the others."""
    return {"API_HOST", "APP_HOST"} <= environment.keys()


async def _answer(stand_in: StandIn, request: Request, lookup: Lookup) -> Answer:
    ailment = stand_in.ailment
    if ailment is not None and (ailment.paths is None or request.path in ailment.paths):
        if ailment.hangs:
            await asyncio.sleep(HANGING_SECONDS)
        return json_answer(stand_in.about() | {"status": "unhealthy"}, ailment.status)
    if forwards(stand_in.environment):
        return await _forward(stand_in, request, lookup)
    if "text/html" in request.headers.get("accept", ""):
        return Answer(200, _page(stand_in).encode(), "text/html; charset=utf-8")
    return json_answer(stand_in.about() | {"status": "ok"})


def apex_route(path: str) -> tuple[str, str]:
    """Which upstream (the prefix of its HOST and PORT variables) gets a path, and the path that it sees."""
    if path == "/api-docs" or path.startswith("/api-docs/"):
        return "API_DOCS", path
    if path == "/api/v1/data-version" or path.startswith(("/api/v1/comparison-tools/", "/api/v1/drugs/")):
        return "API_NEXT", path.removeprefix("/api")
    if path.startswith("/api/"):
        return "API", path.removeprefix("/api")
    return "APP", path


async def _forward(stand_in: StandIn, request: Request, lookup: Lookup) -> Answer:
    upstream, path = apex_route(request.path)
    host = stand_in.environment.get(f"{upstream}_HOST", "")
    port = stand_in.environment.get(f"{upstream}_PORT", "")
    found = lookup(stand_in.namespace or "", host, int(port) if port.isdigit() else None)
    targets = sorted(found, key=lambda each: not each.healthy)
    if not targets:
        problem = f"{stand_in.container}: no running task answers to {host}:{port} in the namespace\n"
        return Answer(502, problem.encode())
    query = request.target.partition("?")[2]
    forwarded = Request(request.method, path + (f"?{query}" if query else ""), request.headers, request.body)
    try:
        return await targets[0].fetch(forwarded, FORWARD_TIMEOUT_SECONDS)
    except (OSError, TimeoutError):
        return Answer(502, f"{stand_in.container}: {host}:{port} does not answer\n".encode())


def _page(stand_in: StandIn) -> str:
    """The footer is the site's: the version without its release candidate, then the commit."""
    version = (stand_in.environment.get("APP_VERSION") or "unknown").partition("-rc")[0]
    commit = stand_in.environment.get("COMMIT_SHA") or "unknown"
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in stand_in.about().items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(stand_in.container)} (stand-in)</title>"
        f"<h1>Stand-in for {html.escape(stand_in.container)}</h1><dl>{rows}</dl>"
        f"<footer>{html.escape(version)}-{html.escape(commit)}</footer></html>\n"
    )
