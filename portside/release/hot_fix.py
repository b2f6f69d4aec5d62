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
from portside.records.proof import Proof
from portside.release.branches import BaseRef, Commit, base_of, commit_files, count_commits, read_at
from portside.release.configuration_edit import versions_in, with_versions
from portside.release.promote import ImageChange, image_changes, lock_in, lock_or_none, merge_back, proof_lines
from portside.release.pull_request import USE_A_MERGE_COMMIT


@dataclass(frozen=True)
class HotFixPlan:
    """The commit on top of the target's branch that lets it run the version of the source's own environment."""

    environment: str
    source_environment: str
    source: BaseRef
    target: BaseRef
    version_before: str | None
    version: str
    following: str
    """The version that the source's branch names for the target: what a merge of all of it would bring."""
    lock: Resolution
    images: tuple[ImageChange, ...]
    files: dict[str, bytes]
    not_included: int
    """How many commits of the source's branch stay where they are."""
    proof: Proof | None = None
    unproven: str = ""

    @property
    def branch(self) -> str:
        return f"promote/{self.environment}-{self.version}-{self.target.commit[:7]}"

    @property
    def title(self) -> str:
        """The first line of the commit, and the name of its pull request."""
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
        """The text of the pull request."""
        lines = [self.sentence, "", USE_A_MERGE_COMMIT, ""]
        lines += proof_lines(self.proof, self.unproven)
        lines += ["Images:", *(f"- {each.reference}: {each.after}" for each in self.images), "", self.afterwards]
        return "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        """The fields by name, as those of a promotion."""
        return {
            "environment": self.environment,
            "merge": None,
            "source": self.source.as_json(),
            "target": self.target.as_json(),
            "version_before": self.version_before,
            "version": self.version,
            "images": [vars(each) for each in self.images],
            "templates": None,
            "remark": self.sentence,
            "proof": self.proof and self.proof.as_json(),
            **({"unproven": self.unproven} if self.unproven else {}),
            "branch": self.branch,
            "hot_fix": True,
        }


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
    return HotFixPlan(target.name, source.name, theirs, ours, before, own, following, lock, images, files, left)


def prepare_hot_fix(repository: Path, plan: HotFixPlan) -> Commit:
    """Commit it on its branch; nothing else of the repository changes."""
    message = f"{plan.title}\n\n{plan.body}"
    return commit_files(repository, base=plan.target.ref, branch=plan.branch, files=plan.files, message=message)
