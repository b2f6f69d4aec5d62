"""Pushing a branch and opening its pull request."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portside.errors import UsageError, UserError
from portside.release.pull_request import Outcome, PullRequest, github_name, open_pull_request, plan_pull_request
from tests.unit.repository_support import Repository, add_hook, make_repository

pytestmark = pytest.mark.slow

TOKEN = "ghp_" + "x1" * 18
EXISTING = "https://github.com/Sage-Bionetworks/agora-infra/pull/7"
MADE = "https://github.com/Sage-Bionetworks/agora-infra/pull/8"
COMPARE = "https://github.com/Sage-Bionetworks/agora-infra/compare/dev...pin/4.3.0?expand=1"


@pytest.fixture(autouse=True)
def path_without_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that has git, and what a test puts into the folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("git", "sh", "cat", "env", "touch"):
        found = shutil.which(program)
        assert found
        (folder / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = make_repository(tmp_path)
    made.git("branch", "pin/4.3.0")
    made.commit("pin/4.3.0", {"app.py": "# pinned\n"}, "Pin 4.3.0", push=False)
    return made


@dataclass(frozen=True)
class Gh:
    """A `gh` that writes down how it was called and answers as it is reported to."""

    folder: Path

    def calls(self) -> list[str]:
        return (self.folder / "gh-calls").read_text().splitlines()

    def environment(self) -> dict[str, str]:
        lines = (self.folder / "gh-env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def body(self) -> str:
        return (self.folder / "gh-body").read_text()


def put_gh(folder: Path, *, logged_in: bool = True, listed: object = (), create: str = f"echo {MADE}") -> Gh:
    answer = listed if isinstance(listed, str) else json.dumps(listed)
    (folder / "gh").write_text(
        f"""#!/bin/sh
echo "$*" >> '{folder}/gh-calls'
env > '{folder}/gh-env'
case "$1 $2" in
  'auth status') exit {0 if logged_in else 1} ;;
  'pr list') echo '{answer}' ;;
  'pr create') cat > '{folder}/gh-body'; {create} ;;
  *) exit 9 ;;
esac
"""
    )
    (folder / "gh").chmod(0o755)
    return Gh(folder)


def plan(repository: Repository) -> PullRequest:
    return plan_pull_request(repository.path, branch="pin/4.3.0", into="dev", title="Pin 4.3.0", body="Why: ä\n\n- x")


def opened(repository: Repository) -> Outcome:
    return open_pull_request(plan(repository), lambda _: None)


def at_github(repository: Repository) -> None:
    """Let the remote have an address at github.com, while git continues pushing to the folder."""
    repository.git("config", "remote.origin.pushurl", str(repository.origin))
    repository.git("remote", "set-url", "origin", "git@github.com:Sage-Bionetworks/agora-infra.git")


def test_without_gh_the_branch_is_pushed_and_the_address_is_said(repository: Repository) -> None:
    at_github(repository)
    reported: list[str] = []
    outcome = open_pull_request(plan(repository), reported.append)
    assert (outcome.state, outcome.address) == ("to be opened", COMPARE)
    assert COMPARE in outcome.sentence
    assert reported == ["pushing pin/4.3.0 to origin"]
    assert repository.at_origin("pin/4.3.0") == repository.git("rev-parse", "pin/4.3.0")


def test_planning_pushes_nothing(repository: Repository) -> None:
    planned = plan(repository).as_json()
    assert repository.at_origin("pin/4.3.0") == ""
    assert (planned["remote"], planned["branch"], planned["into"]) == ("origin", "pin/4.3.0", "dev")
    json.dumps(planned)


def test_what_was_planned_is_pushed_and_not_what_the_branch_became(repository: Repository) -> None:
    planned = plan(repository)
    repository.commit("pin/4.3.0", {"a": "later"}, "Later", push=False)
    open_pull_request(planned, lambda _: None)
    assert repository.at_origin("pin/4.3.0") == planned.commit


def test_a_remote_elsewhere_gets_a_sentence(repository: Repository) -> None:
    outcome = opened(repository)
    assert (outcome.state, outcome.address) == ("to be opened", None)
    assert outcome.sentence.splitlines() == [
        "pin/4.3.0 is pushed to origin. Open a pull request into dev where origin is hosted.",
        "Use a merge commit: after a squash or rebase, git no longer sees what was promoted.",
    ]


def test_gh_opens_the_pull_request(repository: Repository, path_without_gh: Path) -> None:
    at_github(repository)
    gh = put_gh(path_without_gh)
    outcome = opened(repository)
    assert (outcome.state, outcome.address) == ("opened", MADE)
    create = next(call for call in gh.calls() if call.startswith("pr create"))
    for part in ("--repo Sage-Bionetworks/agora-infra", "--base dev", "--head pin/4.3.0", "--title Pin 4.3.0"):
        assert part in create
    assert create.endswith("--body-file -")
    assert gh.body() == "Why: ä\n\n- x"
    assert repository.at_origin("pin/4.3.0")


def test_gh_is_asked_for_remotes_elsewhere_too(repository: Repository, path_without_gh: Path) -> None:
    gh = put_gh(path_without_gh)
    assert opened(repository).address == MADE
    assert not any("--repo" in call for call in gh.calls())


def test_a_pull_request_that_is_open_is_not_made_twice(repository: Repository, path_without_gh: Path) -> None:
    gh = put_gh(path_without_gh, listed=[{"url": EXISTING, "isCrossRepository": False}])
    outcome = opened(repository)
    assert (outcome.state, outcome.address) == ("open already", EXISTING)
    assert EXISTING in outcome.sentence
    assert not any(call.startswith("pr create") for call in gh.calls())


def test_a_pull_request_from_a_forks_branch_of_that_name_is_another(
    repository: Repository, path_without_gh: Path
) -> None:
    put_gh(path_without_gh, listed=[{"url": EXISTING, "isCrossRepository": True}])
    assert opened(repository).address == MADE


def test_gh_that_is_not_logged_in_is_not_used(repository: Repository, path_without_gh: Path) -> None:
    at_github(repository)
    gh = put_gh(path_without_gh, logged_in=False)
    assert opened(repository).address == COMPARE
    assert gh.calls() == ["auth status"]


@pytest.mark.parametrize(
    "failure",
    [
        {"create": "echo 'https://me:" + "hunter2@x: no commits between' >&2; exit 1"},
        {"listed": "<html>"},
        {"listed": {"a": 1}},
    ],
    ids=["refused", "no JSON", "no list"],
)
def test_gh_that_fails_is_reported_with_the_address_to_open_it_at(
    repository: Repository, path_without_gh: Path, failure: dict[str, Any]
) -> None:
    at_github(repository)
    put_gh(path_without_gh, **failure)
    with pytest.raises(UserError, match=r"pin/4\.3\.0 is pushed, but gh opened no pull request: ") as caught:
        opened(repository)
    assert caught.value.hint == f"Open it yourself: {COMPARE}"
    assert "hunter2" not in str(caught.value)


def test_the_token_for_packages_reaches_neither_git_nor_gh(
    repository: Repository, path_without_gh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GH_TOKEN", "for gh")
    gh = put_gh(path_without_gh)
    add_hook(repository.origin, "pre-receive", f"env > '{path_without_gh}/git-env'")
    opened(repository)
    assert gh.environment()["GH_TOKEN"] == "for gh"
    assert "GITHUB_TOKEN" not in gh.environment()
    seen_by_git = (path_without_gh / "git-env").read_text()
    assert "PATH=" in seen_by_git
    assert TOKEN not in seen_by_git


def test_without_a_remote_nothing_is_pushed(repository: Repository, path_without_gh: Path) -> None:
    put_gh(path_without_gh)
    repository.git("remote", "remove", "origin")
    outcome = opened(repository)
    assert (outcome.state, outcome.address) == ("not pushed", None)
    assert "no remote: nothing was pushed" in outcome.sentence
    assert not (path_without_gh / "gh-calls").exists()
    assert outcome.as_json()["state"] == "not pushed"


def test_another_branch_of_that_name_at_the_remote_is_not_overwritten(repository: Repository) -> None:
    repository.git("config", "remote.origin.push", "+refs/heads/*:refs/heads/*")
    repository.git("branch", "theirs", "dev")
    repository.commit("theirs", {"b": "b"}, "Theirs", push=False)
    repository.git("push", "--quiet", "origin", "theirs:refs/heads/pin/4.3.0")
    with pytest.raises(UserError, match=r"origin has another pin/4\.3\.0") as caught:
        opened(repository)
    assert caught.value.hint
    assert repository.at_origin("pin/4.3.0") == repository.git("rev-parse", "theirs")


def test_what_the_remote_says_to_a_refused_push_is_reported(repository: Repository) -> None:
    add_hook(repository.origin, "pre-receive", "echo 'Only on weekdays.' >&2; exit 1")
    with pytest.raises(UserError, match=r"pin/4\.3\.0 was not pushed to origin: Only on weekdays\."):
        opened(repository)
    assert repository.at_origin("pin/4.3.0") == ""


def test_a_remote_that_cannot_be_reached_is_said_without_its_credentials(repository: Repository) -> None:
    repository.git("remote", "set-url", "origin", f"http://me:{'hunter2'}@127.0.0.1:9/agora.git")
    planned = plan(repository)
    with pytest.raises(UserError, match="was not pushed to origin") as caught:
        open_pull_request(planned, lambda _: None)
    assert "hunter2" not in f"{caught.value}{planned.as_json()}{planned}"


def test_a_branch_that_does_not_exist_is_refused(repository: Repository) -> None:
    with pytest.raises(UsageError, match='no branch "other"'):
        plan_pull_request(repository.path, branch="other", into="dev", title="", body="")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/Sage-Bionetworks/agora-infra.git",
        "https://github.com/Sage-Bionetworks/agora-infra",
        "https://github.com/Sage-Bionetworks/agora-infra/",
        "https://www.github.com:443/Sage-Bionetworks/agora-infra.git",
        f"https://{TOKEN}@github.com/Sage-Bionetworks/agora-infra.git",
        f"https://x-access-token:{TOKEN}@GitHub.com/Sage-Bionetworks/agora-infra.git",
        "git@github.com:Sage-Bionetworks/agora-infra.git",
        "GitHub.com:Sage-Bionetworks/agora-infra",
        "github.com:/Sage-Bionetworks/agora-infra.git",
        "ssh://git@github.com/Sage-Bionetworks/agora-infra.git",
        "ssh://git@ssh.github.com:443/Sage-Bionetworks/agora-infra.git",
        "git://github.com/Sage-Bionetworks/agora-infra.git",
    ],
)
def test_a_repository_at_github_is_known_by_any_form_of_its_address(address: str) -> None:
    assert github_name(address) == "Sage-Bionetworks/agora-infra"


@pytest.mark.parametrize(
    "address",
    [
        "https://gitlab.com/Sage-Bionetworks/agora-infra.git",
        "https://github.com.evil.example/Sage-Bionetworks/agora-infra.git",
        "https://evil.example/github.com/agora-infra.git",
        "https://github.com/agora-infra.git",
        "https://github.com/a/b/c",
        "https://github.com",
        "https://[github.com/a/b",
        "git@example.org:github.com/agora-infra.git",
        "/srv/github.com:Sage/agora-infra.git",
        "file:///srv/Sage-Bionetworks/agora-infra.git",
        "../agora-infra",
    ],
)
def test_a_repository_elsewhere_is_not_mistaken_for_one_at_github(address: str) -> None:
    assert github_name(address) is None


def test_a_name_that_an_address_cannot_hold_is_escaped(repository: Repository) -> None:
    at_github(repository)
    repository.git("branch", "pin#1&x")
    planned = plan_pull_request(repository.path, branch="pin#1&x", into="dev", title="", body="")
    assert planned.address == COMPARE.replace("pin/4.3.0", "pin%231%26x")


def test_a_gh_that_cannot_be_run_counts_as_none(repository: Repository, path_without_gh: Path) -> None:
    (path_without_gh / "gh").write_text("#!/no/such/program\n")
    (path_without_gh / "gh").chmod(0o755)
    assert os.access(path_without_gh / "gh", os.X_OK)
    assert opened(repository).state == "to be opened"
