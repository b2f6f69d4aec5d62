"""Cutting a candidate from something older than the head of the branch, in a monorepo that applications share."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.git import git
from portside.release.cut import execute, plan_cut
from portside.release.monorepo import Monorepo
from tests.unit.git_support import clone, commit, head, monorepo, refs, tag, use_own_settings

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_own_settings(monkeypatch, tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """4.2.0 is finished, 4.3.0-rc1 is out, and other applications have tags on the commits between."""
    remote = monorepo(tmp_path / "remote.git", "agora/v4.2.0-rc1", "agora/v4.2.0-rc2", "agora/release/v4.2.0")
    tag(remote, head(remote), "model-ad/v1.0.0", "2.3.1", "bixarena/v0.14.1-beta")
    tag(remote, commit(remote, "Something new"), "agora/v4.3.0-rc1")
    commit(remote, "Merged since")
    return remote


def fix(remote: Path, branch: str = "hotfix/4.2.1", start: str = "agora/v4.2.0-rc2") -> str:
    """A branch with one commit on top of a tag."""
    git("update-ref", f"refs/heads/{branch}", f"refs/tags/{start}", folder=remote)
    return commit(remote, "Fix the search", branch=branch)


@pytest.mark.parametrize("kind", ["URL", "bare", "clone", "clone from before", "shallow clone"])
def test_a_branch_off_an_older_release_gets_the_next_patch_of_that_release(
    remote: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "clone from before":
        clone(remote, tmp_path / "before")
    fixed = fix(remote)
    location = {"URL": f"file://{remote}", "bare": str(remote), "clone from before": str(tmp_path / "before")}.get(kind)
    if kind == "clone":
        location = str(clone(remote, tmp_path / "clone"))
    elif kind == "shallow clone":
        location = str(tmp_path / "shallow")
        git("clone", "--quiet", "--depth=1", f"file://{remote}", location)
    mono = Monorepo("agora", str(location))
    before = refs(remote)
    plan = plan_cut(mono, start="hotfix/4.2.1")
    assert (plan.tag, plan.commit, plan.last_tag) == ("agora/v4.2.1-rc1", fixed, "agora/release/v4.2.0")
    assert (plan.source, plan.is_hot_fix) == ("branch hotfix/4.2.1", True)
    execute(plan, mono)
    assert refs(remote) == before | {"refs/tags/agora/v4.2.1-rc1": fixed}


@pytest.mark.parametrize("length", [40, 9])
def test_a_commit_is_named_by_all_or_the_first_of_its_digits(remote: Path, length: int) -> None:
    fixed = fix(remote)
    assert plan_cut(Monorepo("agora", f"file://{remote}"), start=fixed[:length]).commit == fixed


def test_a_commit_in_main_is_cut_by_its_own_history(remote: Path) -> None:
    middle = git("rev-parse", "refs/heads/main~2", folder=remote)
    plan = plan_cut(Monorepo("agora", f"file://{remote}"), start=middle[:12])
    assert (plan.commit, plan.tag) == (middle, "agora/v4.2.1-rc1")


def test_a_fix_of_a_candidate_that_is_open_is_its_next_candidate(remote: Path) -> None:
    fix(remote, "fix-4.3", "agora/v4.3.0-rc1")
    assert plan_cut(Monorepo("agora", str(remote)), start="fix-4.3").tag == "agora/v4.3.0-rc2"


def test_a_second_fix_continues_with_the_first_ones_candidates(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    fix(remote)
    execute(plan_cut(mono, start="hotfix/4.2.1"), mono)
    commit(remote, "Fix the fix", branch="hotfix/4.2.1")
    assert plan_cut(mono, start="hotfix/4.2.1").tag == "agora/v4.2.1-rc2"


def test_a_patch_that_is_released_already_is_passed_over(remote: Path) -> None:
    fix(remote)
    tag(remote, head(remote), "agora/v4.2.1-rc1", "agora/release/v4.2.1")
    assert plan_cut(Monorepo("agora", str(remote)), start="hotfix/4.2.1").tag == "agora/v4.2.2-rc1"


def test_after_a_hot_fix_main_continues_where_it_was(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    fix(remote)
    execute(plan_cut(mono, start="hotfix/4.2.1"), mono)
    assert plan_cut(mono).tag == "agora/v4.3.0-rc2"


@pytest.mark.parametrize("name", ["4.2.0", "v4.2.0", "agora/release/v4.2.0", "4.2.0-rc2", "agora/v4.2.0-rc2"])
def test_a_release_alone_has_nothing_new_and_the_error_says_how_to_branch_off_it(remote: Path, name: str) -> None:
    released = refs(remote)["refs/tags/agora/v4.2.0-rc2"]
    with pytest.raises(UserError, match="nothing new to release") as raised:
        plan_cut(Monorepo("agora", str(remote)), start=name)
    assert f"git switch -c hotfix/4.2.1 {released[:12]}" in raised.value.hint
    assert "--from hotfix/4.2.1" in raised.value.hint
    assert plan_cut(Monorepo("agora", str(remote)), start=name, again=True).tag == "agora/v4.2.1-rc1"


@pytest.mark.parametrize("name", ["model-ad/v1.0.0", "bixarena/v0.14.1-beta"])
def test_another_applications_tag_is_no_starting_point(remote: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"--from {name}: that tag is not of agora"):
        plan_cut(Monorepo("agora", str(remote)), start=name)


@pytest.mark.parametrize("name", ["2.3.1", "9.9.9-rc1", "4.3.0"])
def test_a_version_that_agora_never_released_is_refused_though_a_bare_tag_has_its_name(remote: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"--from {name}: .* has no tag agora/v{name}"):
        plan_cut(Monorepo("agora", str(remote)), start=name)


@pytest.mark.parametrize("name", ["nowhere", "0123456789", "f" * 40, "-x", "a..b"])
def test_what_the_remote_does_not_have_is_refused(remote: Path, name: str) -> None:
    with pytest.raises(UsageError, match="has no release, branch or commit"):
        plan_cut(Monorepo("agora", f"file://{remote}"), start=name)


def test_a_branch_that_goes_back_to_no_release_is_refused(remote: Path) -> None:
    commit(remote, "Another history", branch="orphan")
    with pytest.raises(UsageError, match="no tag agora/v… in the history of branch orphan"):
        plan_cut(Monorepo("agora", str(remote)), start="orphan")


def test_a_hot_fix_counts_up_the_patch_alone(remote: Path) -> None:
    fix(remote)
    mono = Monorepo("agora", str(remote))
    with pytest.raises(UsageError, match=r"--minor: what is cut from branch hotfix/4.2.1 fixes 4.2.0"):
        plan_cut(mono, "minor", start="hotfix/4.2.1")
    assert plan_cut(mono, "patch", start="hotfix/4.2.1").tag == "agora/v4.2.1-rc1"
    with pytest.raises(
        UsageError, match=r"4.3.0-rc2: not a version that may come after agora/release/v4.2.0"
    ) as raised:
        plan_cut(mono, version="4.3.0-rc2", start="hotfix/4.2.1")
    assert raised.value.hint == "Allowed: 4.2.1-rc1."


def test_a_hot_fix_that_someone_else_cut_meanwhile_is_not_pushed(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    fixed = fix(remote)
    plan = plan_cut(mono, start="hotfix/4.2.1")
    tag(remote, fixed, "agora/v4.2.1-rc2")
    with pytest.raises(UserError, match=r"overtaken, the last tag in .* is agora/v4.2.1-rc2"):
        execute(plan, mono)


def test_a_later_candidate_of_another_release_does_not_overtake_a_hot_fix(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    fixed = fix(remote)
    plan = plan_cut(mono, start="hotfix/4.2.1")
    tag(remote, head(remote), "agora/v4.3.0-rc2")
    execute(plan, mono)
    assert refs(remote)["refs/tags/agora/v4.2.1-rc1"] == fixed
