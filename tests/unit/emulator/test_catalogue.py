"""Which images the embedded AWS knows, and what a reference to one means."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from portside.emulator.registry.catalogue import LONG_AGO, Catalogue, Image
from portside.emulator.registry.image_reference import ImageReference, parse_reference
from portside.emulator.registry.oci_image import INDEX, MANIFEST, Recipe, made

DIGEST = "sha256:" + "ab" * 32
NAME = "ghcr.io/sage-bionetworks/agora-app"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CREATED = "2026-11-02T10:00:00Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "images.json"


@pytest.fixture
def catalogue(path: Path) -> Catalogue:
    return Catalogue(path)


def _commit(image: Image) -> str:
    assert image.recipe
    return image.recipe.commit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ghcr.io/sage-bionetworks/app:4.2.0", ImageReference("ghcr.io/sage-bionetworks/app", "4.2.0", None)),
        ("nginx", ImageReference("nginx", "latest", None)),
        ("localhost:5000/app", ImageReference("localhost:5000/app", "latest", None)),
        (f"ghcr.io/a/b@{DIGEST}", ImageReference("ghcr.io/a/b", None, DIGEST)),
        (f"ghcr.io/a/b:edge@{DIGEST}", ImageReference("ghcr.io/a/b", "edge", DIGEST)),
    ],
)
def test_a_reference_is_taken_apart(text: str, expected: ImageReference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize("text", ["", "ghcr.io/A/b:1", "a//b", "a:b:c", "a@sha256:short", "a@", "a:tag with space"])
def test_what_no_registry_would_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid"):
        parse_reference(text)


def test_the_same_image_has_the_same_digest_on_every_machine(catalogue: Catalogue) -> None:
    # Written down once: a change to how images are made gives every image of every rehearsal another digest.
    published = catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    assert published.digest == "sha256:e9b7aacf5e3b2a316366cf18580f8c85ccedcf2ae5ed2873e22686aaf8b31c32"
    assert (
        catalogue.put(f"{NAME}:4.2.0", "stub").digest
        == "sha256:27888a3cb0677ba26a619ab29ca4b75fc9cf0c227e2cf1034c03a275106dd5ed"
    )


def test_an_image_is_what_the_image_specification_says() -> None:
    content = made(Recipe(NAME, "4.2.0", COMMIT, CREATED, "linux/amd64"))
    media_type, manifest = content.manifests[content.digest]
    described = json.loads(manifest)
    assert media_type == described["mediaType"] == MANIFEST
    for each in (described["config"], *described["layers"]):
        blob = content.blobs[each["digest"]]
        assert each["digest"] == f"sha256:{hashlib.sha256(blob).hexdigest()}"
        assert each["size"] == len(blob)
    config = json.loads(content.blobs[described["config"]["digest"]])
    assert (config["os"], config["architecture"], config["created"]) == ("linux", "amd64", CREATED)
    assert config["config"]["Labels"]["org.opencontainers.image.revision"] == COMMIT
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == "4.2.0"
    (layer,) = (gzip.decompress(content.blobs[each["digest"]]) for each in described["layers"])
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]


def test_several_platforms_make_an_index_with_an_attestation() -> None:
    content = made(Recipe(NAME, "4.2.0", COMMIT, CREATED, "linux/amd64,linux/arm64"))
    media_type, index = content.manifests[content.digest]
    assert media_type == INDEX
    entries = json.loads(index)["manifests"]
    assert [each["platform"]["architecture"] for each in entries] == ["amd64", "arm64", "unknown"]
    assert {each["digest"] for each in entries} == set(content.manifests) - {content.digest}
    assert entries[2]["annotations"]["vnd.docker.reference.digest"] == entries[0]["digest"]


def test_each_word_about_an_image_makes_another_of_it() -> None:
    recipe = Recipe(NAME, "4.2.0", COMMIT, CREATED, "linux/amd64")
    others = [
        Recipe(f"{NAME}-next", "4.2.0", COMMIT, CREATED, "linux/amd64"),
        Recipe(NAME, "4.2.1", COMMIT, CREATED, "linux/amd64"),
        Recipe(NAME, "4.2.0", COMMIT[::-1], CREATED, "linux/amd64"),
        Recipe(NAME, "4.2.0", COMMIT, LONG_AGO, "linux/amd64"),
        Recipe(NAME, "4.2.0", COMMIT, CREATED, "linux/arm64"),
        Recipe(NAME, "4.2.0", COMMIT, CREATED, "linux/amd64", "built again"),
    ]
    assert len({made(each).digest for each in (recipe, *others)}) == 7


def test_publishing_moves_the_tags_and_leaves_the_older_version_to_its_digest(catalogue: Catalogue) -> None:
    older = catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    newer = catalogue.publish(NAME, ["edge"], COMMIT[::-1], CREATED)
    assert catalogue.find(f"{NAME}:edge") == newer
    left = catalogue.find(f"{NAME}@{older.digest}")
    assert left
    assert (left.digest, left.tags, left.id) == (older.digest, (), older.id)
    assert [each.digest for each in catalogue.versions("sage-bionetworks/agora-app")] == [newer.digest, older.digest]


def test_a_release_of_the_same_commit_takes_the_sha_tag_over(catalogue: Catalogue) -> None:
    catalogue.publish(NAME, ["edge", "sha-0123456"], COMMIT, CREATED)
    catalogue.publish(NAME, ["4.2.0-rc2", "sha-0123456"], COMMIT, CREATED)
    assert [each.tags for each in catalogue.images()] == [("4.2.0-rc2", "sha-0123456"), ("edge",)]


def test_publishing_the_same_again_is_the_same_version(catalogue: Catalogue) -> None:
    first = catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    again = catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    assert (again.id, again.digest, again.tags) == (first.id, first.digest, ("edge",))
    assert len(catalogue.images()) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": f"{NAME}:edge"}, "invalid image name"),
        ({"tags": []}, "invalid image tags"),
        ({"tags": ["a b"]}, "invalid image tags"),
        ({"commit": "main"}, "invalid commit"),
        ({"created": "yesterday"}, "not an ISO 8601 time"),
        ({"created": "2026-11-02T10:00:00"}, "without a time zone"),
        ({"platform": "amd64"}, "invalid platform"),
    ],
)
def test_what_could_not_be_published_is_refused(
    catalogue: Catalogue, arguments: dict[str, object], problem: str
) -> None:
    whole = {"name": NAME, "tags": ["edge"], "commit": COMMIT, "created": CREATED} | arguments
    with pytest.raises(ValueError, match=problem):
        catalogue.publish(**whole)  # type: ignore[arg-type]
    assert catalogue.images() == []


def test_a_moment_is_kept_in_utc(catalogue: Catalogue) -> None:
    image = catalogue.publish(NAME, ["edge"], COMMIT, "2026-11-02T12:30:00.123+02:00")
    assert image.about()["created"] == "2026-11-02T10:30:00Z"


def test_the_stubs_of_a_release_are_of_one_commit_and_those_of_edge_each_with_its_own_commit(
    catalogue: Catalogue,
) -> None:
    app, api = (catalogue.put(f"ghcr.io/a/{name}:4.2.0-rc2", "stub") for name in ("app", "api"))
    assert _commit(app) == _commit(api)
    assert app.digest != api.digest
    assert len({_commit(catalogue.put(f"ghcr.io/a/{name}:edge", "stub")) for name in ("app", "api")}) == 2
    assert _commit(catalogue.put("ghcr.io/a/app:4.2.0", "stub")) != _commit(app)
    assert app.about()["created"] == LONG_AGO


def test_a_stub_never_replaces_a_published_image(catalogue: Catalogue) -> None:
    published = catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    assert catalogue.put(f"{NAME}:edge", "stub") == published
    catalogue.put(f"{NAME}:edge", "stub", DIGEST)
    assert catalogue.find(f"{NAME}:edge") == published


def test_a_published_image_replaces_a_stub(catalogue: Catalogue) -> None:
    stub = catalogue.put(f"{NAME}:4.2.0", "stub")
    assert catalogue.put(f"{NAME}:4.2.0", "published").about() == stub.about() | {"source": "published"}
    newer = catalogue.publish(NAME, ["4.2.0"], COMMIT, CREATED)
    assert catalogue.find(f"{NAME}:4.2.0") == newer


@pytest.mark.parametrize(
    ("reference", "digest", "tags"),
    [
        (f"{NAME}@{DIGEST}", None, ()),
        (f"{NAME}:4.2.0", DIGEST, ("4.2.0",)),
        (f"{NAME}:4.2.0@{DIGEST}", DIGEST, ("4.2.0",)),
    ],
)
def test_of_an_image_with_a_given_digest_nothing_else_is_known(
    catalogue: Catalogue, reference: str, digest: str | None, tags: tuple[str, ...]
) -> None:
    image = catalogue.put(reference, "stub", digest)
    assert (image.digest, image.tags, image.content) == (DIGEST, tags, None)
    assert catalogue.find(f"{NAME}@{DIGEST}") == image
    assert catalogue.find(f"{NAME}:anything@{DIGEST}") == image, "a digest decides, whatever the tag"
    assert catalogue.put(reference, "stub", digest) == image


def test_two_digests_for_one_image_are_refused(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="two digests"):
        catalogue.put(f"{NAME}@{DIGEST}", "stub", DIGEST.replace("ab", "cd"))
    with pytest.raises(ValueError, match="invalid digest"):
        catalogue.put(NAME, "stub", "sha256:short")


def test_a_digest_whose_image_is_published_later_gets_its_content(catalogue: Catalogue, tmp_path: Path) -> None:
    digest = Catalogue(tmp_path / "elsewhere.json").publish(NAME, ["edge"], COMMIT, CREATED).digest
    catalogue.put(f"{NAME}@{digest}", "stub")
    catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    (image,) = catalogue.images()
    assert (image.digest, image.source, image.tags) == (digest, "published", ("edge",))
    assert image.content


def test_an_image_is_found_by_its_digest_as_well_as_by_its_tag(catalogue: Catalogue) -> None:
    image = catalogue.put("ghcr.io/a/b:1", "published")
    assert catalogue.find(f"ghcr.io/a/b@{image.digest}") == image
    assert catalogue.find(f"ghcr.io/a/other@{image.digest}") is None
    assert catalogue.find("ghcr.io/a/b:2") is None
    assert catalogue.find("not a reference") is None


def test_an_index_is_found_by_the_digests_of_its_manifests_too(catalogue: Catalogue) -> None:
    image = catalogue.publish(NAME, ["edge"], COMMIT, CREATED, "linux/amd64,linux/arm64")
    assert image.content
    for digest in image.content.manifests:
        assert catalogue.find(f"{NAME}@{digest}") == image


def test_of_two_registries_images_of_one_name_ghcrs_are_shown(catalogue: Catalogue) -> None:
    catalogue.put("docker.io/a/b:1", "published")
    catalogue.put("ghcr.io/a/b:2", "published")
    assert [each.name for each in catalogue.versions("a/b")] == ["ghcr.io/a/b"]


def test_the_catalogue_survives_a_restart(catalogue: Catalogue, path: Path) -> None:
    catalogue.publish(NAME, ["edge", "sha-0123456"], COMMIT, CREATED)
    catalogue.put(f"{NAME}@{DIGEST}", "stub")
    again = Catalogue(path)
    assert again.images() == catalogue.images()
    assert again.remove(f"{NAME}:sha-0123456")
    assert not again.remove(f"{NAME}:edge"), "all tags of a version are removed"
    assert [each.digest for each in Catalogue(path).images()] == [DIGEST]


@pytest.mark.parametrize(
    "content",
    [
        "damaged",
        "{}",
        "[1]",
        "null",
        "\xff",
        json.dumps([{"reference": "ghcr.io/a/b:1", "digest": DIGEST, "source": "published", "created": CREATED}]),
    ],
)
def test_a_file_that_another_version_wrote_or_no_one_can_read_is_started_over(path: Path, content: str) -> None:
    path.write_bytes(content.encode("latin-1"))
    catalogue = Catalogue(path)
    assert catalogue.images() == []
    image = catalogue.put("ghcr.io/a/b:1", "published")
    assert Catalogue(path).images() == [image]


def test_a_digest_that_images_no_longer_have_is_not_kept(catalogue: Catalogue, path: Path) -> None:
    image = catalogue.publish(NAME, ["edge"], COMMIT, CREATED)
    path.write_text(path.read_text().replace(image.digest, DIGEST))
    assert Catalogue(path).images() == []


def test_a_source_is_published_or_a_stub(catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="must be one of published, stub"):
        catalogue.put("a:1", "built")


@pytest.mark.parametrize("written", ["nginx", "docker.io/nginx", "docker.io/library/nginx"])
def test_an_image_of_docker_hub_has_one_path_however_it_is_written(written: str, catalogue: Catalogue) -> None:
    image = catalogue.put(f"{written}:latest", "stub")
    other = catalogue.put("nginx:1.27", "stub")
    assert image.path == "library/nginx"
    assert {each.tags for each in catalogue.versions("library/nginx")} == {image.tags, other.tags}
    for name in ("nginx", "docker.io/nginx", "docker.io/library/nginx"):
        assert catalogue.find(f"{name}:latest") == catalogue.find(f"{name}@{image.digest}") == image
        assert catalogue.put(f"{name}:latest", "stub") == image


def test_an_image_of_another_registry_has_its_own_path(catalogue: Catalogue) -> None:
    assert catalogue.put("bitnami/nginx:latest", "stub").path == "bitnami/nginx"
    assert catalogue.put("public.ecr.aws/nginx/nginx:latest", "stub").path == "nginx/nginx"
