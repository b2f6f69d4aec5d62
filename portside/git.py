"""Runs git as a child process, without prompts for passwords."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from portside.errors import UserError

# Only fetching and pushing wait for a network.
_LONGEST_SECONDS = 300
# Variables of other programs would direct git to another repository, and the token for images is not for git.
_UNWANTED = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE"),
    *("GIT_CEILING_DIRECTORIES", "GITHUB_TOKEN"),
)
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s]+@")


class GitFailed(UserError):
    """git ended with an error; `said` is its own message, without credentials."""

    def __init__(self, arguments: tuple[str, ...], said: str) -> None:
        self.said = without_credentials(said).strip()
        verb = next((each for each in arguments if not each.startswith("-")), "")
        super().__init__(f"git {verb}: {_last_line(self.said)}", _hint(self.said))


def git(
    *arguments: str, folder: Path | None = None, stdin: bytes | None = None, variables: Mapping[str, str] | None = None
) -> str:
    """The output of git without its trailing newline. Raises `GitFailed`."""
    return git_bytes(*arguments, folder=folder, stdin=stdin, variables=variables).decode(errors="replace").rstrip("\n")


def git_bytes(
    *arguments: str,
    folder: Path | None = None,
    stdin: bytes | None = None,
    variables: Mapping[str, str] | None = None,
    accepted: Sequence[int] = (0,),
) -> bytes:
    """The output of git in bytes. Raises `GitFailed` for an exit code that is not accepted."""
    environment = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C", **(variables or {})}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
    except FileNotFoundError as error:
        raise UserError("git is not installed", "Install it, then run the same command again.") from error
    except subprocess.TimeoutExpired as error:
        raise GitFailed(arguments, f"no answer within {_LONGEST_SECONDS} s") from error
    if done.returncode not in accepted:
        raise GitFailed(arguments, done.stderr.decode(errors="replace"))
    return done.stdout


def without_credentials(text: str) -> str:
    """A text in which no URL has a user or password."""
    return _CREDENTIALS_IN_URL.sub("", text)


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    decisive = [line for line in lines if line.startswith(("fatal:", "error:", "!", " !"))]
    return (decisive or lines or ["failed without a message"])[0].strip()


def _hint(said: str) -> str:
    if "Authentication failed" in said or "could not read Username" in said or "Permission denied" in said:
        return "Log in to that repository with git itself, then run the same command again."
    if "Could not resolve host" in said or "unable to access" in said or "no answer within" in said:
        return "Check the network and the repository's address, then run the same command again."
    return ""
