"""Where the token goes, and that it gets nowhere else."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator

import pytest
import stamina

from portside.images.failures import ResolutionFailed
from portside.images.resolve import resolve
from tests.unit.registry_support import (
    AMD64,
    ARM64,
    OWNER,
    SECRET,
    Catalogue,
    Fault,
    Reply,
    StubRegistry,
    as_json,
    break_off,
    hang_up,
    redirect,
    reference,
    serving,
    speak_gibberish,
    with_token,
)

APP = reference("agora-app")
BEARER = f"Bearer {SECRET}"


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue()
    catalogue.add("agora-app", "edge", platforms=(ARM64, AMD64))
    return catalogue


@pytest.fixture
def api(catalogue: Catalogue) -> Iterator[StubRegistry]:
    with serving(catalogue) as server:
        yield server


@pytest.fixture
def registry(catalogue: Catalogue) -> Iterator[StubRegistry]:
    with serving(catalogue) as server:
        yield server


@pytest.fixture(autouse=True)
def waits_take_no_time() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4):
        yield


def test_the_token_goes_to_the_api_and_nowhere_else(
    catalogue: Catalogue, api: StubRegistry, registry: StubRegistry
) -> None:
    catalogue.add("agora-untold", "edge", "sha-abcdef0", commit=None)
    asked = [APP, reference("agora-untold"), f"{registry.url.removeprefix('http://')}/{OWNER}/agora-app:edge"]
    resolve(asked, "edge", access=with_token(api, registry))
    assert {each.authorization for each in api.asked} == {BEARER}
    assert {each.authorization for each in registry.asked} == {None, "Bearer anonymous"}
    assert not [each for each in registry.asked if SECRET in str(each)]
    assert not [each for each in api.asked if not each.path.startswith("/orgs/")]
    headers = api.asked[0].headers
    assert (headers["accept"], headers["x-github-api-version"]) == ("application/vnd.github+json", "2022-11-28")
    assert headers["user-agent"] == "portside"


@pytest.mark.parametrize("challenge", ["token", "manifests"])
def test_a_registry_that_asks_for_the_token_does_not_get_it(
    api: StubRegistry, registry: StubRegistry, challenge: str
) -> None:
    header = {"WWW-Authenticate": f'Bearer realm="{registry.url}/realm",service="ghcr.io"'}
    registry.fail(challenge, as_json({}, header, 401), always=True)
    with pytest.raises(ResolutionFailed):
        resolve([APP], "edge", access=with_token(api, registry))
    assert not [each for each in registry.asked if SECRET in str(each)]


ECHOES: list[Fault] = [
    as_json({"message": BEARER}, {"x-echo": BEARER}, 401),
    as_json({"message": SECRET, "x": [SECRET]}, {"x-oauth-scopes": SECRET}, 403),
    as_json({"message": SECRET}, {"x-github-sso": f"required; url=https://github.com/{SECRET}?{SECRET}"}, 403),
    as_json([{"name": SECRET, "metadata": {"container": {"tags": ["edge"]}}}], {"x-echo": BEARER}),
    as_json([{"name": SECRET, "metadata": {"container": {"tags": [SECRET]}}}]),
    Reply(200, SECRET.encode(), {"Set-Cookie": f"t={SECRET}"}, f"text/{SECRET}"),
    Reply(500, SECRET.encode(), {"x-echo": BEARER}),
    Reply(429, SECRET.encode(), {"Retry-After": SECRET}),
    redirect(f"http://127.0.0.1:9/{SECRET}?token={SECRET}"),
    redirect(f"/{SECRET}?token={SECRET}"),
    redirect(f"http://{SECRET}/"),
    redirect(f"http://user:{SECRET}@127.0.0.1:9/"),
    redirect(f"gopher://{SECRET}/"),
    hang_up,
    break_off,
    speak_gibberish,
]


@pytest.mark.parametrize("echo", ECHOES, ids=range(len(ECHOES)))
def test_a_token_that_is_sent_back_gets_into_no_error_no_trace_and_no_log(
    api: StubRegistry, registry: StubRegistry, echo: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    said: list[str] = []
    for name in ("", "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "asyncio", "stamina"):
        caplog.set_level(logging.DEBUG, name or None)
    api.fail("", echo, always=True)
    with pytest.raises(ResolutionFailed) as failed:
        resolve([APP], "edge", access=with_token(api, registry), report=said.append)
    error = failed.value
    assert error.__traceback__ is not None
    ours = error.__traceback__.tb_next  # not this function, whose variables know the secret
    trace = "".join(traceback.TracebackException(type(error), error, ours, capture_locals=True).format())
    assert "access = " in trace
    for text in (str(error), repr(error.failures), caplog.text, "".join(said), trace):
        assert SECRET not in text
    assert error.__context__ is None
    assert error.__cause__ is None


def test_the_log_is_read_by_these_tests(
    api: StubRegistry, registry: StubRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    resolve([APP], "edge", access=with_token(api, registry))
    assert "send_request_headers" in caplog.text
    assert SECRET not in caplog.text
