"""The images of an environment as a file: read back as written, and every mistake in it told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portside.config.image_reference import parse_reference
from portside.errors import ConfigurationError, Problem
from portside.images.release_lock import RELEASES
from portside.images.resolution import Resolution, parse_resolution, read_resolution
from portside.images.resolved_image import ResolvedImage
from tests.stubs import stubs
from tests.unit.configuration_support import problems_raised_by

DIGEST = f"sha256:{'a' * 64}"
COMMIT = "c9b631124af8271f4f03ff98b87392ae16749fbb"
REFERENCE = "ghcr.io/org/app:4.2.0"
ENTRY = {"digest": DIGEST, "platform": "linux/amd64", "created": "2026-11-23T12:00:00+00:00"}
RIGHT = {"version": "4.2.0", "commit": COMMIT, "images": {REFERENCE: ENTRY}}
HINT = "Get the file back with git, or write it again: ./agora release pin VERSION"

digests = st.integers(0, 2**256 - 1).map(lambda number: f"sha256:{number:064x}")
commits = st.none() | st.sampled_from([COMMIT, COMMIT[:7], "d" * 40])
tags = st.sampled_from(["4.2.0", "4.2.0-rc2", "edge", "7", "_", "A.b-c"])


@st.composite
def images(draw: st.DrawFn) -> tuple[str, ResolvedImage]:
    name = draw(st.sampled_from(["ghcr.io/org/app", "ghcr.io/org/api", "localhost:5000/a/b", "redis"]))
    digest, how = draw(digests), draw(st.sampled_from("tdb"))
    tag = digest if how == "d" else draw(tags)
    reference = {"t": f"{name}:{tag}", "d": f"{name}@{digest}", "b": f"{name}:{tag}@{digest}"}[how]
    created = draw(st.datetimes().map(lambda moment: f"{moment.isoformat()}+00:00"))
    platform = draw(st.sampled_from(["linux/amd64", "linux/arm64/v8"]))
    return reference, ResolvedImage(name, tag, digest, draw(commits), platform, created, draw(st.none() | digests))


resolutions = st.builds(Resolution, tags, st.lists(images(), max_size=5).map(dict), st.booleans())


def written(**changes: Any) -> str:
    return json.dumps({key: value for key, value in (RIGHT | changes).items() if value is not ...})


def problems(text: str) -> list[Problem]:
    return problems_raised_by(lambda: parse_resolution(text, "releases/4.2.0.json"))


def resolved(tag: str, commit: str | None) -> ResolvedImage:
    return ResolvedImage("ghcr.io/org/app", tag, DIGEST, commit, "linux/amd64", ENTRY["created"])


@given(resolutions)
def test_what_is_written_is_read_back_the_same(resolution: Resolution) -> None:
    assert parse_resolution(resolution.written(), "file") == resolution


def test_common_parts_are_given_once_and_the_differences_with_the_image() -> None:
    other = resolved("7", None)
    both = Resolution("4.2.0", {REFERENCE: resolved("4.2.0", COMMIT), "redis:7": other}).as_json()
    assert both["commit"] == COMMIT
    assert "commit" not in both["images"][REFERENCE]
    assert both["images"]["redis:7"]["commit"] is None


@pytest.mark.parametrize(
    ("commits", "shared"),
    [((COMMIT, COMMIT), COMMIT), ((COMMIT, COMMIT[:7]), COMMIT), ((COMMIT, "d" * 40), None), ((COMMIT, None), None)],
)
def test_a_version_is_of_one_commit_only_where_all_its_images_are(
    commits: tuple[str | None, ...], shared: str | None
) -> None:
    found = {f"{number}:4.2.0": resolved("4.2.0", commit) for number, commit in enumerate(commits)}
    assert Resolution("4.2.0", found | {"redis:7": resolved("7", "e" * 40)}).commit == shared


def test_references_that_are_not_in_it_are_named_once_and_in_order() -> None:
    resolution = parse_resolution(written(), "file")
    assert resolution.without(["b:1", REFERENCE, "a:1", "b:1"]) == ["b:1", "a:1"]


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"version": ...}, '["version"]', "not the tag of images, got None"),
        ({"version": 4}, '["version"]', "not the tag of images, got 4"),
        ({"version": "../4.2.0"}, '["version"]', "not the tag of images, got '../4.2.0'"),
        ({"commit": "main"}, '["commit"]', "not the id of a commit, got 'main'"),
        ({"commit": COMMIT.upper()}, '["commit"]', f"not the id of a commit, got '{COMMIT.upper()}'"),
        ({"commit": "c9b631"}, '["commit"]', "not the id of a commit, got 'c9b631'"),
        ({"stand_in": "true"}, '["stand_in"]', "neither true nor false, got 'true'"),
        ({"stand_in": 1}, '["stand_in"]', "neither true nor false, got 1"),
        ({"images": ...}, '["images"]', "not a mapping, got None"),
        ({"images": [REFERENCE]}, '["images"]', f"not a mapping, got ['{REFERENCE}']"),
        ({"images": {"APP": ENTRY}}, '["images"]["APP"]', "not a reference to an image, got 'APP'"),
        ({"images": {REFERENCE: DIGEST}}, f'["images"]["{REFERENCE}"]', f"not a mapping, got '{DIGEST}'"),
    ],
)
def test_what_is_wrong_in_the_file_is_reported_with_place_value_and_hint(
    changes: dict[str, Any], where: str, what: str
) -> None:
    assert problems(written(**changes)) == [Problem(f"releases/4.2.0.json{where}", what, HINT)]


@pytest.mark.parametrize(
    ("changes", "field", "what"),
    [
        ({"digest": None}, "digest", "not a digest, got None"),
        ({"digest": "latest"}, "digest", "not a digest, got 'latest'"),
        ({"digest": f"sha256:{'A' * 64}"}, "digest", f"not a digest, got 'sha256:{'A' * 64}'"),
        ({"digest": f"{DIGEST}\n"}, "digest", f"not a digest, got '{DIGEST}\\n'"),
        ({"manifest": "sha256:abc"}, "manifest", "not a digest, got 'sha256:abc'"),
        ({"commit": 1234567}, "commit", "not the id of a commit, got 1234567"),
        ({"platform": None}, "platform", "not a text, got None"),
        ({"platform": " "}, "platform", "empty, got ' '"),
        ({"created": "yesterday"}, "created", "not a time in ISO 8601, got 'yesterday'"),
        ({"created": 20261123}, "created", "not a time in ISO 8601, got 20261123"),
        ({"created": None}, "created", "not a time in ISO 8601, got None"),
    ],
)
def test_what_is_wrong_about_an_image_is_reported_with_place_value_and_hint(
    changes: dict[str, Any], field: str, what: str
) -> None:
    where = f'releases/4.2.0.json["images"]["{REFERENCE}"]["{field}"]'
    assert problems(written(images={REFERENCE: ENTRY | changes})) == [Problem(where, what, HINT)]


def test_several_mistakes_are_reported_at_once() -> None:
    wrong = written(version="", commit="x", images={REFERENCE: ENTRY | {"digest": "x", "created": "x"}, "A B": ENTRY})
    places = [problem.where.removeprefix("releases/4.2.0.json") for problem in problems(wrong)]
    image = f'["images"]["{REFERENCE}"]'
    assert places == ['["version"]', '["commit"]', f'{image}["digest"]', f'{image}["created"]', '["images"]["A B"]']


@pytest.mark.parametrize(
    ("changes", "where", "hint"),
    [
        ({"imagez": {}}, '["imagez"]', 'Did you mean "images"?'),
        ({"xyz": 1}, '["xyz"]', "Known are: format, version, stand_in, commit, images."),
        (
            {"images": {REFERENCE: ENTRY | {"plattform": "linux/amd64"}}},
            f'["images"]["{REFERENCE}"]["plattform"]',
            'Did you mean "platform"?',
        ),
    ],
)
def test_a_key_that_does_not_exist_leads_to_a_suggestion(changes: dict[str, Any], where: str, hint: str) -> None:
    assert problems(written(**changes)) == [Problem(f"releases/4.2.0.json{where}", "unknown key", hint)]


def test_a_reference_by_digest_has_that_digest_and_no_other() -> None:
    other = f"ghcr.io/org/app@sha256:{'b' * 64}"
    assert [problem.what for problem in problems(written(images={other: ENTRY}))] == [
        f"another digest than the reference's, got '{DIGEST}'"
    ]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\ufeff{}", "<html>", '{"version": 1' + "0" * 5000 + "}"])
def test_what_is_not_json_is_reported_as_such(text: str) -> None:
    (problem,) = problems(text)
    assert problem.where == "releases/4.2.0.json"
    assert problem.what.startswith("not JSON: ")
    assert problem.hint == HINT


@pytest.mark.parametrize("text", ["[]", "null", '"4.2.0"', "1e999"])
def test_json_that_is_no_object_is_reported_as_such(text: str) -> None:
    assert [problem.what.partition(",")[0] for problem in problems(text)] == ["not a mapping"]


def test_a_key_that_is_there_twice_is_reported_since_a_reviewer_may_see_the_other_one() -> None:
    twice = written().replace('"platform"', f'"digest": "sha256:{"b" * 64}", "platform"')
    assert [problem.what for problem in problems(twice)] == ['not JSON: "digest" occurs twice in an object']


def test_a_secret_in_a_wrong_place_is_not_shown() -> None:
    token = f"ghp_{'a1B2' * 9}"
    wrong = written(version=token + " ", commit=token, images={token: ENTRY | {token: 1}, REFERENCE: {"digest": token}})
    assert token not in str([str(problem) for problem in problems(wrong)])


def test_a_file_that_does_not_exist_is_none(tmp_path: Path) -> None:
    assert read_resolution(tmp_path / "4.2.0.json") is None


def test_a_file_is_named_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "releases" / "4.2.0.json"
    path.parent.mkdir()
    path.write_text("{}")
    assert {each.where.partition("[")[0] for each in problems_raised_by(lambda: read_resolution(path))} == {
        "releases/4.2.0.json"
    }


def test_a_file_that_is_not_utf_8_or_no_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b"\xff{}")
    (tmp_path / "folder.json").mkdir()
    for name in ("latin.json", "folder.json"):
        (problem,) = problems_raised_by(lambda name=name: read_resolution(tmp_path / name))  # type: ignore[misc]
        assert problem.where == f"{tmp_path.name}/{name}"
        assert problem.what.startswith("can't be read: ")


@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_no_json_at_all_ends_in_a_traceback(value: Any) -> None:
    for content in (value, RIGHT | {"images": value}, RIGHT | {"images": {REFERENCE: value}}):
        try:
            parse_resolution(json.dumps(content), "file")
        except ConfigurationError:
            continue


LOCKS = sorted(RELEASES.glob("*.json"))


def test_a_lock_is_the_only_file() -> None:
    assert LOCKS
    assert {path.suffix for path in RELEASES.iterdir()} == {".json"}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_lock_of_this_repository_is_well_formed_and_as_pin_writes_it(path: Path) -> None:
    lock = read_resolution(path)
    assert lock
    assert lock.version == path.stem
    assert path.read_text(encoding="utf-8") == lock.written()
    assert all((parsed := parse_reference(reference)) and parsed.tag == lock.version for reference in lock.images)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_of_stubs_has_what_the_local_catalogue_makes_and_only_such_a_one_does(path: Path) -> None:
    lock = read_resolution(path)
    assert lock
    made = stubs(lock.version, lock.images)
    same = {reference for reference, image in lock.images.items() if made.images[reference].digest == image.digest}
    assert same == (set(lock.images) if lock.stand_in else set())
    assert not lock.stand_in or lock.commit == made.commit


def test_a_file_has_a_format_and_one_without_is_still_read() -> None:
    written = json.loads(Resolution("1.0", {}).written())
    assert written.pop("format") == 1
    assert parse_resolution(json.dumps(written), "releases/1.0.json") == Resolution("1.0", {})


def test_a_file_of_a_later_format_is_refused_as_such() -> None:
    written = json.loads(Resolution("1.0", {}).written()) | {"format": 2, "signatures": []}
    with pytest.raises(ConfigurationError, match="of a later version of this tool") as refused:
        parse_resolution(json.dumps(written), "releases/1.0.json")
    assert len(refused.value.problems) == 1
