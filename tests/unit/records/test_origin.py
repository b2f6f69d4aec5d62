"""Who acts, and from which commit of this repository."""

from __future__ import annotations

import getpass
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from portside.aws.target import Target
from portside.git import git
from portside.records import origin
from portside.records.origin import read_origin
from tests.unit.operations_support import target
from tests.unit.repository_support import Repository, make_repository

PLACE = replace(target({}), caller="Developer/jane")
ON_THIS_MACHINE = target({}, is_local=True)


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A separate clone, outside GitHub Actions."""
    made = make_repository(tmp_path)
    monkeypatch.setattr(origin, "ROOT", made.path)
    for name in ("GITHUB_ACTIONS", "GITHUB_ACTOR", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    return made


def _in_actions(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in {"GITHUB_ACTIONS": "true", **variables}.items():
        monkeypatch.setenv(name, value)


def test_in_github_actions_it_is_the_person_and_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    _in_actions(monkeypatch, GITHUB_ACTOR="jane", GITHUB_RUN_ID="4711", GITHUB_TOKEN="ghs_" + "x" * 36)
    assert read_origin(PLACE).who == "jane (GitHub run 4711)"


def test_in_github_actions_without_names_it_is_still_said_to_be_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    _in_actions(monkeypatch)
    assert read_origin(PLACE).who == "someone (GitHub run unknown)"


def test_elsewhere_it_is_whose_credentials_act() -> None:
    assert read_origin(PLACE).who == "Developer/jane"


def test_without_credentials_it_is_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "jane")
    assert read_origin(ON_THIS_MACHINE).who == f"jane@{socket.gethostname()}"


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set")])
def test_a_user_without_a_name_is_a_number(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def getuser() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", getuser)
    who = read_origin(ON_THIS_MACHINE).who
    assert who.startswith("user ")
    assert who.endswith(f"@{socket.gethostname()}")


def _commit(place: Target = PLACE) -> str | None:
    return read_origin(place).commit


def test_a_clone_without_changes_is_its_commit(repository: Repository) -> None:
    assert _commit() == repository.git("rev-parse", "HEAD")
    for name in ("notes.md", "docs/page.txt", "tests/test_it.py", ".tool/cache"):
        (repository.path / name).parent.mkdir(exist_ok=True)
        (repository.path / name).write_text("no template depends on it")
    assert _commit() == repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["prices.json", "more.py", "releases/4.2.0-rc3.json", "src/more.py"])
def test_a_file_that_templates_may_depend_on_and_no_commit_has_is_a_change(repository: Repository, name: str) -> None:
    (repository.path / name).parent.mkdir(exist_ok=True)
    (repository.path / name).write_text("")
    assert _commit() == f"{repository.git('rev-parse', 'HEAD')}+changes"


def test_what_is_ignored_by_the_repository_is_no_change_but_what_is_ignored_in_one_clone_is(
    repository: Repository,
) -> None:
    repository.commit("dev", {".gitignore": "*.log\n"}, "Ignore logs")
    (repository.path / "cdk.log").write_text("")
    assert _commit() == repository.git("rev-parse", "HEAD")
    (repository.path / ".git" / "info").mkdir(exist_ok=True)
    (repository.path / ".git" / "info" / "exclude").write_text("more.py\n")
    (repository.path / "more.py").write_text("")
    assert origin.uncommitted(repository.path) == ["more.py"]


def test_an_ignoring_file_that_no_commit_has_hides_nothing(repository: Repository) -> None:
    (repository.path / "src").mkdir()
    (repository.path / "src" / ".gitignore").write_text("*\n")
    (repository.path / "src" / "more.py").write_text("")
    assert origin.uncommitted(repository.path) == ["src/.gitignore"]


@pytest.mark.parametrize("folder", ["venv", "htmlcov", "venv/lib/more"])
def test_an_ignored_folder_can_have_its_own_ignore_file(repository: Repository, folder: str) -> None:
    repository.commit("dev", {".gitignore": "venv/\n/htmlcov\n"}, "Ignore what tools make")
    (repository.path / folder).mkdir(parents=True)
    (repository.path / folder / ".gitignore").write_text("*\n")
    assert origin.uncommitted(repository.path) == []


@pytest.mark.parametrize("how", [".git/info/exclude", ".gitignore", "again"])
def test_a_folder_that_only_this_clone_ignores_counts_with_its_ignoring_file(repository: Repository, how: str) -> None:
    repository.commit("dev", {".gitignore": "src/*\n!src/kept\n"}, "Ignore some")
    folder = repository.path / ("src/kept" if how == "again" else "kept")
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("*\n")
    if how == ".git/info/exclude":
        (repository.path / ".git/info").mkdir(exist_ok=True)
        (repository.path / how).write_text("kept\n")
    if how == ".gitignore":
        (repository.path / how).write_text("kept\n")
    found = origin.uncommitted(repository.path)
    assert (
        found == [".gitignore"]
        if how == ".gitignore"
        else found == [f"{folder.relative_to(repository.path)}/.gitignore"]
    )


def test_a_renamed_file_is_named_once_by_its_new_path(repository: Repository) -> None:
    repository.git("mv", "app.py", "moved.py")
    assert origin.uncommitted(repository.path) == ["moved.py", "app.py"]


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_does_not_compare_any_more_is_a_change(repository: Repository, flag: str) -> None:
    repository.git("update-index", flag, "app.py")
    (repository.path / "app.py").write_text("changed = True\n")
    assert origin.uncommitted(repository.path) == ["app.py"]


def test_changes_in_the_clone_are_reported_staged_or_not(repository: Repository) -> None:
    (repository.path / "app.py").write_text("changed = True\n")
    assert _commit() == f"{repository.git('rev-parse', 'HEAD')}+changes"
    repository.git("add", "app.py")
    assert _commit() == f"{repository.git('rev-parse', 'HEAD')}+changes"


def test_what_another_git_program_has_set_leads_to_no_other_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    other = make_repository(tmp_path / "elsewhere")
    other.commit("dev", {"note": "another"}, "Another")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    assert _commit() == repository.git("rev-parse", "HEAD")


def test_outside_a_git_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr(origin, "ROOT", tmp_path / "unpacked")
    assert _commit() is None


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _commit() is None


@pytest.mark.parametrize("how", ["a filter", "a file monitor", "a replaced commit"])
def test_a_file_that_git_was_configured_to_ignore_counts_as_changed(how: str, repository: Repository) -> None:
    path = repository.path
    file = path / "app.py"
    if how == "a filter":
        (path / ".git/info").mkdir(exist_ok=True)
        (path / ".git/info/attributes").write_text("app.py filter=lie\n")
        git("config", "filter.lie.clean", "git cat-file blob HEAD:app.py", folder=path)
    if how == "a file monitor":
        monitor = path / ".git/monitor"
        monitor.write_text("#!/bin/sh\nprintf 't\\0'\n")
        monitor.chmod(0o755)
        git("config", "core.fsmonitor", str(monitor), folder=path)
        git("status", folder=path)
        git("status", folder=path)
    # A file of another size is not filtered.
    file.write_text(file.read_text().swapcase())
    if how == "a replaced commit":
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        before = git("rev-parse", "HEAD", folder=path)
        git(*who, "commit", "--quiet", "--all", "--message", "Other", folder=path)
        git("replace", before, "HEAD", folder=path)
        git("reset", "--quiet", "--soft", before, folder=path)
    assert "app.py" in origin.uncommitted(path)
