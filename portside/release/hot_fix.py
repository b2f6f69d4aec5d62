"""Promoting a hot-fix alone: the version that was pinned for the environment before, and nothing else of its branch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.commands import tool
from portside.config.environment import Environment
from portside.config.kind import Kind
from portside.errors import UsageError, UserError
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution
from portside.release.branches import Commit, base_of, commit_files, count_commits, read_at
from portside.release.configuration_edit import versions_in, with_versions
from portside.release.promote import Promotion, image_changes, lock_in, lock_or_none, merge_back


@dataclass(frozen=True, kw_only=True)
class HotFixPlan(Promotion):
    """The commit on top of the target's branch that lets it run the version of the source's own environment."""

    source_environment: str
    following: str
    """The version that the source's branch names for the target: what a merge of all of it would bring."""
    lock: Resolution
    files: dict[str, bytes]
    not_included: int
    """How many commits of the source's branch stay where they are."""

    @property
    def title(self) -> str:
        return f"Promote {self.version} alone to {self.environment}"

    @property
    def sentence(self) -> str:
        """Why this is not the merge of a whole branch."""
        count = f"{self.not_included:,} commit{'' if self.not_included == 1 else 's'} of {self.source.branch}"
        return (
            f"{self.source.branch} names {self.version} for {self.source_environment} alone, and {self.following} for "
            f"{self.environment}: {self.version} is promoted alone, as a commit on {self.target.branch}. {count} "
            f"{'stays' if self.not_included == 1 else 'stay'} behind."
        )

    @property
    def afterwards(self) -> str:
        """The next step once it runs."""
        return f"When it runs, so that the next promotion includes it: {merge_back(self.target, self.source)}"

    @property
    def body(self) -> str:
        return self._body_of(self.sentence, self.afterwards)

    def read_lock(self, repository: Path) -> Resolution:
        return self.lock

    def prepare(self, repository: Path) -> Commit:
        message = f"{self.title}\n\n{self.body}"
        return commit_files(repository, base=self.target.ref, branch=self.branch, files=self.files, message=message)

    def as_json(self) -> dict[str, Any]:
        own = ("source_environment", "following", "lock", "files", "not_included")
        fields = {name: value for name, value in super().as_json().items() if name not in own}
        return fields | {"merge": None, "templates": None, "remark": self.sentence, "hot_fix": True}


def plan_hot_fix(repository: Path, target: Environment, source: Environment) -> HotFixPlan | None:
    """The hot-fix that the source's branch names for its own environment alone; None where it names no such version.

    Raises `UserError` where the target names it already, or the source has no lock of it.
    """
    if source.kind is Kind.DEVELOPMENT:
        return None
    theirs, ours = base_of(repository, source.branch), base_of(repository, target.branch)
    in_source = versions_in(read_at(repository, theirs.ref, "app.py") or b"")
    own, following = in_source.get(source.name), in_source.get(target.name)
    if own is None or following is None or own == following:
        return None
    configuration = read_at(repository, ours.ref, "app.py")
    if configuration is None:
        raise UsageError(f"{ours.ref} has no app.py", "Check that it is a branch of this repository.")
    before = versions_in(configuration).get(target.name)
    if before == own:
        raise UserError(
            f"{ours.branch} at {ours.commit[:7]} names {own} for {target.name} already, as {theirs.branch} does for "
            f"{source.name}",
            f"To go on to {following}, let {source.name} run it first: {tool('release', 'pin', following)}",
        )
    lock = lock_in(repository, theirs, own)
    files = {
        f"releases/{lock_name(own)}": lock.written().encode(),
        "app.py": with_versions(configuration, {target.name: own}),
    }
    images = image_changes(lock_or_none(repository, ours, before), lock)
    left = count_commits(repository, ours.commit, theirs.commit)
    return HotFixPlan(
        environment=target.name,
        start=ours.commit,
        source=theirs,
        target=ours,
        version_before=before,
        version=own,
        images=images,
        source_environment=source.name,
        following=following,
        lock=lock,
        files=files,
        not_included=left,
    )
