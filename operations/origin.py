"""Who acts on an environment, and from which commit of this repository."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass

from operations.git import git
from operations.target import Target
from src.errors import AgoraError
from src.form import ROOT


@dataclass(frozen=True)
class Origin:
    """`commit` ends in `+changes` where the clone differed from it, and is None outside a git repository."""

    who: str
    commit: str | None


def read_origin(target: Target) -> Origin:
    """In CI the person who started the run, and the run; elsewhere whose credentials act, or whose machine."""
    return Origin(_who(target), _commit())


def _who(target: Target) -> str:
    if os.environ.get("GITHUB_ACTIONS") == "true":
        actor, run = os.environ.get("GITHUB_ACTOR", "somebody"), os.environ.get("GITHUB_RUN_ID", "unknown")
        return f"{actor} (GitHub run {run})"
    if target.caller:
        return target.caller
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # a user without a name
        return f"user {os.getuid()}@{socket.gethostname()}"


def _commit() -> str | None:
    try:
        commit = git("rev-parse", "HEAD", folder=ROOT)
        changes = git("status", "--porcelain", "--untracked-files=no", folder=ROOT)
    except AgoraError:
        return None
    return f"{commit}+changes" if changes else commit
