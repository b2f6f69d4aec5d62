"""Waiting for the deployment that a merge starts, with the environment's record and GitHub's API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.aws.errors import aws_errors
from portside.config.environment import Environment
from portside.errors import UserError
from portside.git import GitFailed, git
from portside.json_fields import JsonFields
from portside.records.deployment_record import DEPLOY, DeploymentRecord, read_records
from portside.records.environment_lock import read_lock
from portside.release.branches import BaseRef, base_of
from portside.release.merges import Merge, find_squash


@dataclass(frozen=True)
class Ended(JsonFields):
    """The result of a promotion's deployment, as a sentence, and the address of its details."""

    is_healthy: bool
    sentence: str
    address: str | None = None


Poll = Callable[[], Ended | str | None]
"""Reads a deployment: its result, or its state so far. Raises `UserError` if it can't be read."""


@dataclass(frozen=True)
class Pace:
    """How often to poll, and for how long."""

    every_seconds: float
    within_seconds: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def follow(title: str, polls: Mapping[str, Poll], say: Callable[[str], None], pace: Pace) -> Ended:
    """Poll until one of these has a result, and report changes meanwhile.

    Errors are reported and retried. Raises `UserError` on timeout.
    """
    end = pace.clock() + pace.within_seconds
    said: dict[str, str] = {}
    while True:
        for name, poll in polls.items():
            try:
                found = poll()
            except UserError as error:
                found = f"{name} cannot be read now: {error.message}"
            if isinstance(found, Ended):
                return found
            if found and said.get(name) != found:
                say(found)
                said[name] = found
        left = end - pace.clock()
        if left <= 0:
            last = "; ".join(said.values())
            raise UserError(
                f"{title} did not end within {pace.within_seconds / 60:.0f} min" + (f": {last}" if last else ""),
                "It was not stopped. Run the same command again to continue waiting.",
            )
        pace.sleep(min(pace.every_seconds, left))


def merge_poll(repository: Path, branch: str, commit: str) -> Poll:
    """Whether a commit was merged into a branch at the remote, also as a squash."""

    def poll() -> Ended | str | None:
        target = base_of(repository, branch)
        if target.unreached:
            raise UserError(target.unreached)
        if is_in(repository, commit, target.commit):
            return Ended(True, target.commit)
        merge = Merge(BaseRef(branch, commit, commit, target.remote), target, (), (), None)
        squash = find_squash(repository, merge)
        if squash is not None and squash.content_of == commit:
            return Ended(True, target.commit)
        return f"waiting for the merge into {branch}, which is at {target.commit[:7]}"

    return poll


def is_in(repository: Path, commit: str, head: str) -> bool:
    """Whether a commit is in the history of a branch's head."""
    try:
        git("merge-base", "--is-ancestor", commit, head, folder=repository)
    except GitFailed as error:
        if error.said:
            raise
        return False
    return True


def last_number(ssm: Any, environment: Environment) -> int:
    """The number of the last record of an environment, 0 without records."""
    return max((record.number for record in read_records(ssm, environment)), default=0)


def record_poll(
    ssm: Any,
    environment: Environment,
    version: str,
    since: int,
    matches: Callable[[DeploymentRecord], bool] = lambda _: True,
) -> Poll:
    """The result of the first recorded deployment of a version after a number that also `matches`."""

    def poll() -> Ended | str | None:
        try:
            records, lock = read_records(ssm, environment), read_lock(ssm, environment)
        except aws_errors() as error:
            raise UserError(str(error)) from error
        found = [
            record
            for record in records
            if record.number > since and record.kind == DEPLOY and not record.synthetic
            if record.images.version == version and matches(record)
        ]
        if found:
            return _ended(environment.name, found[0])
        return (
            f"{environment.name}: {lock.doing} by {lock.who} since {lock.since[:19].replace('T', ' ')} UTC"
            if lock
            else None
        )

    return poll


def _ended(environment: str, record: DeploymentRecord) -> Ended:
    deployment = f"deployment {record.number} of {record.images.version} by {record.who}"
    if record.is_healthy:
        return Ended(
            True, f"{environment} runs {record.images.version}: {deployment} ended healthy, {record.seconds:.0f} s."
        )
    why = f": {record.reason}" if record.reason else ""
    return Ended(False, f"{environment}: {deployment} {record.result}{why}")
