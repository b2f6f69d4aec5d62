"""Registries that want a login: where it goes, and what is said when they refuse it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
import stamina

from portside.images.access import Access, Login, Token
from portside.images.failures import Failure, Kind, ResolutionFailed
from portside.images.registry import gives_password_to
from portside.images.resolve import resolve
from tests.unit.registry_support import (
    OWNER,
    Catalogue,
    Reply,
    StubRegistry,
    _Handler,
    as_json,
    redirect,
    refusal,
    serving,
)

PASSWORD = "hunter2-of-the-registry"
LOGIN = Login("shop", Token(PASSWORD), "secret shop/registry", "Correct the secret.", is_of_task=True)
BASIC = f"Basic {base64.b64encode(f'shop:{PASSWORD}'.encode()).decode()}"
APP = f"registry.example.org/{OWNER}/app:1.0"
ECR_HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ECR = f"{ECR_HOST}/{OWNER}/app:1.0"


@pytest.fixture(autouse=True)
def waits_take_no_time() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


@pytest.fixture
def catalogue() -> Catalogue:
    catalogue = Catalogue()
    catalogue.add("app", "1.0")
    return catalogue


@pytest.fixture
def registry(catalogue: Catalogue) -> Iterator[StubRegistry]:
    """Like ECR and plain registries: Basic, and no tokens."""
    with serving(catalogue, has_tokens=False) as server:

        def answer(handler: _Handler) -> None:
            path = handler.path.partition("?")[0]
            is_known = handler.headers.get("Authorization") == BASIC
            challenge = {"WWW-Authenticate": 'Basic realm="registry",service="ecr.amazonaws.com"'}
            handler.reply(handler.answer(path, {}) if is_known else refusal(401, "DENIED", challenge))

        server.fail("/v2/", answer, always=True)
        yield server


def access(server: StubRegistry, login: Login | None = LOGIN) -> Access:
    hosts = ("registry.example.org", ECR_HOST, "ghcr.io")
    return Access(registries=dict.fromkeys(hosts, server.url), log_in=lambda _: login)


def failed(server: StubRegistry, reference: str = APP, login: Login | None = LOGIN) -> Failure:
    with pytest.raises(ResolutionFailed) as failed:
        resolve([reference], "1.0", access=access(server, login))
    assert PASSWORD not in f"{failed.value.message}{failed.value.hint}"
    assert BASIC.split()[1] not in f"{failed.value.message}{failed.value.hint}"
    return failed.value.failures[reference]


@pytest.mark.parametrize("reference", [APP, ECR])
def test_a_registry_with_basic_authentication_gets_the_login(registry: StubRegistry, reference: str) -> None:
    image = resolve([reference], "1.0", access=access(registry)).images[reference]
    assert (image.platform, image.tag) == ("linux/amd64", "1.0")
    assert registry.asked[0].authorization is None, "not before the registry asks for it"
    assert {each.authorization for each in registry.asked[1:]} == {BASIC}


def test_a_registry_with_tokens_gets_the_login_for_the_token_only(catalogue: Catalogue) -> None:
    with serving(catalogue) as server:
        resolve([APP], "1.0", access=access(server))
        assert {each.authorization for each in server.asked if each.path == "/token"} == {BASIC}
        assert BASIC not in {each.authorization for each in server.asked if each.path != "/token"}


def test_a_private_package_of_github_is_read_with_the_login(catalogue: Catalogue) -> None:
    with serving(catalogue) as server:
        resolve([f"ghcr.io/{OWNER}/app:1.0"], "1.0", access=access(server))
        assert [each.authorization for each in server.asked if each.path == "/token"] == [BASIC]


def test_the_login_does_not_follow_a_redirect_to_the_store_of_the_content(
    catalogue: Catalogue, registry: StubRegistry
) -> None:
    """ECR keeps the content in S3."""
    with serving(catalogue, has_tokens=False) as store:

        def lead_away(handler: _Handler) -> None:
            handler.reply(redirect(f"{store.url}{handler.path}", 307))

        registry.fail("/blobs/", lead_away)
        resolve([APP], "1.0", access=access(registry))
        assert [each.authorization for each in store.asked] == [None]


def test_the_login_is_not_sent_to_another_domain_that_would_give_tokens(catalogue: Catalogue) -> None:
    """Docker Hub's tokens are from auth.docker.io, of the same domain."""
    with serving(catalogue) as other, serving(catalogue) as server:
        challenge = {"WWW-Authenticate": f'Bearer realm="{other.url}/token",service="x"'}
        server.fail("/manifests/", refusal(401, "UNAUTHORIZED", challenge))
        resolve([APP], "1.0", access=access(server))
        assert [each.authorization for each in other.asked if each.path == "/token"] == [None]


@pytest.mark.parametrize(
    ("registry_url", "issuer", "is_given"),
    [
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth", True),
        ("https://quay.io", "https://quay.io/v2/auth", True),
        ("https://registry.example.org", "https://example.com/token", False),
        ("https://registry.example.org", "https://example.org.evil.net/token", False),
        ("https://registry.example.org", "http://auth.example.org/token", False),
        ("https://10.1.2.3", "https://10.9.2.3/token", False),
    ],
)
def test_the_password_stays_in_the_registry_s_domain(registry_url: str, issuer: str, *, is_given: bool) -> None:
    assert gives_password_to(httpx.URL(registry_url), httpx.URL(issuer)) is is_given


def test_a_wrong_password_is_said_to_be_one_and_the_task_would_meet_it(catalogue: Catalogue) -> None:
    with serving(catalogue) as server:
        server.fail("/token", as_json({"details": "incorrect username or password"}, status=401), always=True)
        found = failed(server)
    assert found.kind is Kind.LOGIN_REFUSED
    assert found.sentence.endswith("rejects the user name or password of secret shop/registry (HTTP 401)")
    assert found.hint == "Correct the secret."


def test_a_login_of_this_machine_that_is_refused_is_not_the_task_s(catalogue: Catalogue) -> None:
    with serving(catalogue) as server:
        server.fail("/token", as_json({}, status=401), always=True)
        assert failed(server, login=replace(LOGIN, is_of_task=False)).kind is Kind.LOGIN_UNUSABLE


@pytest.mark.parametrize("status", [401, 403])
def test_a_login_without_rights_to_the_image_differs_from_a_wrong_password(catalogue: Catalogue, status: int) -> None:
    with serving(catalogue) as server:
        challenge = {"WWW-Authenticate": f'Bearer realm="{server.url}/token"'}
        server.fail("/manifests/1.0", refusal(401, "UNAUTHORIZED", challenge), refusal(status, "DENIED"))
        found = failed(server)
    assert found.sentence.endswith(f"does not let secret shop/registry pull it, or has no such image (HTTP {status})")


def test_ecr_says_which_right_is_missing(registry: StubRegistry) -> None:
    message = (
        f"User: arn:aws:sts::607346494281:assumed-role/x is not authorized to perform: ecr:BatchGetImage on resource: "
        f"arn:aws:ecr:us-east-1:123456789012:repository/{OWNER}/app because no resource-based policy allows it"
    )
    registry.forget_faults()
    registry.fail("/v2/", as_json({"errors": [{"code": "DENIED", "message": message}]}, status=403), always=True)
    found = failed(registry, ECR)
    assert "the right ecr:BatchGetImage is missing (HTTP 403)" in found.sentence


def test_a_missing_tag_and_a_missing_repository_have_different_errors(registry: StubRegistry) -> None:
    assert failed(registry, ECR.replace(":1.0", ":9")).kind is Kind.TAG_UNKNOWN
    assert failed(registry, ECR.replace("/app:", "/other:")).kind is Kind.PACKAGE_UNKNOWN


def test_ecr_without_aws_credentials_is_not_called_private(registry: StubRegistry) -> None:
    found = failed(registry, ECR, login=None)
    assert (found.kind, "requires AWS credentials" in found.sentence) == (Kind.LOGIN_UNUSABLE, True)


def test_the_limit_of_docker_hub_is_higher_with_a_login(registry: StubRegistry) -> None:
    registry.fail("/v2/", Reply(429, json.dumps({"errors": [{"code": "TOOMANYREQUESTS"}]}).encode()), always=True)
    hub = Access(registries={"docker.io": registry.url})
    with pytest.raises(ResolutionFailed) as anonymous:
        resolve(["nginx:1.27"], "1.0", access=hub)
    assert "registry_credentials" in anonymous.value.hint
