"""Images that cannot move, and the commits that people and pages read of them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portside.images.resolved_image import ResolvedImage, one_commit, short_commit

INDEX, MANIFEST = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
COMMIT = "c9b631124af8271f4f03ff98b87392ae16749fbb"

commits = st.from_regex(r"[0-9a-f]{7,40}", fullmatch=True)
# Ordinary ones are hardly ever read as a number: these are, or nearly.
number_like = st.from_regex(r"(?:[0-9]{7,40}|[0-9]{1,20}e[0-9]{5,19}|0b[01]{5,38})[a-f]?", fullmatch=True)


def image(digest: str = INDEX, manifest: str | None = None, commit: str | None = COMMIT) -> ResolvedImage:
    return ResolvedImage(
        "ghcr.io/org/app", "4.2.0", digest, commit, "linux/amd64", "2026-11-23T12:00:00+00:00", manifest
    )


def numbers_read_in(text: str) -> list[object]:
    """How programs parse a text as a number; base 0 reads 0b101 as JavaScript does."""
    found: list[object] = []
    for read in (float, int, lambda written: int(written, 0)):
        with contextlib.suppress(ValueError):
            found.append(read(text))
    return found


def test_a_task_definition_names_the_digest_and_no_tag() -> None:
    assert image().reference == f"ghcr.io/org/app@{INDEX}"


def test_what_runs_may_be_known_by_the_index_or_by_the_manifest_of_its_platform() -> None:
    assert image(manifest=MANIFEST).digests == {INDEX, MANIFEST}
    assert image().digests == {INDEX}


def test_an_image_of_an_unknown_commit_has_no_short_one() -> None:
    assert image(commit=None).short_commit is None
    assert image().short_commit == "c9b6311"


@pytest.mark.parametrize(
    ("commit", "shown"),
    [
        ("c9b631124af8271f", "c9b6311"),
        ("123456e", "123456e"),
        ("123456e7", "123456e"),
        ("1234567a", "1234567a"),
        ("12345678901b", "12345678901b"),
        ("12e3456f", "12e3456f"),
        ("00000000000a", "00000000000a"),
        ("0e00000", "sha-0e00000"),
        ("1234567", "sha-1234567"),
        ("0000000", "sha-0000000"),
        ("1" * 40, f"sha-{'1' * 40}"),
        ("0b10101", "sha-0b10101"),
        ("0b101012", "0b101012"),
        ("1e2e345", "1e2e345"),
    ],
)
def test_a_commit_is_shown_in_seven_digits_and_in_more_where_those_are_a_number(commit: str, shown: str) -> None:
    assert short_commit(commit) == shown


@given(commits | number_like)
@example("123456e")
@example("0b00000")
def test_no_shown_commit_can_be_read_as_a_number_and_none_is_longer_than_it_takes(commit: str) -> None:
    shown = short_commit(commit)
    assert not numbers_read_in(shown)
    if shown.startswith("sha-"):
        assert numbers_read_in(commit)
        assert shown == f"sha-{commit}"
        return
    assert commit.startswith(shown)
    assert len(shown) == 7 or numbers_read_in(shown[:-1])


@pytest.mark.parametrize(
    ("commits", "found"),
    [
        ([COMMIT, COMMIT], COMMIT),
        ([COMMIT[:7], COMMIT, COMMIT[:12]], COMMIT),
        ([COMMIT, "d" * 40], None),
        ([COMMIT, "d" * 7], None),
        ([COMMIT, None], None),
        ([None], None),
        ([], None),
    ],
)
def test_images_are_of_one_commit_where_everything_known_about_it_agrees(
    commits: list[str | None], found: str | None
) -> None:
    assert one_commit(commits) == found
