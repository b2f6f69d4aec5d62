"""Cutting a release candidate of a real repository, and waiting for its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.release.cut import CutPlan, execute, plan_cut, wait_for_images
from portside.release.followed import Pace
from portside.release.monorepo import Monorepo
from portside.release.version_tags import Version
from tests.unit.git_support import bare, clone, commit, head, hook, monorepo, refs, tag, use_own_settings

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_own_settings(monkeypatch, tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return monorepo(tmp_path / "remote.git", "agora/v4.0.0-rc1", "agora/v4.0.0-rc2", "other/v1.0.0")


def test_a_plan_names_the_tag_the_commit_and_what_came_before(remote: Path) -> None:
    assert plan_cut(Monorepo("agora", str(remote))).as_json() == {
        "tag": "agora/v4.0.0-rc3",
        "version": "4.0.0-rc3",
        "commit": head(remote),
        "subject": "Show the evidence",
        "last_tag": "agora/v4.0.0-rc2",
        "ignored": 'Ignored: 1 tag not under "agora/".',
        "from": "branch main",
        "hot_fix": False,
    }


def test_planning_changes_nothing_at_the_remote(remote: Path) -> None:
    before = refs(remote)
    plan_cut(Monorepo("agora", f"file://{remote}"))
    assert refs(remote) == before


@pytest.mark.parametrize("kind", ["URL", "bare", "clone"])
def test_a_plan_is_carried_out_on_the_head_of_main(remote: Path, tmp_path: Path, kind: str) -> None:
    locations = {"URL": f"file://{remote}", "bare": str(remote), "clone": str(clone(remote, tmp_path / "a clone"))}
    mono = Monorepo("agora", locations[kind])
    before = refs(remote)
    execute(plan_cut(mono), mono)
    assert refs(remote) == before | {"refs/tags/agora/v4.0.0-rc3": head(remote)}


def test_what_was_shown_is_tagged_even_when_main_has_moved_on_since(remote: Path) -> None:
    mono = Monorepo("agora", f"file://{remote}")
    plan = plan_cut(mono)
    commit(remote, "Merged while the plan was read")
    execute(plan, mono)
    assert refs(remote)["refs/tags/agora/v4.0.0-rc3"] == plan.commit != head(remote)


@pytest.mark.parametrize("version", ["4.0.0-rc3", "4.1.0-rc1", "5.0.0-rc1"])
def test_a_version_that_the_rules_lead_to_may_be_named(tmp_path: Path, version: str) -> None:
    tags = ["agora/v4.0.0-rc2"] if version == "4.0.0-rc3" else ["agora/v4.0.1-rc1"]
    assert (
        plan_cut(Monorepo("agora", str(monorepo(tmp_path / "other.git", *tags))), version=version).tag
        == f"agora/v{version}"
    )


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("4.0.0-rc4", "4.0.0-rc4: not a version that may come after agora/v4.0.0-rc2"),
        ("3.9.0-rc1", "3.9.0-rc1: not a version that may come after"),
        ("4.1.0-rc1", "4.1.0-rc1: not a version that may come after"),
        ("4.0.0-rc2", "4.0.0-rc2: its tag agora/v4.0.0-rc2 exists already, on "),
        ("4.0.0", "4.0.0: only release candidates are cut"),
        ("agora/v4.0.0-rc3", "version: not written as X.Y.Z-rcN, got 'agora/v4.0.0-rc3'"),
        ("", "version: not written as X.Y.Z-rcN, got ''"),
    ],
)
def test_a_version_that_the_rules_do_not_lead_to_is_refused_with_those_that_are(
    remote: Path, version: str, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        plan_cut(Monorepo("agora", str(remote)), version=version)
    assert caught.value.hint == "Allowed: 4.0.0-rc3."


def test_all_versions_that_the_rules_lead_to_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        plan_cut(Monorepo("agora", str(monorepo(tmp_path / "other.git", "agora/v4.0.1-rc1"))), version="4.2.0-rc1")
    assert caught.value.hint == "Allowed: 4.0.1-rc2, 4.1.0-rc1, 5.0.0-rc1."
    with pytest.raises(UsageError, match=r"4.2.0-rc1: not a version that may come as the first one") as caught:
        plan_cut(Monorepo("agora", str(monorepo(tmp_path / "new.git"))), version="4.2.0-rc1")
    assert caught.value.hint == "Allowed: 0.0.1-rc1, 0.1.0-rc1, 1.0.0-rc1."


def test_a_version_and_a_part_exclude_each_other(remote: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        plan_cut(Monorepo("agora", str(remote)), part="minor", version="4.0.0-rc3")


def test_a_head_that_is_a_candidate_already_is_released_again_only_on_request(remote: Path) -> None:
    tag(remote, head(remote), "agora/v4.0.0-rc3", "other/v2.0.0-rc1")
    mono = Monorepo("agora", str(remote))
    with pytest.raises(UserError, match=r"branch main: nothing new to release, \w{12} is agora/v4.0.0-rc3 already"):
        plan_cut(mono)
    plan = plan_cut(mono, again=True)
    execute(plan, mono)
    assert refs(remote)["refs/tags/agora/v4.0.0-rc4"] == head(remote)


def test_a_tag_of_another_application_on_the_head_does_not_matter(remote: Path) -> None:
    tag(remote, head(remote), "other/v2.0.0-rc1")
    assert plan_cut(Monorepo("agora", str(remote))).tag == "agora/v4.0.0-rc3"


def test_a_clone_that_is_behind_ahead_or_diverged_releases_nothing(remote: Path, tmp_path: Path) -> None:
    behind, ahead, diverged = (clone(remote, tmp_path / name) for name in ("behind", "ahead", "diverged"))
    commit(ahead, "Mine")
    before = refs(remote)
    with pytest.raises(UserError, match="ahead of origin/main, and would be released without"):
        plan_cut(Monorepo("agora", str(ahead)))
    assert refs(remote) == before
    commit(remote, "Theirs")
    commit(diverged, "Mine")
    before = refs(remote)
    for working, said in ((behind, "1 commit behind origin/main"), (diverged, "has diverged from origin/main")):
        with pytest.raises(UserError, match=said):
            plan_cut(Monorepo("agora", str(working)))
    assert refs(remote) == before


def test_a_tag_that_appeared_after_the_plan_is_left_where_it_is(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    plan = plan_cut(mono)
    tag(remote, refs(remote)["refs/tags/agora/v4.0.0-rc1"], plan.tag)
    before = refs(remote)
    with pytest.raises(UserError, match=r"agora/v4.0.0-rc3: exists in .*, on another commit"):
        execute(plan, mono)
    assert refs(remote) == before


def test_a_plan_that_other_tags_have_overtaken_is_not_carried_out(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    plan = plan_cut(mono)
    tag(remote, refs(remote)["refs/tags/agora/v4.0.0-rc2"], "agora/release/v4.0.0")
    before = refs(remote)
    with pytest.raises(UserError, match=r"overtaken, the last tag in .* is agora/release/v4.0.0 by now"):
        execute(plan, mono)
    assert refs(remote) == before


def test_a_remote_that_refuses_the_tag_is_reported(remote: Path) -> None:
    hook(remote, "pre-receive", "echo 'no releases on Fridays' >&2", "exit 1")
    mono = Monorepo("agora", f"file://{remote}")
    with pytest.raises(UserError, match=r"agora/v4.0.0-rc3: refused by .*: no releases on Fridays"):
        execute(plan_cut(mono), mono)


def test_an_empty_repository_has_nothing_to_cut(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the repository is empty"):
        plan_cut(Monorepo("agora", str(bare(tmp_path / "empty.git"))))


PLAN = CutPlan("agora/v4.0.0-rc3", Version(4, 0, 0, 3), "0" * 40, None, "agora/v4.0.0-rc2", "", "branch main")


class Images:
    """A registry in which images appear at given seconds, and a clock that only sleeping moves."""

    def __init__(self, **published_at: float) -> None:
        self.published_at = published_at
        self.now = 100.0
        self.slept: list[float] = []
        self.reported: list[Sequence[str]] = []

    def missing(self) -> list[str]:
        return [name for name, second in self.published_at.items() if second > self.now - 100]

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def wait(self, *, every_seconds: float, within_seconds: float) -> None:
        pace = Pace(every_seconds, within_seconds, sleep=self.sleep, clock=lambda: self.now)
        wait_for_images(PLAN, self.missing, self.reported.append, pace)


def test_what_is_missing_is_reported_whenever_it_changes_until_all_images_are_there() -> None:
    images = Images(app=15, api=35)
    images.wait(every_seconds=10, within_seconds=60)
    assert images.reported == [["app", "api"], ["api"], []]
    assert images.slept == [10, 10, 10, 10]


def test_images_that_are_there_at_once_are_not_waited_for() -> None:
    images = Images(app=0)
    images.wait(every_seconds=10, within_seconds=0)
    assert (images.reported, images.slept) == ([], [])


def test_images_that_never_come_are_named_with_the_way_to_go_on() -> None:
    images = Images(app=5, api=1000, data=1000)
    with pytest.raises(UserError, match=r"agora/v4.0.0-rc3: not published within 25 s: api, data") as caught:
        images.wait(every_seconds=10, within_seconds=25)
    assert "The tag is pushed" in caught.value.hint
    assert "release job" in caught.value.hint
    assert caught.value.hint.endswith("./agora release pin 4.0.0-rc3")
    assert images.slept == [10, 10, 5]
