"""From references to digests, with a token and without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from benchmarks.resolution import IMAGES, modes, seconds
from portside.errors import UsageError
from portside.images.access import Access, Token
from portside.images.failures import Kind, ResolutionFailed
from portside.images.resolution import parse_resolution
from portside.images.resolve import resolve
from portside.images.resolved_image import ResolvedImage
from tests.unit.registry_support import (
    AMD64,
    ARM64,
    COMMIT,
    OWNER,
    SECRET,
    UNKNOWN,
    Catalogue,
    StubRegistry,
    anonymous,
    as_json,
    reference,
    send_nothing,
    serving,
    with_token,
)

WAYS = [anonymous, lambda server: with_token(server, server)]
both_ways = pytest.mark.parametrize("way", WAYS, ids=["anonymous", "with-token"])
Way = Callable[[StubRegistry], Access]


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue()


@pytest.fixture
def server(catalogue: Catalogue) -> Iterator[StubRegistry]:
    with serving(catalogue) as server:
        yield server


def _one(access: Access, asked: str = reference("agora-app")) -> ResolvedImage:
    return resolve([asked], "edge", access=access).images[asked]


def _failed(access: Access, *asked: str) -> ResolutionFailed:
    with pytest.raises(ResolutionFailed) as failed:
        resolve(asked or [reference("agora-app")], "edge", access=access)
    return failed.value


@both_ways
def test_an_image_of_one_platform_is_found_with_everything_known_about_it(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    published = catalogue.add("agora-app", "edge", "sha-0123456")
    assert _one(way(server)) == ResolvedImage(
        name=f"ghcr.io/{OWNER}/agora-app",
        tag="edge",
        digest=published.digest,
        commit=COMMIT,
        platform="linux/amd64",
        created="2026-11-02T03:04:05+00:00",
    )


@both_ways
def test_an_index_is_kept_together_with_the_manifest_that_runs(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    published = catalogue.add("agora-app", "edge", platforms=(UNKNOWN, ARM64, AMD64))
    image = _one(way(server))
    assert (image.digest, image.manifest) == (published.digest, published.manifests[AMD64])


@both_ways
def test_a_digest_is_used_as_it_is_and_its_tag_is_shown(catalogue: Catalogue, server: StubRegistry, way: Way) -> None:
    old = catalogue.add("agora-app", "4.2.0")
    catalogue.add("agora-app", "4.2.0", "new")
    asked = reference("agora-app", old.digest)
    assert (_one(way(server), asked).digest, _one(way(server), asked).tag) == (old.digest, old.digest)
    tagged = f"{reference('agora-app', '4.2.0')}@{old.digest}"
    assert (_one(way(server), tagged).digest, _one(way(server), tagged).tag) == (old.digest, "4.2.0")


@both_ways
def test_a_commit_without_a_label_comes_from_the_tag_next_to_it(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    catalogue.add("agora-app", "edge", "sha-abcdef0", commit=None)
    catalogue.add("agora-app", "4.1.0", "sha-1111111", commit=None)
    assert _one(way(server)).commit == "abcdef0"


@both_ways
def test_a_commit_that_nothing_tells_is_none(catalogue: Catalogue, server: StubRegistry, way: Way) -> None:
    catalogue.add("agora-app", "edge", commit=None)
    assert _one(way(server)).commit is None


@both_ways
def test_an_image_with_only_edge_on_it_has_its_commit_from_the_label(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    catalogue.add("agora-app", "edge", "sha-0123456")
    catalogue.add("agora-app", "4.2.0", "sha-0123456")
    assert _one(way(server)).commit == COMMIT


def test_a_registry_that_lists_no_tags_leaves_the_commit_unknown(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.add("agora-app", "edge", "sha-abcdef0", commit=None)
    server.fail("tags/list", as_json({}, status=405))
    assert _one(anonymous(server)).commit is None


@both_ways
def test_a_registry_without_tokens_is_read_without_one(catalogue: Catalogue, server: StubRegistry, way: Way) -> None:
    catalogue.add("agora-app", "edge")
    server.has_tokens = False
    assert _one(way(server)).commit == COMMIT


def test_another_registry_says_itself_where_its_tokens_are(catalogue: Catalogue, server: StubRegistry) -> None:
    published = catalogue.add("agora-app", "edge")
    host = server.url.removeprefix("http://")
    image = _one(Access(), f"{host}/{OWNER}/agora-app:edge")
    assert (image.name, image.digest) == (f"{host}/{OWNER}/agora-app", published.digest)
    assert [each.query["service"] for each in server.asked if each.path == "/token"] == ["stub"]


def test_a_registry_below_a_path_is_asked_there(catalogue: Catalogue) -> None:
    catalogue.add("agora-app", "edge")
    with serving(catalogue, prefix="/mirror") as server:
        assert _one(with_token(server, server)).commit == COMMIT
        assert all(path.startswith("/mirror/") for path in server.paths())


def test_a_package_of_a_user_is_found(catalogue: Catalogue, server: StubRegistry) -> None:
    server.people = ("somebody",)
    published = catalogue.add("tool", "edge", owner="somebody")
    assert _one(with_token(server, server), reference("tool", owner="somebody")).digest == published.digest


def test_a_package_with_a_slash_in_its_name_is_found(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.add("deep/tool", "edge")
    assert _one(with_token(server, server), reference("deep/tool")).commit == COMMIT
    assert server.paths("deep%2Ftool/versions")


def test_a_tag_on_the_third_page_is_found_and_no_further_page_is_read(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    catalogue.bury("agora-app", 150)
    published = catalogue.add("agora-app", "edge")
    catalogue.bury("agora-app", 210)
    assert _one(with_token(server, server)).digest == published.digest
    assert [each.query["page"] for each in server.asked if "/versions" in each.path] == ["1", "2", "3"]


def test_pages_are_counted_where_the_api_names_no_next_one(catalogue: Catalogue, server: StubRegistry) -> None:
    published = catalogue.add("agora-app", "edge")
    catalogue.bury("agora-app", 250)
    versions = catalogue.versions[f"{OWNER}/agora-app"]
    server.fail("/versions", *(as_json(versions[start : start + 100]) for start in (0, 100, 200)))
    assert _one(with_token(server, server)).digest == published.digest


def test_a_next_page_on_another_host_is_not_asked_and_pages_are_counted(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    published = catalogue.add("agora-app", "edge")
    catalogue.bury("agora-app", 100)
    versions = catalogue.versions[f"{OWNER}/agora-app"]
    with serving(catalogue) as other:
        server.fail("/versions", as_json(versions[:100], {"Link": f'<{other.url}/x?page=2>; rel="next"'}))
        assert _one(with_token(server, server)).digest == published.digest
        assert other.asked == []


def test_an_api_that_repeats_a_page_is_not_asked_for_ever(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.add("agora-app", "4.2.0")
    catalogue.bury("agora-app", 99)
    page = as_json(catalogue.versions[f"{OWNER}/agora-app"])
    server.fail("/versions", page, always=True)
    failed = _failed(with_token(server, server))
    assert failed.kinds == {Kind.ENDLESS}
    assert "lists its pages in a cycle" in failed.message
    assert len(server.paths("/versions")) == 2


def test_an_api_whose_pages_lead_to_themselves_is_not_asked_for_ever(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    catalogue.add("agora-app", "4.2.0")
    path = f"{server.url}/orgs/{OWNER}/packages/container/agora-app/versions?per_page=100&page=1"
    page = as_json(catalogue.versions[f"{OWNER}/agora-app"], {"Link": f'<{path}>; rel="next"'})
    server.fail("/versions", page, always=True)
    failed = _failed(with_token(server, server))
    assert failed.kinds == {Kind.ENDLESS}
    assert "lists its pages in a cycle" in failed.message
    assert len(server.paths("/versions")) == 1


def test_a_list_of_tags_whose_pages_lead_to_themselves_is_not_asked_for_ever(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    catalogue.add("agora-app", "4.2.0")
    link = f'</v2/{OWNER}/agora-app/tags/list?n=1000>; rel="next"'
    server.fail("tags/list", as_json({"tags": ["4.2.0"]}, {"Link": link}), always=True)
    failed = _failed(anonymous(server))
    assert failed.kinds == {Kind.TAG_UNKNOWN}, "the tag itself is missing in the registry"
    assert "tags/list lists its pages in a cycle" in failed.message
    assert len(server.paths("tags/list")) == 1


def test_a_short_page_that_comes_again_where_none_is_named_is_the_last(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    catalogue.add("agora-app", "4.2.0")
    server.fail("/versions", as_json(catalogue.versions[f"{OWNER}/agora-app"]), always=True)
    assert _failed(with_token(server, server)).kinds == {Kind.TAG_UNKNOWN}


def test_a_version_whose_tags_are_null_does_not_hide_the_requested_one(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    published = catalogue.add("agora-app", "edge")
    broken = {"name": f"sha256:{'0' * 64}", "metadata": {"container": {"tags": None}}}
    server.fail("/versions", as_json([broken, *catalogue.versions[f"{OWNER}/agora-app"]]), always=True)
    assert _one(with_token(server, server)).digest == published.digest


def test_a_missing_tag_is_reported_with_the_version_whose_tags_are_null(
    catalogue: Catalogue, server: StubRegistry
) -> None:
    published = catalogue.add("agora-app", "4.2.0")
    broken = {"name": published.digest, "metadata": {"container": {"tags": None}}}
    server.fail("/versions", as_json([broken] * 5), always=True)
    failed = _failed(with_token(server, server))
    assert failed.kinds == {Kind.TAG_UNKNOWN}
    fault = f"version {published.digest}: tags is null, not a list"
    assert f"part of its answer can't be read: {fault}; {fault}; {fault} and" in failed.message


@both_ways
def test_each_reference_is_resolved_once_and_the_order_is_kept(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    catalogue.add("agora-app", "edge")
    catalogue.add("agora-api", "edge")
    asked = [reference("agora-app"), reference("agora-api"), reference("agora-app")]
    found = resolve(asked, "edge", access=way(server))
    assert list(found.images) == asked[:2]
    assert len(server.paths("agora-app/manifests")) == 1


@both_ways
def test_what_was_found_is_read_again_from_its_file_as_it_is(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    catalogue.add("agora-app", "edge", platforms=(ARM64, AMD64))
    found = resolve([reference("agora-app")], "edge", access=way(server))
    assert parse_resolution(found.written(), "edge.json") == found


def test_no_images_take_no_call() -> None:
    assert resolve([], "edge", access=Access(Token(SECRET), "http://127.0.0.1:1")).images == {}


def test_what_is_no_reference_is_refused_before_anything_is_asked(catalogue: Catalogue, server: StubRegistry) -> None:
    catalogue.add("agora-app", "edge")
    with pytest.raises(UsageError):
        resolve([reference("agora-app"), "path://./app"], "edge", access=anonymous(server))
    assert server.asked == []


@both_ways
def test_all_failures_are_reported_at_once_and_what_several_share_once(
    catalogue: Catalogue, server: StubRegistry, way: Way
) -> None:
    for name in ("agora-app", "agora-api", "agora-data"):
        catalogue.add(name, "4.2.0")
    catalogue.add("agora-apex", "edge", platforms=(ARM64,))
    catalogue.add("agora-fine", "edge")
    names = ("agora-app", "agora-fine", "agora-apex", "agora-api", "agora-data")
    failed = _failed(way(server), *map(reference, names))
    lines = failed.message.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("agora-app, agora-api, agora-data: no image on 127.0.0.1")
    assert lines[1].startswith("agora-apex: there is no image for linux/amd64")
    assert "agora-fine" not in str(failed)
    assert failed.kinds == {Kind.TAG_UNKNOWN, Kind.WRONG_PLATFORM}
    assert list(failed.failures) == [reference(name) for name in names if name != "agora-fine"]
    assert len(failed.hint.splitlines()) == 2


def test_what_takes_too_long_is_named_with_what_it_waits_for(catalogue: Catalogue, server: StubRegistry) -> None:
    for name in ("agora-app", "agora-api"):
        catalogue.add(name, "edge")
    server.fail("agora-app/blobs", send_nothing, always=True)
    began = time.monotonic()
    with pytest.raises(ResolutionFailed) as failed:
        resolve([reference("agora-app"), reference("agora-api")], "edge", access=anonymous(server), within_seconds=0.8)
    assert time.monotonic() - began < 3
    assert failed.value.message.startswith("agora-app: not found within 0.8 s, still waiting for http://127.0.0.1")
    assert f"/v2/{OWNER}/agora-app/blobs/sha256:" in failed.value.message
    assert failed.value.kinds == {Kind.TOO_SLOW}


@pytest.mark.slow
def test_ten_images_take_hardly_longer_than_one() -> None:
    with modes(0.1) as ways:
        for access in ways.values():
            seconds(access)
            # Ten after another would take 4 s, and a shared machine is not always quick.
            assert min(seconds(access) for _ in range(2)) < IMAGES * 0.1 * 2


@both_ways
def test_an_image_takes_four_calls_in_sequence(catalogue: Catalogue, server: StubRegistry, way: Way) -> None:
    catalogue.add("agora-app", "edge", platforms=(ARM64, AMD64))
    _one(way(server))
    in_sequence = [each for each in server.paths() if each != "/token"]
    assert len(in_sequence) == (4 if way is not anonymous else 3)
    assert len(server.paths("^/token$")) == 1
