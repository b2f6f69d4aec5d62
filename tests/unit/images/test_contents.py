"""The contents of manifests and configs."""

from __future__ import annotations

from typing import Any

import pytest

from portside.images.answer import Misshapen
from portside.images.contents import (
    NEVER,
    REVISION,
    Index,
    Manifest,
    commit_among,
    read_bearer,
    read_config,
    read_content,
    read_package_names,
    read_tags,
    read_versions,
)

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
CONFIG = {"os": "linux", "architecture": "amd64"}


def _entry(digest: str, os: str | None = None, architecture: str = "amd64", **more: Any) -> dict[str, Any]:
    platform = {} if os is None else {"platform": {"os": os, "architecture": architecture} | more}
    return {"digest": digest, "size": 1, **platform}


@pytest.mark.parametrize(
    ("created", "said"),
    [
        ("2026-11-02T03:04:05.678901234Z", "2026-11-02T03:04:05+00:00"),
        ("2026-11-02T03:04:05+02:00", "2026-11-02T01:04:05+00:00"),
        ("2026-11-02T03:04:05", "2026-11-02T03:04:05+00:00"),
        ("0001-01-01T00:00:00Z", NEVER),
        ("0001-01-01T00:00:00+14:00", NEVER),
        ("", NEVER),
        (None, NEVER),
    ],
)
def test_the_moment_is_reported_in_utc_and_whole_seconds(created: str | None, said: str) -> None:
    assert read_config({**CONFIG, "created": created}).created == said


def test_an_image_without_a_time_has_no_age() -> None:
    assert read_config(CONFIG).created == NEVER


@pytest.mark.parametrize(
    ("label", "commit"),
    [("0123456", "0123456"), (" ABCDEF0 ", "abcdef0"), ("012345", None), ("main", None), ("0" * 41, None), (7, None)],
)
def test_a_label_counts_where_it_is_a_commit(label: object, commit: str | None) -> None:
    assert read_config({**CONFIG, "config": {"Labels": {REVISION: label}}}).commit == commit


def test_labels_may_be_missing() -> None:
    for config in (CONFIG, {**CONFIG, "config": None}, {**CONFIG, "config": {"Labels": None}}):
        assert read_config(config).commit is None


def test_our_platform_is_found_whatever_its_variant_and_among_descriptions_of_others() -> None:
    index = read_content(
        {"manifests": [_entry(A, "unknown", "unknown"), _entry(A, "linux", "arm64"), _entry(B, "linux", variant="v3")]}
    )
    assert isinstance(index, Index)
    found = index.for_our_platform()
    assert found is not None
    assert found.digest == B
    assert index.platforms == ("linux/arm64", "linux/amd64")


def test_an_entry_without_a_platform_is_examined_where_no_other_fits() -> None:
    index = read_content({"manifests": [_entry(A, "linux", "arm64"), _entry(B)]})
    assert isinstance(index, Index)
    found = index.for_our_platform()
    assert found is not None
    assert found.digest == B


def test_annotations_tell_the_commit_too() -> None:
    annotations = {"annotations": {REVISION: "abcdef0"}}
    manifest, index = read_content({"config": _entry(A), **annotations}), read_content({"manifests": [], **annotations})
    assert isinstance(manifest, Manifest)
    assert (manifest.commit, index.commit) == ("abcdef0", "abcdef0")


def test_the_longest_commit_among_tags_counts() -> None:
    assert commit_among(["edge", "sha-abcdef0", "sha-abcdef01", "sha-xyz", "sha-abc"]) == "abcdef01"
    assert commit_among(["edge"]) is None


def test_a_list_of_tags_can_be_null_and_what_is_no_tag_is_omitted() -> None:
    assert read_tags({"name": "x", "tags": None}) == []
    assert read_tags({"tags": ["edge", "\x1b[31m", "a b", "\ud800"]}) == ["edge"]


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        "x",
        {},
        {"config": None},
        {"config": {"digest": "sha512:00"}},
        {"config": {"digest": A, "size": True}},
        {"manifests": {}},
        {"manifests": [None]},
        {"manifests": [_entry(A, "linux", "a/b")]},
        {"manifests": [{"digest": A, "platform": {"os": "linux"}}]},
        {"manifests": [], "config": _entry(A)},
        {"config": _entry(A), "annotations": []},
    ],
)
def test_what_is_no_manifest_is_misshapen(said: object) -> None:
    with pytest.raises(Misshapen):
        read_content(said)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {"os": "linux"},
        {**CONFIG, "created": 5},
        {**CONFIG, "created": "yesterday"},
        {**CONFIG, "created": "9999-12-31T23:59:59-14:00"},
        {**CONFIG, "config": []},
        {**CONFIG, "config": {"Labels": []}},
        {"os": 1, "architecture": None},
    ],
)
def test_what_is_no_config_is_misshapen(said: object) -> None:
    with pytest.raises(Misshapen):
        read_config(said)


def test_lists_and_tokens_of_another_shape_are_misshapen() -> None:
    for read, said in (
        (read_versions, {}),
        (read_versions, None),
        (read_package_names, {"name": None}),
        (read_tags, {"tags": {}}),
        (read_tags, {"tags": [1]}),
        (read_bearer, {"token": ""}),
        (read_bearer, {"token": "a\nb"}),
    ):
        with pytest.raises(Misshapen):
            read(said)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (None, "a version: a version is null, not an object"),
        ([], "a version: a version is a list, not an object"),
        ({"name": A}, f"version {A}: metadata is null, not an object"),
        ({"name": A, "metadata": {}}, f"version {A}: metadata.container is null, not an object"),
        ({"name": A, "metadata": {"container": {}}}, f"version {A}: tags is null, not a list"),
        ({"name": A, "metadata": {"container": {"tags": None}}}, f"version {A}: tags is null, not a list"),
        ({"name": A, "metadata": {"container": {"tags": "edge"}}}, f"version {A}: tags is a text, not a list"),
        ({"name": A, "metadata": {"container": {"tags": [1]}}}, f"version {A}: a tag is a number, not a text"),
        ({"name": 1, "metadata": {"container": {"tags": []}}}, "a version: name is a number, not a text"),
        ({"metadata": {"container": {"tags": []}}}, "a version: name is null, not a text"),
    ],
)
def test_one_version_of_another_shape_is_said_and_does_not_hide_the_others(said: object, fault: str) -> None:
    good = {"name": A, "metadata": {"container": {"tags": ["edge"]}}}
    assert [each.fault for each in read_versions([said, good])] == [fault, ""]
    assert read_versions([said, good])[1].tags == ("edge",)


def test_names_of_packages_that_are_none_are_omitted() -> None:
    assert read_package_names([None, {"name": None}, {"name": "agora-app"}]) == ["agora-app"]
