"""Waiting, redirects, proxies and cookies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina

from portside.errors import UsageError
from portside.images.access import Access
from portside.images.failures import ResolutionFailed
from portside.images.resolve import resolve
from tests.unit.registry_support import (
    AMD64,
    ARM64,
    OWNER,
    Catalogue,
    Reply,
    StubRegistry,
    anonymous,
    as_json,
    redirect,
    reference,
    serving,
    with_token,
)

APP, OTHER = reference("agora-app"), reference("agora-api")


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue()
    catalogue.add("agora-app", "edge", platforms=(ARM64, AMD64))
    return catalogue


@pytest.fixture
def server(catalogue: Catalogue) -> Iterator[StubRegistry]:
    with serving(catalogue) as server:
        yield server


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that are made, none of which takes any time."""
    made: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        made.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", noted)
    return made


def _is_found(access: Access) -> bool:
    return APP in resolve([APP], "edge", access=access).images


@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_a_server_asks_for_is_made(server: StubRegistry, pauses: list[float], status: int) -> None:
    server.fail("/token", Reply(status, headers={"Retry-After": "7"}), Reply(status, headers={"Retry-After": "0"}))
    assert _is_found(anonymous(server))
    assert pauses == [7, 0]


def test_a_pause_until_a_date_is_made(server: StubRegistry, pauses: list[float]) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=20)
    server.fail("/token", Reply(429, headers={"Retry-After": format_datetime(moment, usegmt=True)}))
    assert _is_found(anonymous(server))
    assert 15 < pauses[0] <= 20


def test_the_pause_until_a_limit_ends_is_made(server: StubRegistry, pauses: list[float]) -> None:
    limit = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 20)}
    server.fail("/versions", as_json({}, limit, 403))
    assert _is_found(with_token(server, server))
    assert 15 < pauses[0] <= 21


def test_pauses_grow_where_no_server_asks_for_one(server: StubRegistry, pauses: list[float]) -> None:
    server.fail("/token", Reply(500), Reply(500), Reply(500))
    assert _is_found(anonymous(server))
    assert [low <= pause <= low + 0.5 for low, pause in zip((0.25, 0.5, 1), pauses, strict=True)] == [True] * 3


def test_a_retry_is_reported(server: StubRegistry, pauses: list[float]) -> None:
    said: list[str] = []
    server.fail("/token", Reply(503, headers={"Retry-After": "7"}), Reply(500))
    resolve([APP], "edge", access=anonymous(server), report=said.append)
    host = server.url.removeprefix("http://")
    assert said == [
        f"agora-app: {host} has an internal error (HTTP 503); retrying in 7 s",
        f"agora-app: {host} has an internal error (HTTP 500); retrying",
    ]
    assert len(pauses) == 2


def test_what_several_images_wait_for_is_reported_once(server: StubRegistry, pauses: list[float]) -> None:
    said: list[str] = []
    with pytest.raises(ResolutionFailed):
        resolve([APP, OTHER], "edge", access=Access(registries={"ghcr.io": "http://127.0.0.1:9"}), report=said.append)
    assert [each.partition(": ")[2] for each in said] == [
        "127.0.0.1:9 can't be reached: it refuses the connection; retrying"
    ]


def test_a_retry_is_not_logged_as_well(server: StubRegistry, caplog: pytest.LogCaptureFixture) -> None:
    server.fail("/token", Reply(503))
    with stamina.set_testing(True, attempts=4):
        _is_found(anonymous(server))
    assert [each for each in caplog.records if each.name.startswith("stamina")] == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_api_s_own_host_is_followed_with_the_token(server: StubRegistry, status: int) -> None:
    server.fail("/orgs/", redirect(f"/users/{OWNER}/packages/container/agora-app/versions", status))
    server.people = (OWNER,)
    assert _is_found(with_token(server, server))


def test_content_by_digest_may_come_from_elsewhere_and_is_asked_for_without_authorization(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    with serving(catalogue, has_tokens=False) as other:
        server.fail("/(blobs|manifests)/sha256", *(redirect(f"{other.url}{path}") for path in _by_digest(catalogue)))
        assert _is_found(anonymous(server))
        assert len(other.asked) == 2
        assert {each.authorization for each in other.asked} == {None}


def _by_digest(catalogue: Catalogue) -> list[str]:
    kinds = {"manifest": "manifests", "config": "blobs"}
    amd64 = catalogue.add("agora-app", "edge", platforms=(ARM64, AMD64))
    of = {"manifest": amd64.manifests[AMD64], "config": amd64.configs[AMD64]}
    return [f"/v2/{OWNER}/agora-app/{kinds[each]}/{of[each]}" for each in kinds]


def test_a_cookie_of_one_server_reaches_no_other(catalogue: Catalogue, server: StubRegistry) -> None:
    versions = catalogue.versions[f"{OWNER}/agora-app"]
    with serving(catalogue) as api:
        api.fail("/versions", as_json(versions, {"Set-Cookie": "echo=secret; Path=/"}))
        assert _is_found(with_token(api, server))
    assert not [each for each in server.asked if "cookie" in each.headers]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_used_for_this_machine(server: StubRegistry, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert _is_found(Access(registries={"ghcr.io": server.url.replace("127.0.0.1", host)}))


def test_a_proxy_is_used_for_others(server: StubRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert _is_found(Access(registries={"ghcr.io": "http://registry.invalid"}))
    assert {each.headers["host"] for each in server.asked} == {"registry.invalid"}


def test_a_proxy_that_cannot_be_used_is_a_mistake_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(UsageError, match="the proxy can't be used"):
        _is_found(Access(registries={"ghcr.io": "http://registry.invalid"}))


def test_certificates_that_cannot_be_read_are_a_mistake_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    with pytest.raises(UsageError, match="certificates can't be read"):
        _is_found(Access(registries={"ghcr.io": "https://127.0.0.1:9"}))
