"""A container's stub answers truthfully, and apex forwards as the real one does."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from agora_own.apex import APEX
from portside.emulator import loopback_http
from portside.emulator.fargate import proxy, stub
from portside.emulator.fargate.stub import Alias, Stub, StubFault
from portside.emulator.loopback_http import Answer, Request

PROXIES = proxy.parse(json.dumps([APEX]))


def _stub(**changes: object) -> Stub:
    known: dict[str, object] = {
        "account": "1",
        "region": "us-east-1",
        "task_arn": "arn:aws:ecs:us-east-1:1:task/c/t",
        "cluster": "c",
        "service": "agora-app",
        "container": "agora-app",
        "image": "ghcr.io/a/agora-app:1",
        "digest": "sha256:1",
        "address": "10.0.0.4",
        "environment": {"APP_VERSION": "4.2.0-rc2", "COMMIT_SHA": "abc1234", "OTHER": "not shown"},
        "namespace": "agora.example.org",
        "aliases": (Alias("agora-app", 4200),),
    }
    return Stub(**(known | changes))  # type: ignore[arg-type]


def _ask(subject: Stub, path: str = "/health", accept: str = "*/*", others: tuple[Stub, ...] = ()) -> Answer:
    def lookup(namespace: str, name: str, port: int | None) -> list[Stub]:
        return [each for each in others if Alias(name, port or 0) in each.aliases and each.namespace == namespace]

    return asyncio.run(_answer(stub.handler(subject, lookup), Request("GET", path, {"accept": accept})))


async def _answer(handler: loopback_http.Handler, request: Request) -> Answer:
    return await handler(request)


def test_any_path_answers_with_what_it_is() -> None:
    answer = _ask(_stub(), "/anything")
    assert answer.status == 200
    about = json.loads(answer.body)
    assert (about["version"], about["commit"], about["digest"]) == ("4.2.0-rc2", "abc1234", "sha256:1")
    assert b"not shown" not in answer.body


def test_the_page_shows_the_sites_footer() -> None:
    page = _ask(_stub(), "/", "text/html").body.decode()
    assert "<footer>4.2.0-abc1234</footer>" in page


def test_an_unhealthy_one_fails_its_health_check() -> None:
    assert _ask(_stub(fault=StubFault())).status == 503


@pytest.mark.parametrize(
    ("path", "upstream", "forwarded"),
    [
        ("/", "APP", "/"),
        ("/health", "APP", "/health"),
        ("/api-docs", "API_DOCS", "/api-docs"),
        ("/api-docs/swagger.json", "API_DOCS", "/api-docs/swagger.json"),
        ("/api-docs-old", "APP", "/api-docs-old"),
        ("/api/v1/genes", "API", "/v1/genes"),
        ("/api/v1/data-version", "API_NEXT", "/v1/data-version"),
        ("/api/v1/data-version/more", "API", "/v1/data-version/more"),
        ("/api/v1/comparison-tools/models", "API_NEXT", "/v1/comparison-tools/models"),
        ("/api/v1/drugs/aspirin", "API_NEXT", "/v1/drugs/aspirin"),
    ],
)
def test_apex_forwards_a_path_to_its_service(path: str, upstream: str, forwarded: str) -> None:
    assert PROXIES[0].route(path) == (upstream, forwarded)


def test_only_a_container_with_all_its_variables_is_a_proxy() -> None:
    assert proxy.of_container(PROXIES, {"API_HOST": "a", "APP_HOST": "b", "OTHER": "c"}) is PROXIES[0]
    assert proxy.of_container(PROXIES, {"API_HOST": "a"}) is None
    assert proxy.of_container((), {"API_HOST": "a", "APP_HOST": "b"}) is None


def test_apex_says_which_service_is_missing() -> None:
    environment = {"APP_HOST": "agora-app", "APP_PORT": "4200", "API_HOST": "agora-api", "API_PORT": "3333"}
    answer = _ask(_stub(container="agora-apex", environment=environment, proxy=PROXIES[0]))
    assert answer.status == 502
    assert b"no running task answers to agora-app:4200" in answer.body


def test_requests_that_are_no_http_are_refused() -> None:
    async def send(text: bytes) -> bytes:
        async def ok(request: Request) -> Answer:
            return Answer(200, b"ok")

        server = await loopback_http.serve(ok, guard=lambda request, port: "")
        reader, writer = await asyncio.open_connection("127.0.0.1", loopback_http.port_of(server))
        writer.write(text)
        found = await reader.read(-1)
        writer.close()
        server.close()
        return found

    assert asyncio.run(send(b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
    get = b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n"
    assert asyncio.run(send(get + b"content-length: 99999999\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert asyncio.run(send(get + b"host: example.org\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert asyncio.run(send(get + b"\r\n")).endswith(b"ok")


def test_the_page_shows_the_way_of_the_request_through_the_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    app = _stub()
    environment = {"API_HOST": "agora-app", "API_PORT": "4200"}
    apex = _stub(container="agora-apex", environment=environment, proxy=PROXIES[0])

    async def fetch(_: int, request: Request, __: float) -> Answer:
        return await _answer(stub.handler(app, lambda *_: []), request)

    monkeypatch.setattr(loopback_http, "fetch", fetch)
    page = _ask(apex, "/api/v1/<genes>", "text/html", (app,)).body.decode()
    steps = re.findall(r"<li><b>([^<]+)</b><code>([^<]+)</code>", page)
    assert steps == [
        ("your browser", "GET /api/v1/&lt;genes&gt;"),
        ("load balancer", "GET /api/v1/&lt;genes&gt;"),
        ("agora-apex", "GET /api/v1/&lt;genes&gt;"),
        ("agora-app", "GET /v1/&lt;genes&gt;"),
    ]
    assert not re.search(r"<script|<link|<img|url\(", page)
