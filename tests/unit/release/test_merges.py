"""The changes of a merge from one environment's branch into the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portside.errors import UsageError, UserError
from portside.git import git
from portside.release.merges import plan_merge, prepare_branch
from tests.unit.repository_support import APP, Repository, make_repository

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


def test_a_merge_brings_commits_newest_first_and_files(repository: Repository) -> None:
    repository.commit("dev", {"a": "a"}, "First: with a tab\there")
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit("topic", {"ü b": "b"}, "Second", push=False)
    repository.git("merge", "--quiet", "--no-ff", "--message", "Merge topic", "topic")
    repository.git("push", "--quiet", "origin", "dev")
    merge = plan_merge(repository.path, "dev", "stage")
    assert [subject for _, subject in merge.commits] == ["Merge topic", "Second", "First: with a tab\there"]
    assert merge.source.commit.startswith(merge.commits[0][0])
    assert (merge.files, merge.conflicts, merge.nothing) == (("a", "ü b"), (), False)
    assert merge.as_json()["commits"][0]["subject"] == "Merge topic"


def test_the_remotes_branches_are_merged_and_not_what_is_here(repository: Repository) -> None:
    repository.commit("dev", {"a": "a"}, "Unpushed", push=False)
    merge = plan_merge(repository.path, "dev", "stage")
    assert merge.nothing
    assert (merge.commits, merge.files, merge.conflicts, merge.source.unpushed) == ((), (), (), 1)


def test_paths_that_both_sides_changed_are_conflicts(repository: Repository) -> None:
    repository.commit("dev", {"app.py": APP.replace("4.2.0-rc2", "4.3.0-rc1"), "a": "a"}, "Forward")
    repository.commit("stage", {"app.py": APP.replace("4.2.0-rc2", "4.1.0-rc1")}, "Back")
    merge = plan_merge(repository.path, "dev", "stage")
    assert (merge.conflicts, merge.files) == (("app.py",), ("a", "app.py"))
    assert [subject for _, subject in merge.commits] == ["Forward"]


def test_a_file_that_the_target_has_already_is_not_brought(repository: Repository) -> None:
    repository.commit("dev", {"a": "same", "b": "b"}, "On dev")
    repository.commit("stage", {"a": "same"}, "The same on stage")
    assert plan_merge(repository.path, "dev", "stage").files == ("b",)


def test_planning_changes_nothing_in_the_working_tree(repository: Repository) -> None:
    repository.commit("dev", {"app.py": "1\n"}, "Forward")
    repository.commit("stage", {"app.py": "2\n"}, "Back")
    (repository.path / "app.py").write_text("half = done\n")
    before = repository.state()
    prepare_branch(repository.path, plan_merge(repository.path, "dev", "stage"), "promote/stage")
    assert repository.state() == before


def test_an_old_git_does_not_know_conflicts(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit("dev", {"a": "a"}, "First")
    real = git("--exec-path")
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text(
        f"""#!/bin/sh
if [ "$1" = merge-tree ]; then
  echo 'usage: git merge-tree <base-tree> <branch1> <branch2>' >&2
  exit 129
fi
exec '{real}/git' "$@"
"""
    )
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}{os.environ['PATH']}")
    merge = plan_merge(repository.path, "dev", "stage")
    assert (merge.conflicts, merge.files) == (None, ("a",))
    assert merge.as_json()["conflicts"] is None


def test_branches_without_a_common_commit_are_not_merged(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "new")
    repository.git("commit", "--quiet", "--message", "Another start")
    repository.git("push", "--quiet", "origin", "new")
    with pytest.raises(UserError, match="new and stage have no common commit"):
        plan_merge(repository.path, "new", "stage")


def test_a_branch_is_prepared_at_what_was_shown(repository: Repository) -> None:
    shown = repository.commit("dev", {"a": "a"}, "Shown")
    merge = plan_merge(repository.path, "dev", "stage")
    repository.commit("dev", {"b": "b"}, "Not shown")
    commit = prepare_branch(repository.path, merge, "promote/stage")
    assert repository.git("rev-parse", "promote/stage") == shown
    assert (commit.commit, commit.base, commit.is_new) == (shown, merge.target.commit, True)
    assert commit.files == ("a",)
    assert not prepare_branch(repository.path, merge, "promote/stage").is_new


def test_a_branch_that_is_elsewhere_is_refused_and_kept(repository: Repository) -> None:
    repository.commit("dev", {"a": "a"}, "Shown")
    repository.git("branch", "promote/stage", "stage")
    with pytest.raises(UsageError, match="promote/stage exists with another content"):
        prepare_branch(repository.path, plan_merge(repository.path, "dev", "stage"), "promote/stage")
    assert repository.git("rev-parse", "promote/stage") == repository.git("rev-parse", "stage")
