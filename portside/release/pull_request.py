"""Pull requests of this repository: pushing a branch, and opening one where it is hosted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from portside.config.mistakes import quoted
from portside.errors import UsageError, UserError
from portside.git import GitFailed, git, without_credentials
from portside.json_fields import JsonFields
from portside.release.branches import existing_branch, remote_of

_LONGEST_SECONDS = 60

USE_A_MERGE_COMMIT = "Use a merge commit: after a squash or rebase, git no longer sees what was promoted."

# user@host:path, as git takes it; a part of the path is never empty, so that scheme://host is none.
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/@\s]+):/?(?P<path>[^/\s].*)")
_OWNER_AND_NAME = re.compile(r"/*(?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:\.git)?/*")
# ssh.github.com is GitHub's own detour round networks that block port 22.
_GITHUB_HOSTS = ("github.com", "www.github.com", "ssh.github.com")


@dataclass(frozen=True)
class PullRequest(JsonFields):
    """A pull request to open."""

    repository: Path
    remote: str | None
    hosted_as: str | None
    """OWNER/REPO at github.com, None where the remote is elsewhere."""
    branch: str
    commit: str
    into: str
    title: str
    body: str

    @property
    def address(self) -> str | None:
        """The address to open it by hand, None if the remote is not at github.com."""
        if self.hosted_as is None:
            return None
        return f"https://github.com/{self.hosted_as}/compare/{quote(self.into)}...{quote(self.branch)}?expand=1"

    def as_json(self) -> dict[str, Any]:
        fields = super().as_json() | {"address": self.address}
        return {name: value for name, value in fields.items() if name not in ("repository", "hosted_as")}


@dataclass(frozen=True)
class Outcome(JsonFields):
    """The state of a pull request as a sentence, and its address or the one to open it by hand."""

    state: Literal["opened", "open already", "to be opened", "not pushed"]
    address: str | None
    sentence: str


def plan_pull_request(repository: Path, *, branch: str, into: str, title: str, body: str) -> PullRequest:
    """A pull request for a local branch. Calls no remote. Raises `UsageError` if the branch does not exist."""
    commit_id = existing_branch(repository, branch)
    if commit_id is None:
        raise UsageError(f"no branch {quoted(branch)} in this repository", "See which there are: git branch")
    remote = remote_of(repository)
    hosted_as = github_name(git("remote", "get-url", remote, folder=repository)) if remote else None
    return PullRequest(repository, remote, hosted_as, branch, commit_id, into, title, body)


def open_pull_request(plan: PullRequest, announce: Callable[[str], None]) -> Outcome:
    """Push the branch, and open the pull request with GitHub's `gh` if that is installed and logged in.

    An open one is not created twice. Raises `UserError` if the push or `gh` fails.
    """
    if plan.remote is None:
        sentence = f"This repository has no remote: nothing was pushed, {plan.branch} is a local branch only."
        return Outcome("not pushed", None, sentence)
    announce(f"pushing {plan.branch} to {plan.remote}")
    _push(plan, plan.remote)
    if not _is_gh_ready(plan.repository):
        return _by_hand(plan, plan.remote)
    if existing := _existing(plan):
        sentence = (
            f"The pull request from {plan.branch} into {plan.into} is open already: {existing}\n{USE_A_MERGE_COMMIT}"
        )
        return Outcome("open already", existing, sentence)
    announce(f"opening a pull request from {plan.branch} into {plan.into}")
    address = _create(plan)
    return Outcome(
        "opened", address, f"Opened a pull request from {plan.branch} into {plan.into}: {address}\n{USE_A_MERGE_COMMIT}"
    )


def github_name(address: str) -> str | None:
    """OWNER/REPO of a remote's address, None where that is not at github.com."""
    try:
        parts = urlsplit(address)
        host, path = parts.hostname or "", parts.path
    except ValueError:
        return None
    if "://" not in address:
        found = _SCP_LIKE.fullmatch(address)
        host, path = (found["host"], found["path"]) if found else ("", "")
    name = _OWNER_AND_NAME.fullmatch(path) if host.lower() in _GITHUB_HOSTS else None
    return f"{name['owner']}/{name['name']}" if name else None


def _push(plan: PullRequest, remote: str) -> None:
    try:
        git(
            *("push", "--quiet", "--no-follow-tags", "--recurse-submodules=no", "--", remote),
            f"{plan.commit}:refs/heads/{plan.branch}",
            folder=plan.repository,
        )
    except GitFailed as error:
        if "(non-fast-forward)" in error.said or "(fetch first)" in error.said:
            raise UserError(
                f"{remote} has another {plan.branch}, which this one does not go on from",
                f"Look at it: git log {plan.commit[:7]}..{remote}/{plan.branch}; delete it there or merge it first.",
            ) from error
        said = [line.removeprefix("remote:").strip() for line in error.said.splitlines() if line.startswith("remote:")]
        message = " ".join(line for line in said if line) or error.message
        raise UserError(
            f"{plan.branch} was not pushed to {remote}: {message}",
            error.hint or f"Fix that, or push it yourself: git push {remote} {plan.branch}",
        ) from error


def _by_hand(plan: PullRequest, remote: str) -> Outcome:
    where = f": {plan.address}" if plan.address else f" where {remote} is hosted."
    sentence = f"{plan.branch} is pushed to {remote}. Open a pull request into {plan.into}{where}\n{USE_A_MERGE_COMMIT}"
    return Outcome("to be opened", plan.address, sentence)


def _is_gh_ready(repository: Path) -> bool:
    return shutil.which("gh") is not None and _gh("auth", "status", folder=repository).returncode == 0


def _existing(plan: PullRequest) -> str | None:
    """The address of a pull request that is open for the branch, from this repository and not from a fork."""
    listed = _gh(
        *("pr", "list", *_in_repository(plan), "--state", "open", "--head", plan.branch, "--base", plan.into),
        *("--json", "url,isCrossRepository"),
        folder=plan.repository,
    )
    if listed.returncode:
        raise _failed(plan, listed.stderr)
    try:
        found = [str(each["url"]) for each in json.loads(listed.stdout or "[]") if not each.get("isCrossRepository")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _failed(plan, "gh did not answer with a list of pull requests") from error
    return found[0] if found else None


def _create(plan: PullRequest) -> str:
    made = _gh(
        *("pr", "create", *_in_repository(plan), "--base", plan.into, "--head", plan.branch),
        *("--title", plan.title, "--body-file", "-"),
        folder=plan.repository,
        stdin=plan.body,
    )
    addresses = [line for line in made.stdout.split() if line.startswith("https://")]
    if made.returncode or not addresses:
        raise _failed(plan, made.stderr)
    return addresses[-1]


def _in_repository(plan: PullRequest) -> tuple[str, ...]:
    # With several remotes gh would ask which one to use.
    return ("--repo", plan.hosted_as) if plan.hosted_as else ()


def _gh(*arguments: str, folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    # GITHUB_TOKEN is here a token for reading packages, which gh would prefer to what it is logged in with.
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_TOKEN"}
    environment |= {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
    try:
        return subprocess.run(
            ["gh", *arguments],
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except OSError as error:
        return subprocess.CompletedProcess(arguments, 1, "", f"gh cannot be run: {error.strerror}")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 1, "", f"no answer within {_LONGEST_SECONDS} s")


def _failed(plan: PullRequest, said: str) -> UserError:
    lines = [line.strip() for line in without_credentials(said).splitlines() if line.strip()]
    hint = f"Open it yourself: {plan.address}" if plan.address else f"Open it yourself where {plan.remote} is hosted."
    message = f"{plan.branch} is pushed, but gh opened no pull request: {lines[-1] if lines else 'it gave no reason'}"
    return UserError(message, hint)
