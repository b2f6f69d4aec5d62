"""Comparing the commit in the images' labels with the commit of the release's tag."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.release.built_from import check_built_from, tagged_commit
from portside.release.monorepo import RemoteRefs
from portside.release.version_tags import read_tags
from tests.unit.operations_support import resolved

TAGGED, EARLIER, OTHER = "1" * 40, "2" * 40, "3" * 40
TAGS = {
    "agora/v4.2.0-rc2": TAGGED,
    "agora/v4.2.0-rc1": EARLIER,
    "agora/release/v4.1.0": EARLIER,
    "model-ad/v1.0.0": OTHER,
}
REFS = RemoteRefs(TAGS, OTHER, read_tags(TAGS, "agora"), {"main": OTHER})


def lock(**commits: str | None) -> Resolution:
    images = [replace(resolved(name, "4.2.0-rc2"), commit=commit) for name, commit in commits.items()]
    return Resolution("4.2.0-rc2", {f"{image.name}:4.2.0-rc2": image for image in images})


@pytest.mark.parametrize("commit", [TAGGED, TAGGED[:7], None])
def test_images_of_the_tags_commit_and_without_a_commit_are_accepted(commit: str | None) -> None:
    check_built_from(lock(api=TAGGED, app=commit), REFS)


def test_images_of_another_commit_are_refused_with_tag_commits_and_what_they_are() -> None:
    with pytest.raises(UserError) as raised:
        check_built_from(lock(api=EARLIER, app=TAGGED, apex=OTHER), REFS)
    assert raised.value.message.splitlines() == [
        "4.2.0-rc2: agora/v4.2.0-rc2 is on 111111111111, but",
        f"  api was built from {'sha-' + EARLIER}, which is agora/v4.2.0-rc1 and agora/release/v4.1.0",
        f"  apex was built from {'sha-' + OTHER}",
    ]
    assert "Another build has published under 4.2.0-rc2 since" in raised.value.hint


def test_an_image_with_another_tag_than_the_releases_is_not_compared() -> None:
    redis = replace(resolved("redis", "7"), commit=OTHER)
    check_built_from(replace(lock(api=TAGGED), images={**lock(api=TAGGED).images, "redis:7": redis}), REFS)


def test_a_version_without_a_tag_is_no_release() -> None:
    with pytest.raises(UserError, match=r"9\.9\.9-rc1: the monorepo has no tag agora/v9\.9\.9-rc1"):
        check_built_from(replace(lock(), version="9.9.9-rc1"), REFS)
    assert tagged_commit(REFS, "4.2.0-rc2") == ("agora/v4.2.0-rc2", TAGGED)
    assert tagged_commit(REFS, "nightly") == ("agora/vnightly", None)
