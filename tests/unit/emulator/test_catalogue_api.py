"""The catalogue answers as a registry and as GitHub's packages API do."""

from __future__ import annotations

import hashlib
import re
import socket

import pytest

from portside.emulator.registry.oci_image import MANIFEST
from tests.unit.local_aws_catalogue_support import (
    COMMIT,
    CREATED,
    NAME,
    PASSWORD,
    PATH,
    VERSIONS,
    Serving,
    basic,
    serving,
)

__all__ = ["serving"]

UNKNOWN = "sha256:" + "ab" * 32


def _next(link: str) -> str:
    found = re.search(r'<([^>]*)>; rel="next"', link)
    return found[1] if found else ""


def test_the_registry_wants_a_token_and_says_where_to_get_it(serving: Serving) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    for target, scope in (("/v2/", ""), (f"/v2/{PATH}/manifests/edge", f',scope="repository:{PATH}:pull"')):
        refused = serving.ask(target)
        assert refused.status == 401
        realm = f'Bearer realm="http://127.0.0.1:{serving.port}/token",service="portside-catalogue"{scope}'
        assert refused.headers["www-authenticate"] == realm
        assert refused.json["errors"][0]["code"] == "UNAUTHORIZED"
    assert serving.registry("/v2/").status == 200


def test_a_token_is_for_one_image(serving: Serving) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    assert serving.registry(f"/v2/{PATH}/manifests/edge", path="sage-bionetworks/agora-api").status == 401
    assert serving.ask("/v2/", authorization="Bearer bWFkZS11cA==.made-up").status == 401
    assert serving.ask("/v2/", authorization="Bearer \xff").status == 401
    assert serving.ask("/v2/", authorization="Basic dXNlcjpzZWNyZXQ=").status == 401


def test_an_image_is_read_from_its_tag_to_its_labels(serving: Serving) -> None:
    image = serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    manifest = serving.registry(f"/v2/{PATH}/manifests/edge")
    assert manifest.headers["content-type"] == MANIFEST
    assert manifest.headers["docker-content-digest"] == image.digest
    assert f"sha256:{hashlib.sha256(manifest.body).hexdigest()}" == image.digest
    assert serving.registry(f"/v2/{PATH}/manifests/{image.digest}").body == manifest.body
    config = serving.registry(f"/v2/{PATH}/blobs/{manifest.json['config']['digest']}")
    assert config.json["config"]["Labels"]["org.opencontainers.image.revision"] == COMMIT
    assert config.json["created"] == CREATED


def test_every_part_of_an_index_is_there(serving: Serving) -> None:
    image = serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED, "linux/amd64,linux/arm64")
    index = serving.registry(f"/v2/{PATH}/manifests/edge")
    assert index.headers["docker-content-digest"] == image.digest
    for entry in index.json["manifests"]:
        manifest = serving.registry(f"/v2/{PATH}/manifests/{entry['digest']}")
        assert len(manifest.body) == entry["size"]
        for each in (manifest.json["config"], *manifest.json["layers"]):
            assert len(serving.registry(f"/v2/{PATH}/blobs/{each['digest']}").body) == each["size"]


def test_head_answers_like_get_without_the_body(serving: Serving) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    whole, head = (serving.registry(f"/v2/{PATH}/manifests/edge", method) for method in ("GET", "HEAD"))
    assert head.body == b""
    assert (head.status, head.headers) == (200, whole.headers)


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"/v2/{PATH}/manifests/edge2", "MANIFEST_UNKNOWN"),
        (f"/v2/{PATH}/manifests/{UNKNOWN}", "MANIFEST_UNKNOWN"),
        (f"/v2/{PATH}/blobs/{UNKNOWN}", "BLOB_UNKNOWN"),
        ("/v2/sage-bionetworks/nothing/manifests/edge", "NAME_UNKNOWN"),
        ("/v2/sage-bionetworks/nothing/tags/list", "NAME_UNKNOWN"),
    ],
)
def test_what_the_registry_lacks_has_the_code_of_registries(serving: Serving, target: str, code: str) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    missing = serving.registry(target, path="sage-bionetworks/nothing" if "nothing" in target else PATH)
    assert missing.status == 404
    assert missing.json["errors"][0]["code"] == code


def test_an_image_of_which_only_the_digest_is_known_is_nowhere_to_be_read(serving: Serving) -> None:
    serving.catalogue.put(f"{NAME}:4.2.0", "stub", UNKNOWN)
    for tag in ("4.2.0", UNKNOWN):
        missing = serving.registry(f"/v2/{PATH}/manifests/{tag}")
        assert (missing.status, missing.json["errors"][0]["code"]) == (404, "MANIFEST_UNKNOWN")
    assert serving.registry(f"/v2/{PATH}/tags/list").json["tags"] == []
    assert serving.packages().status == 404


def test_tags_are_listed_page_by_page(serving: Serving) -> None:
    serving.catalogue.publish(NAME, ["edge", "4.2.0-rc2", "sha-0123456"], COMMIT, CREATED)
    whole = serving.registry(f"/v2/{PATH}/tags/list")
    assert whole.json == {"name": PATH, "tags": ["4.2.0-rc2", "edge", "sha-0123456"]}
    assert "link" not in whole.headers
    pages, target = [], f"/v2/{PATH}/tags/list?n=2"
    while target:
        page = serving.registry(target)
        pages.append(page.json["tags"])
        target = _next(page.headers.get("link", ""))
    assert pages == [["4.2.0-rc2", "edge"], ["sha-0123456"]]
    assert serving.registry(f"/v2/{PATH}/tags/list?n=two").status == 400


def test_nothing_can_be_written(serving: Serving) -> None:
    assert serving.registry(f"/v2/{PATH}/manifests/edge", "PUT").status == 405


def test_a_client_that_tries_tls_first_is_not_kept_waiting(serving: Serving) -> None:
    with socket.create_connection(("127.0.0.1", serving.port), timeout=2) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert connection.recv(1024).startswith(b"HTTP/1.1 400")


def test_versions_are_listed_newest_first_as_github_documents_them(serving: Serving) -> None:
    older = serving.catalogue.publish(NAME, ["edge", "sha-0123456"], COMMIT, CREATED)
    newer = serving.catalogue.publish(NAME, ["4.2.0-rc2", "sha-0123456"], COMMIT, CREATED)
    listed = serving.packages()
    assert listed.status == 200
    assert [each["name"] for each in listed.json] == [newer.digest, older.digest]
    assert listed.json[1] == {
        "id": older.id,
        "name": older.digest,
        "url": f"http://127.0.0.1:{serving.port}{VERSIONS}/{older.id}",
        "package_html_url": "https://github.com/orgs/sage-bionetworks/packages/container/package/agora-app",
        "created_at": older.created_at,
        "updated_at": listed.json[1]["updated_at"],
        "html_url": f"https://github.com/orgs/sage-bionetworks/packages/container/agora-app/{older.id}",
        "metadata": {"package_type": "container", "container": {"tags": ["edge"]}},
    }
    assert listed.headers["x-oauth-scopes"] == "read:packages"
    assert int(listed.headers["x-ratelimit-remaining"]) > 0
    assert "link" not in listed.headers


def test_versions_come_thirty_a_page_and_a_hundred_at_most(serving: Serving) -> None:
    for number in range(101):
        serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED, marker=str(number))
    assert len(serving.packages().json) == 30
    first = serving.packages(f"{VERSIONS}?per_page=1000")
    assert len(first.json) == 100
    following = _next(first.headers["link"]).removeprefix(f"http://127.0.0.1:{serving.port}")
    last = serving.packages(following)
    assert len(last.json) == 1
    assert 'rel="next"' not in last.headers["link"]
    assert 'rel="prev"' in last.headers["link"]
    assert serving.packages(f"{VERSIONS}?per_page=100&page=3").json == []
    assert len(serving.packages(f"{VERSIONS}?per_page=-1&page=none").json) == 30


@pytest.mark.parametrize("kind", ["Bearer", "token", "bearer"])
def test_the_packages_api_knows_the_servers_token_only(serving: Serving, kind: str) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    assert serving.ask(VERSIONS, authorization=f"{kind} {PASSWORD}").status == 200
    for wrong in ("of-somebody", PASSWORD[:-1], f"{PASSWORD}x"):
        refused = serving.ask(VERSIONS, authorization=f"{kind} {wrong}")
        assert (refused.status, refused.json["message"]) == (401, "Bad credentials")


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": basic("guess")}, {"authorization": basic("")}, {"authorization": "Basic %%"}]
)
def test_a_token_for_pulling_is_for_those_with_the_password(serving: Serving, headers: dict[str, str]) -> None:
    target = f"/token?scope=repository:{PATH}:pull"
    refused = serving.ask(target, **headers)
    assert (refused.status, refused.json["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    assert refused.headers["www-authenticate"].startswith("Basic ")
    assert serving.token(target).status == 200


def test_who_may_not_read_uses_no_fault_up(serving: Serving) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    serving.fault("server-error", times=1)
    for target in (VERSIONS, f"/token?scope=repository:{PATH}:pull", f"/v2/{PATH}/manifests/edge", "/v2/"):
        assert serving.ask(target).status == 401
    assert serving.packages().status == 500


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic dXNlcg=="}])
def test_the_packages_api_wants_a_token(serving: Serving, headers: dict[str, str]) -> None:
    refused = serving.ask(VERSIONS, **headers)
    assert (refused.status, refused.json["message"]) == (401, "Requires authentication")


def test_a_name_with_a_slash_is_quoted(serving: Serving) -> None:
    image = serving.catalogue.publish("ghcr.io/sage-bionetworks/agora/app", ["edge"], COMMIT, CREATED)
    listed = serving.packages("/orgs/Sage-Bionetworks/packages/container/agora%2Fapp/versions")
    assert [each["name"] for each in listed.json] == [image.digest]
    assert listed.json[0]["url"].endswith(f"/container/agora%2Fapp/versions/{image.id}")


def test_only_ghcrs_packages_are_listed(serving: Serving) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    serving.catalogue.publish("docker.io/sage-bionetworks/other", ["edge"], COMMIT, CREATED)
    listed = serving.packages("/orgs/sage-bionetworks/packages?package_type=container")
    assert [each["name"] for each in listed.json] == ["agora-app"]
    assert serving.packages("/orgs/sage-bionetworks/packages").status == 400
    assert serving.packages("/orgs/sage-bionetworks/packages/container/other/versions").status == 404


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/orgs/sage-bionetworks/packages/container/nothing/versions", "Package not found."),
        ("/users/sage-bionetworks/packages/container/agora-app/versions", "Not Found"),
        ("/users/sage-bionetworks/packages?package_type=container", "Not Found"),
        ("/orgs/nobody/packages?package_type=container", "Not Found"),
        ("/", "Not Found"),
    ],
)
def test_what_github_lacks_is_not_found(serving: Serving, target: str, message: str) -> None:
    serving.catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    missing = serving.packages(target)
    assert (missing.status, missing.json["message"]) == (404, message)
