"""Commits and branches made next to what a user has checked out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.git import git
from portside.release.branches import base_of, commit_files, make_branch, read_at
from tests.unit.repository_support import APP, Repository, add_hook, make_repository

pytestmark = pytest.mark.slow

LOCK = "releases/4.3.0-rc1.json"
FILES = {LOCK: b"{}\n", "app.py": APP.replace("4.2.0-rc2", "4.3.0-rc1").encode()}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def test_a_commit_is_made_on_a_new_branch_on_top_of_the_base(repository: Repository) -> None:
    commit = commit_files(repository.path, base="dev", branch="pin/4.3.0", files=FILES, message="Pin\n\nBecause.")
    assert (commit.branch, commit.files, commit.is_new) == ("pin/4.3.0", ("app.py", LOCK), True)
    assert repository.git("rev-parse", "pin/4.3.0", "pin/4.3.0^").split() == [commit.commit, commit.base]
    assert commit.base == repository.git("rev-parse", "dev")
    assert {path: read_at(repository.path, "pin/4.3.0", path) for path in FILES} == FILES
    assert repository.git("log", "-1", "--format=%an|%B", "pin/4.3.0") == "A Person|Pin\n\nBecause."
    assert commit.as_json()["files"] == ["app.py", LOCK]


def test_worktree_index_and_current_branch_are_left_alone_and_no_hook_runs(repository: Repository) -> None:
    for hook in ("pre-commit", "post-commit", "post-index-change", "reference-transaction", "commit-msg"):
        add_hook(repository.path, hook, f"touch '{repository.path}/ran-{hook}'; exit 1")
    (repository.path / "app.py").write_text("half = done\n")
    (repository.path / "new.txt").write_text("not added\n")
    before = _untouched(repository)
    commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    assert _untouched(repository) == before
    assert not list(repository.path.glob("ran-*"))


def _untouched(repository: Repository) -> tuple[object, ...]:
    return (
        (repository.path / ".git/HEAD").read_bytes(),
        (repository.path / ".git/index").read_bytes(),
        {each.name: each.read_bytes() for each in repository.path.iterdir() if each.is_file()},
    )


def test_bytes_are_committed_as_they_are_given(repository: Repository) -> None:
    repository.git("config", "core.autocrlf", "true")
    commit_files(repository.path, base="dev", branch="pin", files={"app.py": b"a\r\nb\n\xff"}, message="Pin")
    assert read_at(repository.path, "pin", "app.py") == b"a\r\nb\n\xff"


def test_a_program_stays_one(repository: Repository) -> None:
    commit_files(repository.path, base="dev", branch="pin", files={"agora": b"#!/bin/sh\ntrue\n", **FILES}, message="P")
    modes = dict(line.split(" ")[::-1] for line in _modes(repository, "pin"))
    assert modes == {"agora": "100755", "CHANGELOG.md": "100644", "app.py": "100644", LOCK: "100644"}


def _modes(repository: Repository, branch: str) -> list[str]:
    return repository.git("ls-tree", "-r", "--format=%(objectmode) %(path)", branch).splitlines()


def test_a_second_run_returns_the_branch_of_the_first(repository: Repository) -> None:
    first = commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    second = commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    assert (second.commit, second.is_new) == (first.commit, False)


def test_a_second_run_returns_the_branch_also_where_the_base_has_moved_on_elsewhere(repository: Repository) -> None:
    first = commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    repository.commit("dev", {"CHANGELOG.md": "# Other\n"}, "Other")
    second = commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    assert (second.commit, second.base) == (first.commit, first.base)


@pytest.mark.parametrize(
    "files", [{**FILES, LOCK: b"[]\n"}, {LOCK: b"{}\n"}, {**FILES, "more": b""}], ids=["other", "fewer", "more"]
)
def test_a_branch_with_another_content_is_refused_and_kept(repository: Repository, files: dict[str, bytes]) -> None:
    first = commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    with pytest.raises(UsageError, match="the branch pin exists with another content") as caught:
        commit_files(repository.path, base="dev", branch="pin", files=files, message="Pin")
    assert "git branch -D pin" in caught.value.hint
    assert repository.git("rev-parse", "pin") == first.commit


def test_the_same_files_on_top_of_someone_elses_commit_are_another_content(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "pin")
    repository.commit("pin", {"CHANGELOG.md": "# Mine\n"}, "Mine", push=False)
    repository.commit("pin", {path: content.decode() for path, content in FILES.items()}, "Pin", push=False)
    with pytest.raises(UsageError, match="another content"):
        commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")


def test_a_branch_whose_name_begins_like_another_is_refused(repository: Repository) -> None:
    repository.git("branch", "release/one")
    with pytest.raises(UsageError, match="the branch release cannot be made"):
        commit_files(repository.path, base="dev", branch="release", files=FILES, message="Pin")


@pytest.mark.parametrize("name", ["-x", "a b", "a..b", "@{-1}", "", "HEAD"])
def test_what_is_no_name_for_a_branch_is_refused(repository: Repository, name: str) -> None:
    repository.git("checkout", "--quiet", "stage")
    repository.git("checkout", "--quiet", "dev")
    with pytest.raises(UsageError, match="not a name for a branch"):
        commit_files(repository.path, base="dev", branch=name, files=FILES, message="Pin")


def test_a_branch_that_someone_made_in_between_is_not_moved(repository: Repository) -> None:
    theirs = repository.commit("stage", {"a": "a"}, "Theirs")
    with pytest.raises(UsageError, match=f"the branch stage exists with another content, at {theirs[:7]}"):
        make_branch(repository.path, "stage", repository.git("rev-parse", "prod"))
    assert repository.git("rev-parse", "stage") == theirs


def test_nothing_to_change_is_said_and_makes_no_branch(repository: Repository) -> None:
    with pytest.raises(UsageError, match=r"nothing to change: dev already has this content of app\.py"):
        commit_files(repository.path, base="dev", branch="pin", files={"app.py": APP.encode()}, message="Pin")
    assert repository.git("branch", "--list", "pin") == ""


@pytest.mark.parametrize("path", ["CHANGELOG.md/4.json", "docs"])
def test_a_file_and_a_folder_of_one_name_are_refused(repository: Repository, path: str) -> None:
    repository.commit("dev", {"docs/one.md": "One\n"}, "Docs", push=False)
    with pytest.raises(UsageError, match=r"CHANGELOG\.md has the same path|docs is not a regular file"):
        commit_files(repository.path, base="dev", branch="pin", files={path: b"{}"}, message="Pin")


def test_without_an_author_the_commands_that_name_one_are_said(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting in ("user.name", "user.email"):
        repository.git("config", "--unset", setting)
    for name in [each for each in os.environ if each.startswith(("GIT_", "XDG_")) or each == "EMAIL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    # A name that git would guess from the machine's account does not do.
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ci@example.org")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ci@example.org")
    with pytest.raises(UsageError, match="does not know the author") as caught:
        commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin")
    assert "git config user.name" in caught.value.hint
    assert "git config user.email" in caught.value.hint
    assert repository.git("branch", "--list", "pin") == ""
    monkeypatch.setenv("GIT_AUTHOR_NAME", "CI")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "CI")
    assert commit_files(repository.path, base="dev", branch="pin", files=FILES, message="Pin").is_new


def test_a_base_that_does_not_exist_is_refused(repository: Repository) -> None:
    with pytest.raises(UsageError, match='no commit "nowhere"'):
        commit_files(repository.path, base="nowhere", branch="pin", files=FILES, message="Pin")


def test_the_base_is_where_the_remote_has_the_branch_now(repository: Repository, tmp_path: Path) -> None:
    repository.git("clone", "--quiet", str(repository.origin), str(tmp_path / "other"))
    newer = repository.commit("dev", {"a": "a"}, "Newer")
    base = base_of(tmp_path / "other", "dev")
    assert (base.ref, base.commit, base.remote, base.unpushed) == ("refs/remotes/origin/dev", newer, "origin", 0)


def test_commits_that_are_not_pushed_are_counted(repository: Repository) -> None:
    pushed = repository.git("rev-parse", "dev")
    repository.commit("dev", {"a": "a"}, "One", push=False)
    repository.commit("dev", {"a": "b"}, "Two", push=False)
    base = base_of(repository.path, "dev")
    assert (base.commit, base.unpushed) == (pushed, 2)
    assert base.as_json()["unpushed"] == 2


def test_upstream_counts_before_origin(repository: Repository, tmp_path: Path) -> None:
    repository.git("clone", "--quiet", "--bare", str(repository.origin), str(tmp_path / "upstream.git"))
    repository.git("remote", "add", "upstream", str(tmp_path / "upstream.git"))
    repository.commit("dev", {"a": "a"}, "In the fork only")
    base = base_of(repository.path, "dev")
    assert (base.remote, base.commit) == ("upstream", repository.git("rev-parse", "dev^"))


def test_a_clone_of_one_branch_finds_the_others(repository: Repository, tmp_path: Path) -> None:
    clone = tmp_path / "single"
    repository.git("clone", "--quiet", "--single-branch", "--branch=dev", str(repository.origin), str(clone))
    assert base_of(clone, "prod").commit == repository.git("rev-parse", "prod")


def test_without_a_remote_the_local_branch_is_the_base(repository: Repository) -> None:
    repository.git("remote", "remove", "origin")
    base = base_of(repository.path, "stage")
    assert (base.ref, base.remote) == ("refs/heads/stage", None)
    with pytest.raises(UsageError, match='no branch "other" in this repository, which has no remote'):
        base_of(repository.path, "other")


def test_a_branch_that_the_remote_lost_is_not_taken_from_memory(repository: Repository) -> None:
    git("update-ref", "-d", "refs/heads/stage", folder=repository.origin)
    with pytest.raises(UsageError, match='no branch "stage" at origin') as caught:
        base_of(repository.path, "stage")
    assert caught.value.hint == "Push it: git push origin stage"


def test_a_remote_that_cannot_be_reached_is_said_without_its_credentials(repository: Repository) -> None:
    repository.git("remote", "set-url", "origin", f"http://me:{'hunter2'}@127.0.0.1:9/agora.git")
    repository.git("update-ref", "-d", "refs/remotes/origin/dev")
    with pytest.raises(UserError, match="origin cannot be reached to fetch dev") as caught:
        base_of(repository.path, "dev")
    assert caught.value.exit_code == 1
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint


def test_a_remote_out_of_reach_leaves_what_was_fetched_last_and_that_is_said(repository: Repository) -> None:
    pushed = repository.at_origin("dev")
    read = base_of(repository.path, "dev")
    assert (read.sentence, read.unreached) == (f"Read dev of origin at {pushed[:7]}.", "")
    repository.git("remote", "set-url", "origin", f"http://me:{'hunter2'}@127.0.0.1:9/agora.git")
    stale = base_of(repository.path, "dev")
    assert stale.commit == pushed
    assert stale.sentence.startswith(
        f"Read dev of origin as it was fetched last, at {pushed[:7]}: origin cannot be reached"
    )
    assert "hunter2" not in stale.sentence
    assert stale.as_json()["unreached"] == stale.unreached


def test_a_branch_is_read_at_the_remote_and_not_where_the_clone_last_saw_it(repository: Repository) -> None:
    other = repository.commit("dev", {"a": "a"}, "Pushed by someone else")
    repository.git("update-ref", "refs/remotes/origin/dev", f"{other}~1")
    repository.git("update-ref", "refs/heads/dev", f"{other}~1")
    assert base_of(repository.path, "dev").commit == other


def test_remotes_of_other_names_are_taken_where_there_is_one_only(repository: Repository) -> None:
    repository.git("remote", "rename", "origin", "sage")
    assert base_of(repository.path, "dev").remote == "sage"
    repository.git("remote", "add", "mine", str(repository.origin))
    with pytest.raises(UsageError, match="none of them called upstream or origin"):
        base_of(repository.path, "dev")


def test_a_file_that_a_commit_lacks_is_none_and_an_unknown_commit_is_refused(repository: Repository) -> None:
    repository.commit("dev", {"docs/one.md": "One\n"}, "Docs", push=False)
    assert read_at(repository.path, "dev", "docs/one.md") == b"One\n"
    assert read_at(repository.path, "dev", "docs") is None
    assert read_at(repository.path, "prod", "docs/one.md") is None
    with pytest.raises(UsageError, match="no commit"):
        read_at(repository.path, "nowhere", "app.py")
