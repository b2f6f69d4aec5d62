"""Git's messages for a remote repository that refuses or cannot be reached."""

from __future__ import annotations

import re

from portside.errors import UserError
from portside.git import GitFailed

_MOST_LINES_OF_A_HOOK = 8

_UNKNOWN = re.compile(
    r"(?i)does not appear to be a git repository|repository(?: '[^']*')? not found|is this a git repository\?"
)
_UNREACHED = re.compile(
    r"(?i).*(?:unable to access|unable to connect|could not resolve host|connection (?:refused|timed out|reset)"
    r"|network is unreachable|no route to host|no answer within).*"
)
_NO_PERMISSION = re.compile(
    r"(?i)permission denied|insufficient permission|access denied|denied to |authentication failed"
    r"|could not read (?:username|password)|returned error: 40[13]"
)


def lacks_permission(said: str) -> bool:
    """Whether git was refused because of missing rights."""
    return bool(_NO_PERMISSION.search(said))


def words_of_hook(said: str) -> str:
    """The message of a hook of the remote, or of one of the clone, or of git itself, in one line."""
    lines = [
        line.strip() for line in said.split("\n") if not line.startswith(("To ", "hint:", "error: failed to push"))
    ]
    words = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")] or lines
    return " / ".join([line for line in words if line][:_MOST_LINES_OF_A_HOOK])


def explained(name: str, error: GitFailed) -> UserError:
    """Git's message about a repository as an error with a hint."""
    said = error.said
    if _UNKNOWN.search(said):
        return UserError(
            f"{name}: no repository there, or none that you may read",
            "Check its address, and that you are logged in to it with git.",
        )
    if lacks_permission(said):
        return UserError(
            f"{name}: no permission to read the repository",
            "Log in to it with git itself, then run the same command again.",
        )
    if "Host key verification failed" in said:
        return UserError(
            f"{name}: the host's key is not known to ssh on this machine",
            "Run `git ls-remote` with that address by hand, compare the key that it shows, and accept it.",
        )
    if unreached := _UNREACHED.search(said):
        return UserError(
            f"{name}: the repository cannot be reached: {unreached[0].strip()}",
            "Check the network and the repository's address, then run the same command again.",
        )
    return UserError(f"{name}: {error.message}", error.hint)
