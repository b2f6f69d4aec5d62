"""Marking a release as finished in a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.release.finish import execute, plan_finish
from portside.release.monorepo import Monorepo
from portside.release.staged import Staged
from portside.release.version_tags import parse_version
from tests.unit.git_support import annotated_tag, bare, clone, commit, head, hook, monorepo, refs, tag, use_own_settings

pytestmark = pytest.mark.slow


def runs(version: str, commit: str | None = None, *, footer: bool = False) -> Staged:
    """The version that stage runs."""
    parsed = parse_version(version)
    assert parsed is not None
    return Staged("stage", parsed, commit, "stage runs it", is_footer=footer)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_own_settings(monkeypatch, tmp_path)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """Nine candidates of 4.0.0 on one commit, the tenth on the next, and main one further."""
    remote = monorepo(tmp_path / "remote.git", *(f"agora/v4.0.0-rc{number}" for number in range(1, 10)))
    tag(remote, head(remote), "agora/v4.0.0-rc10", "model-ad/v4.0.0-rc11")
    commit(remote, "Merged since")
    return remote


def _commit_of(remote: Path, name: str) -> str:
    return refs(remote)[f"refs/tags/{name}"]


def test_a_plan_names_both_tags_and_the_commit_of_the_last_candidate(remote: Path) -> None:
    assert plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0-rc10")).as_json() == {
        "tag": "agora/release/v4.0.0",
        "version": "4.0.0",
        "candidate_tag": "agora/v4.0.0-rc10",
        "candidate": "4.0.0-rc10",
        "commit": _commit_of(remote, "agora/v4.0.0-rc10"),
        "subject": "Show the evidence",
        "ignored": 'Ignored: 1 tag not under "agora/".',
        "staged": runs("4.0.0-rc10").as_json(),
        "remark": "",
    }


@pytest.mark.parametrize("version", ["4.0.0", "4.0.0-rc10"])
def test_the_release_may_be_named_with_or_without_its_last_candidate(remote: Path, version: str) -> None:
    mono = Monorepo("agora", str(remote))
    assert plan_finish(mono, version, runs("4.0.0-rc10")) == plan_finish(mono, None, runs("4.0.0-rc10"))


@pytest.mark.parametrize("kind", ["URL", "bare", "clone"])
def test_a_plan_is_carried_out_on_the_commit_of_the_last_candidate(remote: Path, tmp_path: Path, kind: str) -> None:
    locations = {"URL": f"file://{remote}", "bare": str(remote), "clone": str(clone(remote, tmp_path / "a clone"))}
    mono = Monorepo("agora", locations[kind])
    before = refs(remote)
    execute(plan_finish(mono, None, runs("4.0.0-rc10")), mono)
    assert refs(remote) == before | {"refs/tags/agora/release/v4.0.0": before["refs/tags/agora/v4.0.0-rc10"]}
    assert _commit_of(remote, "agora/release/v4.0.0") != head(remote)


def test_a_clone_that_is_behind_may_finish_since_its_branch_is_not_what_is_tagged(remote: Path, tmp_path: Path) -> None:
    working = clone(remote, tmp_path / "clone")
    tag(remote, commit(remote, "One more"), "agora/v4.0.0-rc11")
    mono = Monorepo("agora", str(working))
    execute(plan_finish(mono, None, runs("4.0.0-rc11")), mono)
    assert _commit_of(remote, "agora/release/v4.0.0") == head(remote)


def test_a_candidate_outside_the_branch_is_finished_from_a_url_as_well(remote: Path) -> None:
    fix = commit(remote, "Fix 4.0.0 alone", branch="fix")
    tag(remote, fix, "agora/v4.0.0-rc11")
    git_url = Monorepo("agora", f"file://{remote}")
    execute(plan_finish(git_url, None, runs("4.0.0-rc11")), git_url)
    assert _commit_of(remote, "agora/release/v4.0.0") == fix


def test_an_annotated_candidate_is_finished_by_a_lightweight_tag_on_its_commit(remote: Path) -> None:
    annotated_tag(remote, head(remote), "agora/v4.1.0-rc1")
    mono = Monorepo("agora", str(remote))
    execute(plan_finish(mono, None, runs("4.1.0-rc1")), mono)
    assert _commit_of(remote, "agora/release/v4.1.0") == head(remote)


def test_a_final_version_is_finished_on_its_own_commit(remote: Path) -> None:
    tag(remote, head(remote), "agora/v4.0.0")
    plan = plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0"))
    assert (plan.candidate_tag, plan.commit) == ("agora/v4.0.0", head(remote))


def test_a_version_that_is_none_is_refused(remote: Path) -> None:
    with pytest.raises(UsageError, match=r"version: not written as X\.Y\.Z, got 'v4\.0\.0'"):
        plan_finish(Monorepo("agora", str(remote)), "v4.0.0", runs("4.0.0-rc10"))


def test_a_candidate_that_was_never_tagged_is_refused_with_the_tag_that_is_missing(
    remote: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"stage runs 4.1.0-rc1, for which .* has no tag agora/v4.1.0-rc1") as caught:
        plan_finish(Monorepo("agora", str(remote)), None, runs("4.1.0-rc1"))
    assert caught.value.hint == "Make one: ./agora release cut"
    with pytest.raises(UserError, match=r"has no tag agora/v4.0.0-rc11") as caught:
        plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0-rc11"))
    assert caught.value.hint == "The last candidate of 4.0.0 there is 4.0.0-rc10."
    with pytest.raises(UserError, match="the repository is empty"):
        plan_finish(Monorepo("agora", str(bare(tmp_path / "empty.git"))), None, runs("4.1.0-rc1"))


def test_a_release_that_is_already_finished_is_reported(remote: Path) -> None:
    tag(remote, _commit_of(remote, "agora/v4.0.0-rc10"), "agora/release/v4.0.0")
    with pytest.raises(UserError, match=r"finished already, on the same commit as agora/v4.0.0-rc10"):
        plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0-rc10"))
    with pytest.raises(UserError, match="finished already"):
        plan_finish(Monorepo("agora", str(remote)), "4.0.0", runs("4.1.0-rc1"))


def test_a_release_tag_on_another_commit_is_reported_with_both_commits(remote: Path) -> None:
    tag(remote, head(remote), "agora/release/v4.0.0")
    there, expected = head(remote)[:12], _commit_of(remote, "agora/v4.0.0-rc10")[:12]
    with pytest.raises(UserError, match=f"on {there} and not on agora/v4.0.0-rc10's commit {expected}"):
        plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0-rc10"))


@pytest.mark.parametrize("version", [None, "4.0.0", "4.0.0-rc9"])
def test_an_earlier_candidate_that_stage_runs_is_finished_though_a_later_one_is_tagged(
    remote: Path, version: str | None
) -> None:
    mono = Monorepo("agora", str(remote))
    plan = plan_finish(mono, version, runs("4.0.0-rc9"))
    assert (plan.candidate_tag, plan.commit) == ("agora/v4.0.0-rc9", _commit_of(remote, "agora/v4.0.0-rc9"))
    assert plan.remark == "Tagged since, and not what is finished: agora/v4.0.0-rc10."
    execute(plan, mono)
    assert _commit_of(remote, "agora/release/v4.0.0") == plan.commit != _commit_of(remote, "agora/v4.0.0-rc10")


def test_a_candidate_that_stage_does_not_run_is_refused(remote: Path) -> None:
    with pytest.raises(UsageError, match=r"4.0.0-rc10: not what stage runs, which is 4.0.0-rc9"):
        plan_finish(Monorepo("agora", str(remote)), "4.0.0-rc10", runs("4.0.0-rc9"))


def test_images_of_another_commit_than_the_tags_are_not_finished(remote: Path) -> None:
    on = _commit_of(remote, "agora/v4.0.0-rc10")[:12]
    with pytest.raises(UserError, match=f"stage runs 4.0.0-rc10 from commit {'a' * 12}, but .*-rc10 is on {on}"):
        plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0-rc10", "a" * 40))
    assert plan_finish(
        Monorepo("agora", str(remote)), None, runs("4.0.0-rc10", _commit_of(remote, "agora/v4.0.0-rc10"))
    )


def test_of_a_footer_the_commit_decides_which_candidate_it_is(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    ninth = _commit_of(remote, "agora/v4.0.0-rc9")
    plan = plan_finish(mono, None, runs("4.0.0", ninth[:7], footer=True))
    assert (str(plan.candidate), plan.commit) == ("4.0.0-rc9", ninth), "the last of those on that commit"
    tenth = _commit_of(remote, "agora/v4.0.0-rc10")
    assert str(plan_finish(mono, "4.0.0", runs("4.0.0", tenth[:7], footer=True)).candidate) == "4.0.0-rc10"


def test_a_footer_whose_commit_no_tag_is_on_is_refused_with_the_tags_there_are(remote: Path) -> None:
    with pytest.raises(UserError, match=r"no tag of 4.0.0 is on a commit fffffff") as raised:
        plan_finish(Monorepo("agora", str(remote)), None, runs("4.0.0", "fffffff", footer=True))
    assert f"agora/v4.0.0-rc10 on {_commit_of(remote, 'agora/v4.0.0-rc10')[:12]}" in raised.value.hint
    with pytest.raises(UserError, match=r"no tag of 9.0.0") as raised:
        plan_finish(Monorepo("agora", str(remote)), None, runs("9.0.0", "fffffff", footer=True))
    assert raised.value.hint == "There is no tag agora/v9.0.0-rcN."


def test_a_release_that_stage_does_not_run_is_refused(remote: Path) -> None:
    tag(remote, head(remote), "agora/v4.1.0-rc1")
    with pytest.raises(UsageError, match=r"4.0.0: not what stage runs, which is 4.1.0-rc1"):
        plan_finish(Monorepo("agora", str(remote)), "4.0.0", runs("4.1.0-rc1"))


def test_a_release_tag_that_appeared_after_the_plan_is_left_where_it_is(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    plan = plan_finish(mono, None, runs("4.0.0-rc10"))
    tag(remote, head(remote), "agora/release/v4.0.0")
    before = refs(remote)
    with pytest.raises(UserError, match=r"agora/release/v4.0.0: exists in .*, on another commit"):
        execute(plan, mono)
    assert refs(remote) == before


def test_a_candidate_that_came_after_the_plan_changes_nothing_about_the_proven_one(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    plan = plan_finish(mono, None, runs("4.0.0-rc10"))
    tag(remote, head(remote), "agora/v4.0.0-rc11")
    execute(plan, mono)
    assert _commit_of(remote, "agora/release/v4.0.0") == plan.commit


def test_a_candidate_that_was_moved_after_the_plan_stops_it(remote: Path) -> None:
    mono = Monorepo("agora", str(remote))
    plan = plan_finish(mono, None, runs("4.0.0-rc10"))
    _move(remote, "agora/v4.0.0-rc10")
    with pytest.raises(UserError, match=f"has agora/v4.0.0-rc10 on {head(remote)[:12]} by now"):
        execute(plan, mono)
    assert "refs/tags/agora/release/v4.0.0" not in refs(remote)


def test_tags_that_are_not_on_one_commit_after_the_push_are_noticed(remote: Path) -> None:
    hook(remote, "post-receive", f"git update-ref refs/tags/agora/v4.0.0-rc10 {head(remote)}")
    mono = Monorepo("agora", f"file://{remote}")
    plan = plan_finish(mono, None, runs("4.0.0-rc10"))
    with pytest.raises(UserError, match=r"pushed, but .* now has agora/release/v4.0.0 on (\w+) and .*-rc10 on (?!\1)"):
        execute(plan, mono)


def test_a_remote_that_refuses_the_tag_is_reported(remote: Path) -> None:
    hook(remote, "pre-receive", "echo 'no releases on Fridays' >&2", "exit 1")
    mono = Monorepo("agora", f"file://{remote}")
    with pytest.raises(UserError, match=r"agora/release/v4.0.0: refused by .*: no releases on Fridays"):
        execute(plan_finish(mono, None, runs("4.0.0-rc10")), mono)


def _move(remote: Path, name: str) -> None:
    (remote / "refs" / "tags" / name).write_text(f"{head(remote)}\n")
