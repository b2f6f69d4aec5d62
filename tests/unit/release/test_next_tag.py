"""The next release tag of a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.errors import UserError
from portside.release.cut import next_tag
from portside.release.monorepo import Monorepo
from tests.unit.git_support import bare, clone, commit, head, monorepo, refs, tag, use_own_settings


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_own_settings(monkeypatch, tmp_path)


def test_the_next_tag_is_reported_with_the_last_one_and_what_was_ignored(tmp_path: Path) -> None:
    remote = monorepo(tmp_path / "remote.git", "agora/v4.0.0-rc2", "agora/v4.0", "model-ad/v9.0.0")
    assert next_tag(Monorepo("agora", str(remote))).as_json() == {
        "tag": "agora/v4.0.0-rc3",
        "version": "4.0.0-rc3",
        "last_tag": "agora/v4.0.0-rc2",
        "ignored": 'Ignored: 1 tag not under "agora/" and 1 malformed tag (agora/v4.0).',
    }


def test_a_part_asks_for_a_larger_release(tmp_path: Path) -> None:
    remote = Monorepo("agora", str(monorepo(tmp_path / "remote.git", "agora/v4.2.1-rc1")))
    assert next_tag(remote, "patch").tag == "agora/v4.2.1-rc2"
    assert next_tag(remote, "minor").tag == "agora/v4.3.0-rc1"
    assert next_tag(remote, "major").tag == "agora/v5.0.0-rc1"


def test_an_application_without_tags_begins_with_the_first_patch(tmp_path: Path) -> None:
    found = next_tag(Monorepo("bixarena", str(monorepo(tmp_path / "remote.git", "agora/v4.0.0-rc1"))))
    assert (found.tag, found.last_tag) == ("bixarena/v0.0.1-rc1", None)


def test_a_thousand_tags_of_several_applications_are_looked_through(tmp_path: Path) -> None:
    remote = bare(tmp_path / "remote.git")
    names = [f"agora/v{major}.{minor}.0-rc{rc}" for major in range(5) for minor in range(10) for rc in range(1, 13)]
    tag(remote, commit(remote, "All at once"), *names, *(f"model-ad/v9.{minor}.0" for minor in range(400)))
    found = next_tag(Monorepo("agora", f"file://{remote}"))
    assert found.tag == "agora/v4.9.0-rc13"
    assert found.ignored == 'Ignored: 400 tags not under "agora/".'


def test_a_clone_that_is_behind_may_ask_and_is_answered_by_its_remote(tmp_path: Path) -> None:
    remote = monorepo(tmp_path / "remote.git", "agora/v4.0.0-rc1")
    working = clone(remote, tmp_path / "clone")
    tag(remote, commit(remote, "Since"), "agora/v4.0.0-rc2")
    before = refs(working)
    assert next_tag(Monorepo("agora", str(working))).tag == "agora/v4.0.0-rc3"
    assert refs(working) == before
    assert head(working) != head(remote)


def test_an_empty_repository_has_no_next_tag(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the repository is empty"):
        next_tag(Monorepo("agora", str(bare(tmp_path / "remote.git"))))
