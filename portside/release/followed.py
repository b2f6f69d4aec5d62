"""Following the deployment that a merge starts, until it has ended: by the environment's record, and by GitHub."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.errors import UserError
from portside.git import GitFailed, git
from portside.records.deployment_record import DEPLOY, DeploymentRecord, read_records
from portside.records.environment_lock import read_lock
from portside.release.branches import BaseRef, base_of
from portside.release.merges import Merge, find_squash


@dataclass(frozen=True)
class Ended:
    """How the deployment of a promotion ended, in a sentence, and where there is more about it."""

    is_healthy: bool
    sentence: str
    address: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {"healthy": self.is_healthy, "sentence": self.sentence, "address": self.address}


Look = Callable[[], Ended | str | None]
"""One look at a deployment: how it ended, or what is known of it so far. Raises `UserError` where it can't be read."""


@dataclass(frozen=True)
class Pace:
    """How often to look, and for how long."""

    every_seconds: float
    within_seconds: float
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic


def follow(what: str, looks: Mapping[str, Look], say: Callable[[str], None], pace: Pace) -> Ended:
    """Look until one of these says how it ended, and say what changes meanwhile.

    What can't be read at one moment may be at the next. Raises `UserError` when the time is over.
    """
    end = pace.clock() + pace.within_seconds
    said: dict[str, str] = {}
    while True:
        for name, look in looks.items():
            try:
                found = look()
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
                f"{what} did not end within {pace.within_seconds / 60:.0f} min" + (f": {last}" if last else ""),
                "It was not stopped. Run the same command again to go on waiting.",
            )
        pace.sleep(min(pace.every_seconds, left))


def merge_look(repository: Path, branch: str, wanted: str) -> Look:
    """Whether a commit has come into a branch at the remote; a squashed merge has its content only, and is said."""

    def look() -> Ended | str | None:
        target = base_of(repository, branch)
        if target.unreached:
            raise UserError(target.unreached)
        if is_in(repository, wanted, target.commit_id):
            return Ended(True, target.commit_id)
        merge = Merge(BaseRef(branch, wanted, wanted, target.remote), target, (), (), None)
        squash = find_squash(repository, merge)
        if squash is not None and squash.content_of == wanted:
            return Ended(True, target.commit_id)
        return f"waiting for the merge into {branch}, which is at {target.commit_id[:7]}"

    return look


def is_in(repository: Path, commit: str, head: str) -> bool:
    """Whether a branch's head goes back to a commit."""
    try:
        git("merge-base", "--is-ancestor", commit, head, folder=repository)
    except GitFailed as error:
        if error.said:
            raise
        return False
    return True


def last_number(ssm: Any, environment: str) -> int:
    """The number of the last record of an environment, 0 where it has none."""
    return max((record.number for record in read_records(ssm, environment)), default=0)


def record_look(
    ssm: Any, environment: str, version: str, since: int, is_meant: Callable[[DeploymentRecord], bool] = lambda _: True
) -> Look:
    """How the first deployment of a version ended that is on record after a number, and is the one that is meant."""
    from botocore.exceptions import BotoCoreError, ClientError

    def look() -> Ended | str | None:
        try:
            records, lock = read_records(ssm, environment), read_lock(ssm, environment)
        except (BotoCoreError, ClientError) as error:
            raise UserError(str(error)) from error
        found = [
            record
            for record in records
            if record.number > since and record.kind == DEPLOY and not record.synthetic
            if record.images.version == version and is_meant(record)
        ]
        if found:
            return _ended(environment, found[0])
        return (
            f"{environment}: {lock.doing} by {lock.who} since {lock.since[:19].replace('T', ' ')} UTC" if lock else None
        )

    return look


def _ended(environment: str, record: DeploymentRecord) -> Ended:
    deployment = f"deployment {record.number} of {record.images.version} by {record.who}"
    if record.is_healthy:
        return Ended(
            True, f"{environment} runs {record.images.version}: {deployment} ended healthy, {record.seconds:.0f} s."
        )
    why = f": {record.reason}" if record.reason else ""
    return Ended(False, f"{environment}: {deployment} {record.result}{why}")
