"""The stub of a container: it answers health checks, shows a page about itself, and forwards if it is a proxy.

It has the task's plain environment only, no secrets.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, unquote

from portside.emulator import loopback_http
from portside.emulator.fargate.proxy import Proxy
from portside.emulator.loopback_http import Answer, Handler, Request, json_answer

FORWARD_TIMEOUT_SECONDS = 5
TOKEN_HEADER = "x-task-token"  # nosec B105 # the name of a header
ROUTE_HEADER = "x-stub-route"
"""The containers that forwarded a request, each with the path that it was asked for."""


@dataclass(frozen=True)
class Alias:
    """A name and port under which Service Connect offers a task to its namespace."""

    name: str
    port: int


@dataclass(frozen=True)
class StubFault:
    """The fault of a stub: it answers with a status, hangs, or refuses connections.

    It affects `paths`, all if None; with `passes_container_check` only the load balancer's checks fail.
    """

    status: int = 503
    paths: frozenset[str] | None = None
    hangs: bool = False
    refuses: bool = False
    passes_container_check: bool = False


@dataclass
class Stub:
    """A running task's stub; `port` is on 127.0.0.1, `address` is in its subnet."""

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
    fault: StubFault | None = None
    proxy: Proxy | None = None
    port: int = 0
    token: str = field(default_factory=secrets.token_urlsafe, repr=False)

    @property
    def healthy(self) -> bool:
        return self.fault is None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def fetch(self, request: Request, timeout: float) -> Answer:
        """Its answer to a request. Raises OSError or TimeoutError without an answer."""
        asked = replace(request, headers={**request.headers, TOKEN_HEADER: self.token})
        return await loopback_http.fetch(self.port, asked, timeout)

    def guard(self, request: Request, port: int) -> str:
        """Accepts requests of load balancers and other tasks only, like a task in a private network."""
        given = request.headers.get(TOKEN_HEADER, "")
        if hmac.compare_digest(given.encode(), self.token.encode()):
            return ""
        return "tasks answer through their load balancer only"

    def about(self) -> dict[str, Any]:
        """The task as its health path and its page show it."""
        return {
            "service": self.service,
            "container": self.container,
            "image": self.image,
            "digest": self.digest,
            "version": self.environment.get("APP_VERSION"),
            "commit": self.environment.get("COMMIT_SHA"),
            "task_arn": self.task_arn,
        }


Lookup = Callable[[str, str, int | None], list[Stub]]
Log = Callable[[str], None]

HANGING_SECONDS = 60
HEALTH_CHECKER = "ELB-HealthChecker"


def service_connect(service: Mapping[str, Any] | None) -> tuple[str | None, tuple[Alias, ...]]:
    """The namespace of a service, and its names in it."""
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


def handler(stub: Stub, lookup: Lookup, log: Log = lambda line: None) -> Handler:
    """The handler of a stub. A proxy forwards; any other stub answers itself.

    `log` gets a line for each request except health checks.
    """

    async def answer(request: Request) -> Answer:
        given = await _answer(stub, request, lookup)
        if HEALTH_CHECKER not in request.headers.get("user-agent", ""):
            log(f"{request.method} {request.path} {given.status} {len(given.body)}")
        return given

    return answer


async def _answer(stub: Stub, request: Request, lookup: Lookup) -> Answer:
    fault = stub.fault
    if fault is not None and (fault.paths is None or request.path in fault.paths):
        if fault.hangs:
            await asyncio.sleep(HANGING_SECONDS)
        return json_answer(stub.about() | {"status": "unhealthy"}, fault.status)
    if stub.proxy:
        return await _forward(stub, stub.proxy, request, lookup)
    if "text/html" in request.headers.get("accept", ""):
        return Answer(200, _page(stub, request).encode(), "text/html; charset=utf-8")
    return json_answer(stub.about() | {"status": "ok"})


async def _forward(stub: Stub, proxy: Proxy, request: Request, lookup: Lookup) -> Answer:
    route = proxy.route(request.path)
    if not route:
        return Answer(404, f"{stub.container}: no route for this path\n".encode())
    upstream, path = route
    host = stub.environment.get(f"{upstream}_HOST", "")
    port = stub.environment.get(f"{upstream}_PORT", "")
    found = lookup(stub.namespace or "", host, int(port) if port.isdigit() else None)
    targets = sorted(found, key=lambda each: not each.healthy)
    if not targets:
        problem = f"{stub.container}: no running task answers to {host}:{port} in the namespace\n"
        return Answer(502, problem.encode())
    query = request.target.partition("?")[2]
    headers = {**request.headers, ROUTE_HEADER: " ".join(_steps(stub, request))}
    forwarded = Request(request.method, path + (f"?{query}" if query else ""), headers, request.body)
    try:
        return await targets[0].fetch(forwarded, FORWARD_TIMEOUT_SECONDS)
    except (OSError, TimeoutError):
        return Answer(502, f"{stub.container}: {host}:{port} does not answer\n".encode())


def _steps(stub: Stub, request: Request) -> list[str]:
    """The containers that a request has passed with their paths, this one last."""
    return [*request.headers.get(ROUTE_HEADER, "").split(), f"{stub.container}={quote(request.path)}"]


_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.35rem; }
ol { list-style: none; padding: 0; margin: 1rem 0; }
li { border: 1px solid GrayText; border-radius: .3rem; padding: .5rem .8rem; }
li + li { margin-top: 1.9rem; position: relative; }
li + li::before { content: "\\2193"; position: absolute; top: -1.75rem; left: 1rem; }
li:last-child { border-width: 2px; border-color: LinkText; }
b { display: block; } code { font-size: .9rem; }
dt { opacity: .75; font-size: .85rem; } dd { margin: 0 0 .4rem; }
"""


def _page(stub: Stub, request: Request) -> str:
    """The way of the request to this container, and the task.

    The footer is that of the site: the version without its release candidate, then the commit.
    """
    version = (stub.environment.get("APP_VERSION") or "unknown").partition("-rc")[0]
    commit = stub.environment.get("COMMIT_SHA") or "unknown"
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(str(value))}</dd>" for name, value in stub.about().items()
    )
    passed = [each.partition("=") for each in _steps(stub, request)]
    steps = [
        ("your browser", passed[0][2]),
        ("load balancer", passed[0][2]),
        *((name, path) for name, _, path in passed),
    ]
    shown = "".join(
        f"<li><b>{html.escape(name)}</b><code>{request.method} {html.escape(unquote(path))}</code></li>"
        for name, path in steps
    )
    return (
        f'<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{html.escape(stub.container)} (stub)</title><style>{_STYLE}</style>"
        f"<h1>Stub for {html.escape(stub.container)}</h1>"
        f"<p>No image runs here. The request came this way:</p><ol>{shown}</ol><dl>{rows}</dl>"
        f"<footer>{html.escape(version)}-{html.escape(commit)}</footer></html>\n"
    )
