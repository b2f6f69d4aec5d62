"""Each way in which looking an image up can fail has its own sentence and hint."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina

from portside.images.access import Access, Token
from portside.images.calls import Limits
from portside.images.failures import Failure, Kind, ResolutionFailed, package_unknown, tag_unknown
from portside.images.resolve import resolve
from tests.unit.registry_support import (
    AMD64,
    ARM64,
    IMPATIENT,
    OWNER,
    SECRET,
    Catalogue,
    Fault,
    Published,
    Reply,
    StubRegistry,
    anonymous,
    as_json,
    break_off,
    digest_of,
    hang_up,
    redirect,
    reference,
    refusal,
    send_without_end,
    serving,
    speak_gibberish,
    trickle,
    with_token,
)

HTML = Reply(200, b"<html>Please log in</html>", kind="text/html; charset=utf-8")
VERSIONS = "/versions"


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def published(catalogue: Catalogue) -> Published:
    return catalogue.add("agora-app", "edge", platforms=(ARM64, AMD64))


@pytest.fixture
def server(catalogue: Catalogue, published: Published) -> Iterator[StubRegistry]:
    with serving(catalogue) as server:
        yield server


@pytest.fixture(autouse=True)
def waits_take_no_time() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4):
        yield


def _failure(access: Access, tag: str = "edge", name: str = "agora-app", *, impatient: bool = False) -> Failure:
    limits = IMPATIENT if impatient else Limits()
    asked = reference(name, tag)
    with pytest.raises(ResolutionFailed) as failed:
        resolve([asked], tag, access=access, limits=limits)
    error = failed.value
    assert error.exit_code == 1
    assert error.message.startswith(f"{name}: ")
    assert error.hint
    for secret in (SECRET, "per_page", "scope=", "authorization", "Bearer"):
        assert secret not in str(error)
    return error.failures[asked]


def _with_api_fault(server: StubRegistry, fault: Fault) -> Failure:
    server.fail(VERSIONS, fault, always=True)
    return _failure(with_token(server, server))


def test_a_private_image_without_a_token_needs_one(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.private.add(f"{OWNER}/agora-app")
    failure = _failure(anonymous(server))
    assert failure.kind == Kind.TOKEN_NEEDED
    assert "127.0.0.1" in failure.sentence
    assert "HTTP 403" in failure.sentence
    assert "GITHUB_TOKEN" in failure.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_private_image_with_a_token_is_found_but_not_public(
    catalogue: Catalogue, server: StubRegistry, status: int
) -> None:
    server.fail("/token", refusal(status, "DENIED"), always=True)
    failure = _failure(with_token(server, server))
    assert failure.kind == Kind.NOT_PUBLIC
    assert f"is not public: {server.url.removeprefix('http://')}" in failure.sentence
    assert "Make the package public" in failure.hint


def test_a_digest_that_no_one_may_read_does_not_ask_for_the_token_that_is_there(
    published: Published, server: StubRegistry
) -> None:
    server.fail("/token", refusal(401, "DENIED"), always=True)
    failure = _failure(with_token(server, server), published.digest)
    assert failure.kind == Kind.TOKEN_NEEDED
    assert "GITHUB_TOKEN" not in failure.hint


def test_a_refused_token_is_reported(server: StubRegistry) -> None:
    failure = _failure(with_token(server, server, "ghp_another"))
    assert failure.kind == Kind.TOKEN_REFUSED
    assert "rejects the token (HTTP 401)" in failure.sentence
    assert "unset GITHUB_TOKEN" in failure.hint


@pytest.mark.parametrize(
    ("message", "headers"),
    [
        ("The token has expired", {}),
        ("Bad credentials", {"github-authentication-token-expiration": "2024-01-31 10:00:00 UTC"}),
        ("Bad credentials", {"github-authentication-token-expiration": "2024-01-31 10:00:00 -0500"}),
    ],
)
def test_an_expired_token_is_distinguished(server: StubRegistry, message: str, headers: Mapping[str, str]) -> None:
    failure = _with_api_fault(server, as_json({"message": message}, headers, 401))
    assert failure.kind == Kind.TOKEN_EXPIRED


def test_a_token_that_expires_later_is_refused_for_another_reason(server: StubRegistry) -> None:
    headers = {"github-authentication-token-expiration": "2099-01-31 10:00:00 UTC"}
    assert _with_api_fault(server, as_json({"message": "no"}, headers, 401)).kind == Kind.TOKEN_REFUSED


@pytest.mark.parametrize("scopes", ["", "repo, gist"])
def test_a_token_without_the_scope_is_reported_with_the_missing_one(server: StubRegistry, scopes: str) -> None:
    failure = _with_api_fault(server, as_json({"message": "You need more"}, {"x-oauth-scopes": scopes}, 403))
    assert failure.kind == Kind.SCOPE_MISSING
    assert "lacks the scope read:packages" in failure.sentence


def test_a_fine_grained_token_is_reported_as_a_classic_one_is_needed(server: StubRegistry) -> None:
    message = {"message": "Resource not accessible by personal access token"}
    failure = _with_api_fault(server, as_json(message, status=403))
    assert failure.kind == Kind.TOKEN_TYPE
    assert "classic token" in failure.hint


def test_single_sign_on_is_reported_with_its_address_but_not_with_its_query(server: StubRegistry) -> None:
    header = {"x-github-sso": f"required; url=https://github.com/orgs/{OWNER}/sso?authorization_request=A1B2SECRET"}
    failure = _with_api_fault(server, as_json({"message": "protected"}, header, 403))
    assert failure.kind == Kind.SSO_NEEDED
    assert f"at https://github.com/orgs/{OWNER}/sso." in failure.hint
    assert "A1B2SECRET" not in failure.hint


@pytest.mark.parametrize(
    "header", ["required", "required; url=", "required; url=https://a@b/", "url=https://[", "url=x"]
)
def test_single_sign_on_without_a_usable_address_is_reported_too(server: StubRegistry, header: str) -> None:
    assert _with_api_fault(server, as_json({}, {"x-github-sso": header}, 403)).kind == Kind.SSO_NEEDED


@pytest.mark.parametrize("status", [403, 451])
def test_another_refusal_is_reported_as_one(server: StubRegistry, status: int) -> None:
    scopes = {"x-oauth-scopes": "read:packages"}
    failure = _with_api_fault(server, as_json({"message": "blocked"}, scopes, status))
    assert failure.kind == Kind.BLOCKED
    assert f"HTTP {status}" in failure.sentence
    assert ("for legal reasons" in failure.sentence) == (status == 451)


def test_an_unknown_package_is_reported_with_those_that_are_like_it(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.add("agora-api", "edge")
    catalogue.add("unlike", "edge")
    failure = _failure(with_token(server, server), name="agora-ap")
    assert failure.kind == Kind.PACKAGE_UNKNOWN
    assert f"has no image {OWNER}/agora-ap (HTTP 404)" in failure.sentence
    assert failure.hint.startswith("Similar are: agora-ap")
    assert "unlike" not in failure.hint


def test_an_unknown_package_is_reported_also_where_the_others_cannot_be_read(server: StubRegistry) -> None:
    server.fail("package_type", HTML, always=True)
    failure = _failure(with_token(server, server), name="agora-ap")
    assert failure.kind == Kind.PACKAGE_UNKNOWN
    assert "Check the name" in failure.hint


def test_unknown_packages_of_one_owner_ask_for_the_others_once(server: StubRegistry) -> None:
    with pytest.raises(ResolutionFailed):
        resolve([reference("one"), reference("two")], "edge", access=with_token(server, server))
    assert len([each for each in server.asked if "package_type" in each.query]) == 1


@pytest.mark.parametrize("is_reported", [True, False])
def test_an_unknown_image_in_a_registry_is_reported(server: StubRegistry, is_reported: bool) -> None:
    server.has_tokens = False
    if not is_reported:
        server.fail("nobody/manifests", refusal(404, "MANIFEST_UNKNOWN"))
    failure = _failure(anonymous(server), name="nobody")
    assert failure.kind == Kind.PACKAGE_UNKNOWN


WAYS: list[Callable[[StubRegistry], Access]] = [anonymous, lambda server: with_token(server, server)]
both_ways = pytest.mark.parametrize("way", WAYS, ids=["anonymous", "with-token"])


@both_ways
def test_an_unknown_tag_is_reported_with_releases_that_are_like_it(
    catalogue: Catalogue, server: StubRegistry, way: Callable[[StubRegistry], Access]
) -> None:
    catalogue.add("agora-app", "4.2.0-rc1", "sha-4200000")
    catalogue.add("agora-app", "4.2.0-rc2", "x4.2.0-rc3")
    failure = _failure(way(server), "4.2.0-rc3")
    assert failure.kind == Kind.TAG_UNKNOWN
    assert "has no tag 4.2.0-rc3" in failure.sentence
    named = failure.hint.removeprefix("Similar are: ").rstrip(".").split(", ")
    assert set(named[:2]) == {"4.2.0-rc1", "4.2.0-rc2"}
    assert named[2] == "x4.2.0-rc3"
    assert len(named) <= 5


@both_ways
def test_a_missing_edge_has_its_own_message(
    catalogue: Catalogue, server: StubRegistry, way: Callable[[StubRegistry], Access]
) -> None:
    catalogue.add("agora-new", "4.1.0", "sha-0123456")
    catalogue.add("agora-new", "4.2.0-rc1")
    failure = _failure(way(server), name="agora-new")
    assert failure.kind == Kind.TAG_UNKNOWN
    assert "no image on 127.0.0.1" in failure.sentence
    assert "has the tag edge" in failure.sentence
    assert "A merge to the monorepo's main publishes it. Newest are: 4.2.0-rc1, 4.1.0." in failure.hint


def test_a_tag_is_unknown_also_where_no_list_can_be_had(server: StubRegistry) -> None:
    server.fail("tags/list", HTML, always=True)
    failure = _failure(anonymous(server), "4.2.0")
    assert failure.kind == Kind.TAG_UNKNOWN
    assert "It has no tag" not in failure.hint


def test_tags_that_were_not_all_read_are_said_to_be_the_newest() -> None:
    assert "among its newest 2 tags" in tag_unknown("ghcr.io", "5.0.0", ["4.0.0", "edge"], read_all=False).sentence
    assert "It has no tags." in tag_unknown("ghcr.io", "5.0.0", []).hint
    assert "Check the name" in package_unknown("ghcr.io", "o/n", ["quite-different"]).hint


@both_ways
def test_an_image_for_another_platform_is_reported_with_those_there_are(
    catalogue: Catalogue, server: StubRegistry, way: Callable[[StubRegistry], Access]
) -> None:
    catalogue.add("arm", "edge", platforms=(ARM64,))
    catalogue.add("arms", "edge", platforms=(ARM64, ("linux", "s390x"), ("unknown", "unknown")))
    assert "only for linux/arm64" in _failure(way(server), name="arm").sentence
    failure = _failure(way(server), name="arms")
    assert failure.kind == Kind.WRONG_PLATFORM
    assert failure.sentence.endswith("only for linux/arm64, linux/s390x")


def test_a_config_that_contradicts_its_index_decides_about_the_platform(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    arm = catalogue.add("liar", "arm", platforms=(ARM64,))
    entry = catalogue.descriptor(arm.digest) | {"platform": {"os": "linux", "architecture": "amd64"}}
    catalogue.tag(f"{OWNER}/liar", catalogue.keep("application/json", {"manifests": [entry]}), "edge")
    assert _failure(anonymous(server), name="liar").kind == Kind.WRONG_PLATFORM


def test_an_index_inside_an_index_is_malformed(
    published: Published, catalogue: Catalogue, server: StubRegistry
) -> None:
    entry = catalogue.descriptor(published.digest) | {"platform": {"os": "linux", "architecture": "amd64"}}
    catalogue.tag(f"{OWNER}/nested", catalogue.keep("application/json", {"manifests": [entry]}), "edge")
    assert "an index inside an index" in _failure(anonymous(server), name="nested").sentence


@pytest.mark.parametrize("pattern", ["/token", "/manifests/edge", VERSIONS])
@pytest.mark.parametrize(
    ("reply", "came"),
    [
        (HTML, "text/html that is not JSON"),
        (Reply(200, b"", kind=""), "content without a type that is not JSON"),
        (Reply(200, b"{not json}"), "application/json that is not JSON"),
        (Reply(200, b"null"), "application/json that is not "),
        (Reply(200, b'"edge"'), "application/json that is not "),
        (Reply(200, b"[" * 100_000), "application/json that is not JSON"),
        (Reply(200, b"\xff\xfe\x00"), "application/json that is not JSON"),
        (Reply(200, b"[" + b"9" * 5000 + b"]"), "application/json that is not "),
    ],
)
def test_a_malformed_answer_is_reported_with_its_address_and_type_and_not_retried(
    server: StubRegistry, pattern: str, reply: Reply, came: str
) -> None:
    server.fail(pattern, reply, always=True)
    failure = _failure(with_token(server, server) if pattern == VERSIONS else anonymous(server))
    assert failure.kind == Kind.MALFORMED
    assert came in failure.sentence
    assert failure.sentence.startswith("http://127.0.0.1")
    assert "log in" not in failure.sentence
    assert len(server.paths(pattern)) == 1


@pytest.mark.parametrize("status", [204, 304, 400, 410, 418, 422])
def test_a_status_without_a_meaning_is_reported(server: StubRegistry, status: int) -> None:
    failure = _with_api_fault(server, Reply(status))
    assert f"HTTP {status}" in failure.sentence


def test_a_version_that_names_no_digest_is_malformed(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.versions[f"{OWNER}/agora-app"][0]["name"] = "1.0.0"
    failure = _failure(with_token(server, server))
    assert failure.kind == Kind.MALFORMED
    assert "without a digest of edge" in failure.sentence


def test_a_digest_that_the_registry_does_not_have_is_reported(server: StubRegistry) -> None:
    digest = digest_of(b"gone")
    failure = _failure(anonymous(server), digest)
    assert failure.kind == Kind.CONTENT_MISSING
    assert digest in failure.sentence


@pytest.mark.parametrize("pattern", ["/manifests/edge", "/manifests/sha256", "/blobs/"])
def test_content_that_does_not_match_its_digest_is_reported_and_not_retried(
    catalogue: Catalogue, published: Published, server: StubRegistry, pattern: str
) -> None:
    body = catalogue.contents[published.digest][1].replace(b"linux", b"Linux") + b" " * 2000
    server.fail(pattern, Reply(200, body, {"Docker-Content-Digest": published.digest}), always=True)
    failure = _failure(anonymous(server))
    assert failure.kind == Kind.MISMATCH
    assert "sha256:" in failure.sentence
    assert len(server.paths(pattern)) == 1


@pytest.mark.parametrize("pattern", ["/manifests/edge", "/manifests/sha256", "/blobs/", VERSIONS, "/token"])
def test_an_answer_that_breaks_off_is_asked_for_again(server: StubRegistry, pattern: str) -> None:
    server.fail(pattern, break_off, break_off)
    found = resolve([reference("agora-app")], "edge", access=with_token(server, server))
    if pattern not in ("/manifests/edge",):
        assert len(server.paths(pattern)) >= 3
    assert found.images
    server.fail("/token", break_off, always=True)
    failure = _failure(anonymous(server))
    assert failure.kind == Kind.CUT_SHORT
    assert "tried 4 times" in failure.sentence


def test_content_that_is_shorter_than_its_manifest_says_is_asked_for_again(
    catalogue: Catalogue, published: Published, server: StubRegistry
) -> None:
    body = catalogue.contents[published.configs[AMD64]][1]
    server.fail("/blobs/", Reply(200, body[:-20]), Reply(200, body[:10]))
    assert resolve([reference("agora-app")], "edge", access=anonymous(server)).images
    assert len(server.paths("/blobs/")) == 3


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_a_server_error_is_reported_after_four_attempts(server: StubRegistry, status: int) -> None:
    failure = _with_api_fault(server, Reply(status))
    assert failure.kind == Kind.SERVER_ERROR
    assert f"(HTTP {status}) (tried 4 times)" in failure.sentence
    assert len(server.paths(VERSIONS)) == 4


def test_a_server_that_hangs_up_is_asked_again(server: StubRegistry) -> None:
    server.fail("/manifests/", hang_up, hang_up, hang_up)
    assert resolve([reference("agora-app")], "edge", access=anonymous(server)).images
    server.fail("/manifests/", hang_up, always=True)
    failure = _failure(anonymous(server))
    assert failure.kind == Kind.UNREACHABLE
    assert "closes the connection" in failure.sentence


def test_what_does_not_speak_http_is_reported(server: StubRegistry) -> None:
    server.fail("/manifests/", speak_gibberish, always=True)
    failure = _failure(anonymous(server))
    assert failure.kind == Kind.MALFORMED
    assert "not HTTP" in failure.sentence


def test_an_endless_answer_is_reported_and_not_retried(server: StubRegistry) -> None:
    server.fail(VERSIONS, send_without_end, always=True)
    failure = _failure(with_token(server, server), impatient=True)
    assert failure.kind == Kind.ENDLESS
    assert "200,000 bytes" in failure.sentence
    assert len(server.paths(VERSIONS)) == 1


def test_an_answer_that_trickles_is_too_slow_and_not_asked_for_again(server: StubRegistry) -> None:
    server.fail("/manifests/", trickle, always=True)
    failure = _failure(anonymous(server), impatient=True)
    assert failure.kind == Kind.TOO_SLOW
    assert "no complete answer within 0.6 s" in failure.sentence
    assert len(server.paths("/manifests/")) == 1


@pytest.mark.slow
def test_a_server_that_sends_nothing_is_retried_and_then_too_slow() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        failure = _failure(Access(registries={"ghcr.io": url}), impatient=True)
    assert failure.kind == Kind.TOO_SLOW
    assert "no data for 0.3 s (tried 4 times)" in failure.sentence


def test_a_server_that_does_not_exist_refuses_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deleted:
        port = deleted.getsockname()[1]
    failure = _failure(Access(Token(SECRET), f"http://127.0.0.1:{port}"))
    assert failure.kind == Kind.UNREACHABLE
    assert f"127.0.0.1:{port} can't be reached: it refuses the connection (tried 4 times)" in failure.sentence


def test_a_name_that_is_not_known_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    failure = _failure(Access(registries={"ghcr.io": "http://registry.invalid"}))
    assert failure.sentence.startswith("registry.invalid can't be reached: DNS doesn't resolve its name")


def test_a_server_without_tls_is_reported_with_the_reason(server: StubRegistry) -> None:
    failure = _failure(Access(registries={"ghcr.io": server.url.replace("http:", "https:")}))
    assert failure.kind == Kind.UNREACHABLE
    assert "no TLS connection" in failure.sentence


@pytest.mark.parametrize("pattern", [VERSIONS, "/token", "/manifests/edge"])
def test_a_redirect_to_another_host_is_refused_and_that_host_hears_nothing(
    catalogue: Catalogue, server: StubRegistry, pattern: str
) -> None:
    with serving(catalogue) as other:
        server.fail(pattern, redirect(f"{other.url}/elsewhere?x=1"), always=True)
        failure = _failure(with_token(server, server) if pattern == VERSIONS else anonymous(server))
        assert other.asked == []
        assert failure.kind == Kind.LEADS_ELSEWHERE
        assert f"redirects to {other.url.removeprefix('http://')}" in failure.sentence
        assert ("where the token is not sent" in failure.sentence) == (pattern == VERSIONS)


@pytest.mark.parametrize("pattern", [VERSIONS, "/token", "/manifests/sha256", "/blobs/"])
def test_redirects_in_a_circle_end(server: StubRegistry, pattern: str) -> None:
    server.fail(pattern, redirect(f"{server.url}/again/blobs/token/manifests/sha256/versions"), always=True)
    failure = _failure(with_token(server, server) if pattern == VERSIONS else anonymous(server))
    assert failure.kind == Kind.TOO_MANY_REDIRECTS
    assert "redirects in a cycle, back to" in failure.sentence
    assert len(server.paths(pattern)) == 2


def test_redirects_without_end_are_followed_five_times(server: StubRegistry) -> None:
    hops = [redirect(f"{server.url}/hop/{number}/token") for number in range(9)]
    server.fail("/token", *hops)
    failure = _failure(anonymous(server))
    assert (failure.kind, len(server.paths("/token"))) == (Kind.TOO_MANY_REDIRECTS, 6)
    assert "redirects more than 5 times" in failure.sentence


@pytest.mark.parametrize("target", ["", "ftp://127.0.0.1/x", "http://[::1/x", "https://", "http://\x7f/"])
def test_a_redirect_to_nowhere_is_malformed(server: StubRegistry, target: str) -> None:
    failure = _with_api_fault(server, redirect(target))
    assert failure.kind == Kind.MALFORMED
    assert "redirect without an address" in failure.sentence


@pytest.mark.parametrize("status", [403, 429])
def test_an_exhausted_limit_is_reported_with_its_reset_time_and_not_waited_for(
    server: StubRegistry, status: int
) -> None:
    reset = int(time.time()) + 1800
    limit = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}
    failure = _with_api_fault(server, as_json({"message": "API rate limit exceeded"}, limit, status))
    assert failure.kind == Kind.RATE_LIMITED
    moments = [datetime.fromtimestamp(reset + seconds).astimezone() for seconds in range(-1, 4)]
    assert any(f"{moment:%H:%M:%S}" in failure.sentence for moment in moments)
    assert failure.hint.startswith("Wait")
    assert len(server.paths(VERSIONS)) == 1


def test_a_limit_without_a_token_is_helped_by_one(server: StubRegistry) -> None:
    server.fail("/token", Reply(429, headers={"Retry-After": "3600"}))
    failure = _failure(anonymous(server))
    assert failure.kind == Kind.RATE_LIMITED
    assert failure.hint.startswith("Set GITHUB_TOKEN")


def test_a_token_of_github_does_not_lift_the_limit_of_another_registry(server: StubRegistry) -> None:
    server.fail("/manifests/", Reply(429, headers={"Retry-After": "3600"}))
    with pytest.raises(ResolutionFailed) as failed:
        resolve([f"{server.url.removeprefix('http://')}/{OWNER}/agora-app:edge"], "edge", access=Access())
    assert "GITHUB_TOKEN" not in failed.value.hint


@pytest.mark.parametrize("headers", [{"Retry-After": "1"}, {}])
def test_a_secondary_limit_is_waited_for_and_asked_again(server: StubRegistry, headers: Mapping[str, str]) -> None:
    server.fail(VERSIONS, as_json({"message": "You have exceeded a secondary rate limit."}, headers, 403))
    assert resolve([reference("agora-app")], "edge", access=with_token(server, server)).images


def test_a_limit_that_ends_on_a_date_beyond_the_deadline_is_reported_with_the_day(server: StubRegistry) -> None:
    moment = datetime.now(UTC) + timedelta(days=2)
    server.fail("/token", Reply(503, headers={"Retry-After": format_datetime(moment)}))
    assert _failure(anonymous(server)).kind == Kind.SERVER_ERROR
    server.fail("/token", Reply(429, headers={"Retry-After": format_datetime(moment)}))
    assert f"until {moment.astimezone():%Y-%m-%d}" in _failure(anonymous(server)).sentence


@pytest.mark.parametrize("asked", ["soon", "-5", "1e9", "999999999999", "٣", "Wed, 99 Foo 2026"])
def test_a_wait_that_no_one_can_read_or_live_through_is_no_traceback(server: StubRegistry, asked: str) -> None:
    header = asked.encode().decode("latin-1")
    server.fail("/token", Reply(429, headers={"Retry-After": header}), always=True)
    assert _failure(anonymous(server)).kind == Kind.RATE_LIMITED


def test_names_from_a_server_cannot_draw_on_the_terminal(catalogue: Catalogue, server: StubRegistry) -> None:
    server.fail("tags/list", as_json({"tags": ["4.2.\x1b[31m0", "4.2.1"]}), always=True)
    assert _failure(anonymous(server), "4.2.0").hint == "Similar are: 4.2.1."


def test_a_certificate_that_no_one_vouches_for_is_reported(
    server: StubRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        error = ssl.SSLCertVerificationError(1, "certificate verify failed")
        error.verify_message = "self-signed certificate"
        raise error

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", refuse)
    failure = _failure(Access(registries={"ghcr.io": server.url.replace("http:", "https:")}))
    assert failure.sentence.endswith("its certificate is not trusted (self-signed certificate)")
