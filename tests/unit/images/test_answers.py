"""Whatever JSON a server sends, what comes out is an image or a failure in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stamina
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portside.images.access import Access
from portside.images.calls import Limits
from portside.images.failures import ResolutionFailed
from portside.images.resolution import Resolution
from portside.images.resolve import resolve
from tests.unit.registry_support import (
    AMD64,
    ARM64,
    COMMIT,
    IMPATIENT,
    Catalogue,
    Reply,
    StubRegistry,
    anonymous,
    digest_of,
    reference,
    serving,
    with_token,
)

DIGEST = f"sha256:{'0' * 64}"
# Words that mean something here, so that the parts of an answer turn up in wrong places.
WORDS = [
    *("token", "errors", "code", "NAME_UNKNOWN", "tags", "name", "metadata", "container", "manifests", "config"),
    *("digest", "size", "platform", "os", "architecture", "linux", "amd64", "annotations", "Labels", "created"),
    *(
        "edge",
        "sha-abcdef0",
        "message",
        "rate limit",
        DIGEST,
        COMMIT,
        "2026-11-02T03:04:05Z",
        "0001-01-01T00:00:00+23:59",
    ),
]
TEXTS = st.sampled_from(WORDS) | st.text(max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=12,
)
MANIFEST = {"schemaVersion": 2, "config": {"digest": DIGEST, "size": 2}, "layers": []}
INDEX = {"manifests": [{"digest": DIGEST, "size": 2, "platform": {"os": "linux", "architecture": "amd64"}}]}
CONFIG = {"os": "linux", "architecture": "amd64", "created": "2026-11-02T03:04:05Z", "config": {"Labels": {"a": "b"}}}
VERSIONS = [{"name": DIGEST, "metadata": {"container": {"tags": ["edge", "sha-abcdef0"]}}}]
ENDPOINTS = {
    "/token": {"token": "anonymous"},
    "/manifests/edge": MANIFEST,
    "/manifests/sha256": MANIFEST,
    "/manifests/(?:edge|sha256)": INDEX,
    "/blobs/": CONFIG,
    "/tags/list": {"name": "x", "tags": ["4.2.0", "sha-abcdef0"]},
    "/versions": VERSIONS,
    "package_type": [{"name": "agora-app"}],
}


@st.composite
def answers(draw: st.DrawFn, right: Any) -> bytes:
    """JSON of any structure, or the right answer with one part replaced, sometimes truncated."""
    said = draw(JSON) if draw(st.booleans()) else _replaced(draw, right)
    body = json.dumps(said).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 9)) == 0 else body


def _replaced(draw: st.DrawFn, node: Any) -> Any:
    if isinstance(node, dict) and node and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(node)))
        return {**node, key: _replaced(draw, node[key])}
    if isinstance(node, list) and node and draw(st.integers(0, 3)):
        place = draw(st.integers(0, len(node) - 1))
        return [*node[:place], _replaced(draw, node[place]), *node[place + 1 :]]
    return draw(JSON)


@pytest.fixture(scope="module")
def server() -> Iterator[StubRegistry]:
    catalogue = Catalogue()
    catalogue.add("agora-app", "edge", "sha-abcdef0", platforms=(ARM64, AMD64), commit=None)
    with serving(catalogue) as server, stamina.set_testing(True, attempts=4):
        yield server


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ENDPOINTS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_answer_ends_in_an_image_or_in_words(server: StubRegistry, endpoint: str, data: st.DataObject) -> None:
    body = data.draw(answers(ENDPOINTS[endpoint]))
    status = data.draw(st.sampled_from([200, 200, 200, 401, 403, 404, 400]))
    server.forget_faults()
    server.fail(endpoint, Reply(status, body), always=True)
    if endpoint == "/blobs/":
        manifest = {"config": {"digest": digest_of(body), "size": len(body)}, "layers": []}
        server.fail("/manifests/edge", Reply(200, json.dumps(manifest).encode()), always=True)
    name = "agora-missing" if endpoint == "package_type" else "agora-app"
    tag = "4.2.0-rc1" if endpoint == "/tags/list" else "edge"
    for access in (anonymous(server), with_token(server, server)):
        outcome = _outcome(access, reference(name, tag))
        if isinstance(outcome, Resolution):
            assert outcome.written()
        else:
            assert str(outcome).replace("\n", "").isprintable()
            assert outcome.hint


HEADERS = ["Location", "Link", "WWW-Authenticate", "Retry-After", "x-ratelimit-reset", "x-github-sso", "Content-Type"]
PIECES = [
    *("http://", "https://", "//", "[::1", "]", "127.0.0.1", ":99999", ":x", "/", "?", "#", "@", "%", "%zz", "\xe9"),
    *("<", ">", ";", ",", "=", '"', 'rel="next"', "rel=next", "Bearer ", 'realm="', "scope", "url=", "required", " "),
    *("0", "9" * 20, "-1", "Thu, 26 Nov 2026 03:56:24 GMT", "Thu", "GMT", "2026", "\t", "\x7f"),
]


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["/token", "/manifests/edge", "/blobs/", "/versions"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_header_ends_in_an_image_or_in_words(server: StubRegistry, endpoint: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(HEADERS))
    value = "".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=8)))
    status = data.draw(st.sampled_from([302] if name == "Location" else [200, 401, 403, 429]))
    extra = {"x-ratelimit-remaining": "0"} if name == "x-ratelimit-reset" else {}
    server.forget_faults()
    server.fail(endpoint, Reply(status, b"[]", {name: value, **extra}), always=True)
    for access in (anonymous(server), with_token(server, server)):
        outcome = _outcome(access, reference("agora-app"), impatient=True)
        assert isinstance(outcome, Resolution) or str(outcome).replace("\n", "").isprintable()


def _outcome(access: Access, asked: str, *, impatient: bool = False) -> Resolution | ResolutionFailed:
    try:
        return resolve([asked], "edge", access=access, limits=IMPATIENT if impatient else Limits())
    except ResolutionFailed as failed:
        return failed
