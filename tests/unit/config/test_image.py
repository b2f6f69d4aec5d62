"""References to container images."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portside.config.image_reference import ImageReference, is_moving_tag, is_tag, parse_reference, stub_reference

MOVING_TAGS = """
    edge latest LATEST latest-alpine edge.amd64 main master dev stage prod live uat preprod nightly stable
    sha-0123abc 1.0-SNAPSHOT
"""
RELEASE_TAGS = "4.2.0-rc2 v1.0 1.0 2026-11-01 4.3.0-edgecase edgecase maintenance-1 live-4.2.0 uat1 knowledge"
DIGEST = "sha256:" + "0123456789abcdef" * 4

_SMALL = string.ascii_lowercase + string.digits
_parts = st.text(_SMALL, min_size=1, max_size=8)
_components = st.builds(
    lambda first, rest: first + "".join(separator + part for separator, part in rest),
    _parts,
    st.lists(st.tuples(st.sampled_from([".", "_", "__", "-", "---"]), _parts), max_size=2),
)
_hosts = st.sampled_from(["ghcr.io/", "localhost:5000/", "Registry.Example.org/", "10.0.0.1:443/", ""])
_TAG_SIGNS = string.ascii_letters + string.digits + "_.-"
_tags = st.text(_TAG_SIGNS, min_size=1, max_size=20).filter(lambda tag: tag[0] not in ".-")


@given(_hosts, st.lists(_components, min_size=1, max_size=3), st.none() | _tags, st.none() | st.just(DIGEST))
def test_a_reference_assembled_from_its_parts_is_taken_apart_again(
    host: str, components: list[str], tag: str | None, digest: str | None
) -> None:
    name = host + "/".join(components)
    written = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    assert parse_reference(written) == ImageReference(name, tag, digest)


@given(st.text(string.ascii_letters + string.digits + "._-/:@ \n", max_size=30))
def test_what_counts_as_a_reference_has_a_name_that_registries_take(text: str) -> None:
    reference = parse_reference(text)
    if reference is None:
        return
    *host, last = reference.name.split("/")
    for component in [*host[1:], last]:
        assert set(component) <= set(_SMALL + "._-")
        assert component[0] in _SMALL
        assert component[-1] in _SMALL
    assert text == reference.name + (f":{reference.tag}" if reference.tag else "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "App:1",
        "ghcr.io/App:1",
        "app:",
        ":1",
        "app:-1",
        "app:1 ",
        "app:1\n",
        "a//b:1",
        "/app:1",
        "app@sha256:abc",
        f"app@{DIGEST}0",
        "app:" + "x" * 129,
        "https://ghcr.io/app:1",
        "a..b:1",
        "é:1",
    ],
)
def test_what_a_registry_refuses_is_no_reference(text: str) -> None:
    assert parse_reference(text) is None


@pytest.mark.parametrize("tag", MOVING_TAGS.split())
def test_tags_that_are_moved_as_a_matter_of_course_are_known(tag: str) -> None:
    assert is_moving_tag(tag)
    assert ImageReference("app", tag, None).is_mutable


@pytest.mark.parametrize("tag", RELEASE_TAGS.split())
def test_tags_of_releases_are_taken_to_stay(tag: str) -> None:
    assert not is_moving_tag(tag)
    assert not ImageReference("app", tag, None).is_mutable


def test_a_digest_fixes_an_image_whatever_its_tag() -> None:
    assert not ImageReference("app", "edge", DIGEST).is_mutable
    assert not ImageReference("app", None, DIGEST).is_mutable


def test_an_image_with_neither_tag_nor_digest_is_mutable() -> None:
    assert ImageReference("app", None, None).is_mutable


def test_a_tag_has_at_most_128_characters_and_begins_with_none_of_its_signs() -> None:
    assert is_tag("x" * 128)
    assert not any(map(is_tag, ["x" * 129, "", ".x", "-x", "a b", "a/b"]))


@given(st.text(string.printable, max_size=40))
def test_the_stub_for_a_local_build_can_always_be_referred_to(folder: str) -> None:
    assert parse_reference(stub_reference(f"path://{folder}")) is not None
