"""The rules of release tags."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portside.release.version_tags import Part, Version, next_version, parse_version, read_tags

PARTS: list[Part | None] = [None, "patch", "minor", "major"]
REAL_TAGS = [
    *("agora/v0.0.1", "agora/v0.0.2"),
    *("agora/v4.0.0-rc1", "agora/v4.0.0-rc2", "agora/v4.0.0-rc3", "agora/v4.0.0-rc4", "agora/release/v4.0.0"),
    *("agora/v4.1.0-rc1", "agora/v4.1.0-rc2", "agora/release/v4.1.0"),
    *("agora/v4.2.0-rc1", "agora/v4.2.0-rc2", "agora/release/v4.2.0", "agora/v4.2.1-rc1"),
    *("agora/v4.3.0-rc1", "agora/release/v4.3.0"),
    *("model-ad/v1.0.0", "bixarena/v0.14.1-beta", "2.3.1"),
]


def _next(*tags: str, part: Part | None = None) -> str:
    return str(next_version(read_tags(tags, "agora"), part))


@pytest.mark.parametrize(
    "text", ["0.0.0", "4.2.0", "4.2.0-rc2", "10.20.30-rc40", "4.2.0-rc0", f"1.{'9' * 40}.0"], ids=lambda text: text[:12]
)
def test_a_version_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_version(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "4",
            "4.0",
            "4.0.0.0",
            "v4.0.0",
            "04.0.0",
            "4.00.0",
            "4.0.0-rc",
            "4.0.0-rc01",
            "4.0.0-rc1.2",
            "4.0.0-beta",
        ),
        *("4.0.0-RC1", "4.0.0-rc-1", "4.0.0+build", "4.0.0-rc1+build", " 4.0.0", "4.0.0\n", "٤.0.0", "edge", "-1.0.0"),
        f"{'9' * 5000}.0.0",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_not_exactly_a_version_is_none(text: str) -> None:
    assert parse_version(text) is None


def test_versions_come_in_the_order_of_their_numbers_and_after_their_candidates() -> None:
    texts = ["0.0.1", "4.2.0-rc2", "4.2.0-rc9", "4.2.0-rc10", "4.2.0", "4.2.1-rc1", "4.10.0-rc1", "10.0.0-rc1"]
    versions = [Version(*_numbers(text)) for text in texts]
    shuffled = random.Random(3).sample(versions, len(versions))
    assert [str(version) for version in sorted(shuffled)] == texts


def test_the_real_tags_are_followed_by_the_first_candidate_of_4_3_1() -> None:
    tags = read_tags(REAL_TAGS, "agora")
    assert (str(next_version(tags)), tags.last_tag) == ("4.3.1-rc1", "agora/release/v4.3.0")
    assert str(next_version(tags, "minor")) == "4.4.0-rc1"
    assert str(next_version(tags, "major")) == "5.0.0-rc1"


@pytest.mark.parametrize(
    ("tags", "part", "expected"),
    [
        (["agora/v4.0.0-rc2"], None, "4.0.0-rc3"),
        (["agora/v4.0.0"], None, "4.0.1-rc1"),
        (["agora/v4.0.0-rc2", "agora/release/v4.0.0"], None, "4.0.1-rc1"),
        (["agora/release/v4.0.0"], None, "4.0.1-rc1"),
        (["agora/v4.0.0-rc9", "agora/v4.0.0-rc10"], None, "4.0.0-rc11"),
        (["agora/v4.3.0-rc1", "agora/v4.2.0", "agora/release/v4.2.0"], None, "4.3.0-rc2"),
        (["agora/v4.3.0-rc1"], "patch", "4.3.0-rc2"),
        (["agora/v4.3.0-rc1"], "minor", "4.3.0-rc2"),
        (["agora/v4.3.0-rc1"], "major", "5.0.0-rc1"),
        (["agora/v5.0.0-rc1"], "major", "5.0.0-rc2"),
        (["agora/v4.2.1-rc1"], "patch", "4.2.1-rc2"),
        (["agora/v4.2.1-rc1"], "minor", "4.3.0-rc1"),
        (["agora/v4.2.1-rc1"], "major", "5.0.0-rc1"),
        (["agora/v4.3.0"], "patch", "4.3.1-rc1"),
        (["agora/v4.3.0"], "minor", "4.4.0-rc1"),
        (["agora/release/v4.3.0"], "major", "5.0.0-rc1"),
        ([], None, "0.0.1-rc1"),
        ([], "minor", "0.1.0-rc1"),
        ([], "major", "1.0.0-rc1"),
        (["agora/v4.0", "model-ad/v9.0.0", "agora/v9.0.0-beta"], None, "0.0.1-rc1"),
    ],
)
def test_the_next_version_follows_the_documentation(tags: list[str], part: Part | None, expected: str) -> None:
    assert _next(*tags, part=part) == expected


def test_the_tags_of_an_application_are_distinguished_from_malformed_ones_and_those_of_others() -> None:
    malformed = [
        *("agora/4.0.0", "agora/release/v4.0.0-rc1", "agora/v04.0.0", "agora/v1.0.0-rc01", "agora/v4.0"),
        *("agora/v4.0.0-beta", "agora/v4.0.0/rc1"),
    ]
    tags = read_tags([*malformed, *REAL_TAGS, "agora-data/v1.0.0", "Agora/v1.0.0"], "agora")
    assert tags.malformed == tuple(malformed)
    assert tags.others == 5
    assert [str(version) for version in tags.finished] == ["4.0.0", "4.1.0", "4.2.0", "4.3.0"]
    assert len(tags.versions) == 12


def test_another_application_has_its_own_tags() -> None:
    tags = read_tags(["model-ad/v1.0.0-rc1", *REAL_TAGS], "model-ad")
    assert [str(version) for version in tags.versions] == ["1.0.0-rc1", "1.0.0"]
    assert tags.tag(next_version(tags)) == "model-ad/v1.0.1-rc1"


def test_what_was_ignored_is_reported_in_one_line_that_names_five_at_most() -> None:
    assert read_tags(["agora/v1.0.0"], "agora").ignored == ""
    assert read_tags(["2.3.1"], "agora").ignored == 'Ignored: 1 tag not under "agora/".'
    assert read_tags(["agora/x"], "agora").ignored == "Ignored: 1 malformed tag (agora/x)."
    many = read_tags([*(f"agora/x{n}" for n in range(7)), *(f"model-ad/v1.0.{n}" for n in range(1200))], "agora")
    assert many.ignored == (
        'Ignored: 1,200 tags not under "agora/" and '
        "7 malformed tags (agora/x0, agora/x1, agora/x2, agora/x3, agora/x4 and 2 more)."
    )


def test_the_last_tag_is_its_own_version_where_there_is_one() -> None:
    assert read_tags(["agora/v4.0.0", "agora/release/v4.0.0"], "agora").last_tag == "agora/v4.0.0"
    assert read_tags([], "agora").last_tag is None


def test_the_last_of_a_release_is_its_highest_candidate_or_the_final_version() -> None:
    tags = read_tags(
        ["agora/v4.0.0-rc9", "agora/v4.0.0-rc10", "agora/v4.0.1-rc1", "agora/v5.0.0-rc1", "agora/v5.0.0"], "agora"
    )
    assert str(tags.last_of(Version(4, 0, 0))) == "4.0.0-rc10"
    assert str(tags.last_of(Version(5, 0, 0, 1))) == "5.0.0"
    assert tags.last_of(Version(6, 0, 0)) is None


def test_ten_thousand_tags_are_read_at_once() -> None:
    names = [f"agora/v1.{n}.0-rc{rc}" for n in range(1000) for rc in range(1, 6)]
    names += [f"other/v1.{n}.0" for n in range(5000)]
    began = time.process_time()
    assert str(next_version(read_tags(names, "agora"))) == "1.999.0-rc6"
    assert time.process_time() - began < 1


def _numbers(text: str) -> tuple[int, int, int, int | None]:
    major, minor, patch, *candidate = (int(number) for number in re.findall(r"\d+", text))
    return major, minor, patch, candidate[0] if candidate else None


def _sort_key(name: str) -> str:
    """A text that sorts as the version does: padded numbers, and `~` after every digit for what is no candidate."""
    core, _, candidate = name.rpartition("v")[2].partition("-rc")
    return ".".join(number.zfill(8) for number in core.split(".")) + "-" + (candidate.zfill(8) if candidate else "~")


def _expected(names: list[str], part: Part | None) -> str:
    """The rules again, by texts: walk through every candidate there could be and take the first that is allowed."""
    highest = max(names, key=_sort_key, default="agora/v0.0.0")
    major, minor, patch = map(int, highest.rpartition("v")[2].partition("-")[0].split("."))
    is_open = "-rc" in highest
    for step in range(2):
        shapes = {
            "major": (major + step, 0, 0),
            "minor": (major, minor + step, 0),
            "patch": (major, minor, patch + step),
        }
        release = ".".join(map(str, shapes[part or "patch"]))
        for candidate in range(1, 40):
            name = f"agora/v{release}-rc{candidate}"
            if (is_open or step) and _sort_key(name) > _sort_key(highest):
                return name.removeprefix("agora/v")
    raise AssertionError("no version is allowed")


_small = st.integers(0, 3)
_core = st.builds("{}.{}.{}".format, _small, _small, _small)
_candidate = st.builds("agora/v{}-rc{}".format, _core, st.integers(1, 30))
_tag = st.one_of(
    _candidate, _candidate, st.builds("agora/v{}".format, _core), st.builds("agora/release/v{}".format, _core)
)
_foreign = st.sampled_from(["agora/v9.9.9-beta", "agora/v09.0.0", "other/v9.9.9", "9.9.9", "agora/release/v9.9.9-rc1"])


@given(st.lists(_tag, max_size=12), st.lists(_foreign), st.sampled_from(PARTS), st.randoms())
@example(["agora/v1.0.0-rc9", "agora/v1.0.0-rc10"], [], None, random.Random(0))
@example(["agora/v1.1.0-rc1", "agora/release/v1.1.0"], [], "minor", random.Random(0))
def test_the_next_version_is_that_of_an_independent_reading_of_the_rules(
    names: list[str], foreign: list[str], part: Part | None, order: random.Random
) -> None:
    mixed = [*names, *foreign]
    order.shuffle(mixed)
    assert _next(*mixed, part=part) == _expected(names, part)


@given(st.lists(_tag, max_size=12), st.sampled_from(PARTS))
def test_the_next_version_is_a_new_candidate_higher_than_every_version_there_is(
    names: list[str], part: Part | None
) -> None:
    tags = read_tags(names, "agora")
    version = next_version(tags, part)
    assert tags.tag(version) not in names
    assert version.candidate is not None
    assert version.release not in tags.finished
    assert all(existing < version for existing in (*tags.versions, *tags.finished))


@given(st.lists(_tag, min_size=1, max_size=12))
def test_tagging_what_comes_next_and_asking_again_counts_the_candidate_up(names: list[str]) -> None:
    first = next_version(read_tags(names, "agora"))
    second = next_version(read_tags([*names, f"agora/v{first}"], "agora"))
    assert second == Version(first.major, first.minor, first.patch, (first.candidate or 0) + 1)
