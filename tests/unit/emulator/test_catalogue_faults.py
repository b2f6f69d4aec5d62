"""The catalogue's APIs fail in the ways that are switched on, as often as was said, and are whole again then."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portside.emulator.registry import catalogue_api
from portside.emulator.registry.catalogue_faults import APIS, CATALOGUE_FAULTS, CatalogueFault, CatalogueFaults, checked
from tests.unit.local_aws_catalogue_support import (
    COMMIT,
    CREATED,
    NAME,
    PASSWORD,
    PATH,
    VERSIONS,
    Said,
    Serving,
    serving,
)

__all__ = ["serving"]

TOKEN = f"/token?scope=repository:{PATH}:pull"
MANIFEST = f"/v2/{PATH}/manifests/edge"


@pytest.fixture
def published(serving: Serving) -> Serving:
    serving.catalogue.publish(NAME, ["edge", "sha-0123456"], COMMIT, CREATED)
    return serving


def _ask(serving: Serving, api: str) -> Said:
    return serving.packages() if api == "packages" else serving.token(TOKEN)


def _all_tags(serving: Serving) -> tuple[list[str], list[str]]:
    """Those that the packages API shows, and those that the registry does."""
    versions = serving.packages().json
    listed = [tag for each in versions for tag in each["metadata"]["container"]["tags"]]
    return sorted(listed), serving.registry(f"/v2/{PATH}/tags/list").json["tags"]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("unauthorized", 401),
        ("expired", 401),
        ("forbidden", 403),
        ("lacks-scope", 403),
        ("rate-limited", 429),
        ("quota-used-up", 403),
        ("server-error", 500),
        ("redirect", 302),
    ],
)
def test_a_refusal_has_its_status_so_many_times(published: Serving, fault: str, status: int, api: str) -> None:
    published.fault(fault, api, times=2)
    assert [_ask(published, api).status for _ in range(3)] == [status, status, 200]
    assert published.faults.all() == []


@pytest.mark.parametrize("api", APIS)
def test_a_fault_of_one_api_leaves_the_other_alone(published: Serving, api: str) -> None:
    published.fault("server-error", api)
    assert {each: _ask(published, each).status for each in APIS} == {each: 500 if each == api else 200 for each in APIS}


@pytest.mark.parametrize("image", ["agora-app", PATH, NAME])
def test_a_fault_of_one_image_leaves_the_others_alone(published: Serving, image: str) -> None:
    published.catalogue.publish(f"{NAME}-next", ["edge"], COMMIT, CREATED)
    published.faults.put(checked("server-error", image=image))
    assert published.packages().status == 500
    assert published.token(TOKEN).status == 500
    assert published.packages(VERSIONS.replace("agora-app", "agora-app-next")).status == 200
    assert published.ask("/v2/").status == 401, "that is about no image"


def test_github_explains_what_is_wrong_with_a_token(published: Serving) -> None:
    published.fault("lacks-scope", times=1)
    assert "read:packages" not in published.packages().headers["x-oauth-scopes"]
    published.fault("expired", times=1)
    expired = published.packages()
    assert "expired" in expired.json["message"]
    assert expired.headers["github-authentication-token-expiration"] < time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    published.fault("unauthorized", times=1)
    assert published.packages().json["message"] == "Bad credentials"


def test_limits_tell_when_to_come_back(published: Serving) -> None:
    published.fault("rate-limited", times=2)
    assert [_ask(published, api).headers["retry-after"] for api in APIS] == ["1", "1"]
    published.fault("rate-limited", value=20.5)
    assert published.packages().headers["retry-after"] == "21"
    published.faults.clear()
    published.fault("quota-used-up", value=600)
    used_up = published.packages()
    assert used_up.headers["x-ratelimit-remaining"] == "0"
    assert 500 < int(used_up.headers["x-ratelimit-reset"]) - time.time() < 700


def test_a_package_that_is_not_found_still_has_a_token(published: Serving) -> None:
    published.fault("not-found")
    assert published.token(TOKEN).status == 200
    assert published.registry(MANIFEST).json["errors"][0]["code"] == "NAME_UNKNOWN"
    assert published.packages().status == 404


def test_a_redirect_leads_to_another_host(published: Serving) -> None:
    published.fault("redirect")
    assert published.packages().headers["location"] == f"http://127.0.0.2:{published.port}{VERSIONS}"


@pytest.mark.parametrize("api", APIS)
def test_a_slow_answer_is_right(published: Serving, api: str) -> None:
    published.fault("slow", api, value=0.2)
    asked = time.monotonic()
    assert _ask(published, api).status == 200
    assert time.monotonic() - asked >= 0.2


@pytest.mark.parametrize("api", APIS)
def test_garbage_is_no_json_and_a_page_no_answer(published: Serving, api: str) -> None:
    published.fault("garbage", api, times=1)
    garbage = _ask(published, api)
    assert (garbage.status, garbage.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"codec|Expecting"):
        json.loads(garbage.body)
    published.fault("html", api, times=1)
    assert _ask(published, api).headers["content-type"].startswith("text/html")
    assert _ask(published, api).json


@pytest.mark.parametrize("api", APIS)
def test_a_truncated_answer_breaks_off(published: Serving, api: str) -> None:
    published.fault("truncated", api, times=1)
    with pytest.raises(http.client.IncompleteRead):
        _ask(published, api)
    assert _ask(published, api).status == 200


def test_an_endless_answer_trickles_until_the_client_leaves(
    published: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_api, "TRICKLE_SECONDS", 0.001)
    published.fault("endless", times=1)
    connection = http.client.HTTPConnection("127.0.0.1", published.port, timeout=5)
    connection.request("GET", VERSIONS, headers={"authorization": f"Bearer {PASSWORD}"})
    answer = connection.getresponse()
    assert answer.getheader("content-length") is None
    assert answer.read(100) == b" " * 100
    connection.close()
    assert published.packages().status == 200


def test_an_endless_answer_ends_after_all(published: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_api, "ENDLESS_SECONDS", 0.05)
    published.fault("endless")
    assert published.packages().body.strip() == b""


def test_the_question_about_a_manifest_has_no_body_to_break(published: Serving) -> None:
    published.fault("truncated", "registry", times=2)
    with pytest.raises(http.client.IncompleteRead):
        published.token(TOKEN)
    published.faults.clear()
    token = published.token(TOKEN).json["token"]
    published.fault("truncated", "registry", times=1)
    assert published.ask(MANIFEST, "HEAD", authorization=f"Bearer {token}").status == 200
    assert published.faults.all()[0].times == 1


def test_the_demand_for_a_token_is_not_broken(published: Serving) -> None:
    published.fault("garbage", "registry", times=1)
    assert published.ask(MANIFEST).json["errors"][0]["code"] == "UNAUTHORIZED"
    assert published.token(TOKEN).body.startswith(b"\x00")


def test_edge_is_on_page_2(published: Serving) -> None:
    published.fault("edge-on-page-2")
    first, second = (published.packages(f"{VERSIONS}?per_page=100&page={page}") for page in (1, 2))
    assert len(first.json) == 100
    assert len({each["id"] for each in first.json + second.json}) == 101
    assert all(each["metadata"]["container"]["tags"] == [] for each in first.json)
    assert [each["metadata"]["container"]["tags"] for each in second.json] == [["edge", "sha-0123456"]]


def test_edge_is_missing(published: Serving) -> None:
    published.fault("edge-missing")
    assert _all_tags(published) == (["sha-0123456"], ["sha-0123456"])
    assert published.registry(MANIFEST).json["errors"][0]["code"] == "MANIFEST_UNKNOWN"
    assert published.registry(MANIFEST.replace("edge", "sha-0123456")).status == 200


def test_edge_is_alone_on_its_version(published: Serving) -> None:
    published.catalogue.publish(NAME, ["4.2.0-rc2", "sha-7654321"], COMMIT[::-1], CREATED)
    published.fault("edge-only")
    assert _all_tags(published) == (["4.2.0-rc2", "edge", "sha-7654321"], ["4.2.0-rc2", "edge", "sha-7654321"])
    assert published.registry(MANIFEST).status == 200
    assert published.registry(MANIFEST.replace("edge", "sha-0123456")).status == 404
    assert published.registry(MANIFEST.replace("edge", "sha-7654321")).status == 200


def test_another_platform_is_found_the_same_way_through_both_apis(published: Serving) -> None:
    right = published.packages().json[0]["name"]
    published.fault("wrong-platform")
    wrong = published.packages().json[0]["name"]
    assert wrong != right
    manifest = published.registry(MANIFEST)
    assert manifest.headers["docker-content-digest"] == wrong
    assert published.registry(f"/v2/{PATH}/manifests/{wrong}").body == manifest.body
    config = published.registry(f"/v2/{PATH}/blobs/{manifest.json['config']['digest']}")
    assert config.json["architecture"] == "arm64"


@pytest.mark.parametrize("fault", ["edge-missing", "wrong-platform"])
def test_faults_of_content_are_counted_too(published: Serving, fault: str) -> None:
    right = published.packages().body
    published.fault(fault, times=1)
    assert published.packages().body != right
    assert published.packages().body == right


def test_several_faults_are_on_at_once(published: Serving) -> None:
    published.fault("slow", value=0.1)
    published.fault("server-error", times=1)
    published.fault("edge-missing")
    asked = time.monotonic()
    assert [published.packages().status for _ in range(2)] == [500, 200]
    assert time.monotonic() - asked >= 0.2
    assert _all_tags(published)[0] == ["sha-0123456"]


@pytest.mark.parametrize(
    ("switch_on", "problem"),
    [
        (lambda: checked("edge-mising"), "did you mean edge-missing"),
        (lambda: checked("zzz"), "known are unauthorized"),
        (lambda: checked("slow", "github"), "must be one of registry, packages"),
        (lambda: checked("slow", times=0), "must be 1 or more"),
        (lambda: checked("slow", times=True), "must be 1 or more"),
        (lambda: checked("html", value=3), "takes no value"),
        (lambda: checked("slow", value="soon"), "must be a number"),
        (lambda: checked("slow", value=-1), "must be a number"),
    ],
)
def test_a_fault_that_cannot_be_switched_on_is_refused(switch_on: Callable[[], CatalogueFault], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        switch_on()


def test_every_fault_is_reported_in_a_line() -> None:
    for name, meaning in CATALOGUE_FAULTS.items():
        assert name == name.lower()
        assert 0 < len(meaning) < 80


def test_faults_survive_a_restart_with_what_is_left_of_them(tmp_path: Path) -> None:
    faults = CatalogueFaults(tmp_path / "faults.json")
    faults.put(checked("server-error", "registry", NAME, 3))
    assert faults.take({"server-error"}, "registry", PATH)
    again = CatalogueFaults(tmp_path / "faults.json")
    assert again.all() == [CatalogueFault("server-error", "registry", PATH, 2)]
    again.put(checked("server-error", "registry", NAME))
    assert len(again.all()) == 1
    again.clear()
    assert CatalogueFaults(tmp_path / "faults.json").all() == []
