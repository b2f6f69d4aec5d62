"""Promoting: the merge of dev into stage, or of stage into prod, and its effect."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portside.aws.target import tool_environment
from portside.commands import tool
from portside.config.environment import Environment
from portside.errors import ConfigurationError, UsageError, UserError
from portside.git import git, git_bytes
from portside.images.release_lock import lock_name
from portside.images.resolution import Resolution, parse_resolution
from portside.images.synthesis_images import IMAGES_FILE
from portside.json_fields import JsonFields
from portside.plan.plan import StackChange, plan_deployment
from portside.program import STATE_FOLDER_VARIABLE
from portside.records.proof import Proof
from portside.release.branches import BaseRef, Commit, base_of, count_commits, read_at
from portside.release.configuration_edit import versions_in
from portside.release.merges import Merge, find_squash, plan_merge, prepare_branch
from portside.release.pull_request import USE_A_MERGE_COMMIT
from portside.repository import REPOSITORY_VARIABLE
from portside.synthesis.assembly import read_assembly

_LONGEST_SYNTHESIS_SECONDS = 120


@dataclass(frozen=True)
class ImageChange:
    """The digests of an image that the merge changes; `before` is None where no lock tells one."""

    reference: str
    before: str | None
    after: str


@dataclass(frozen=True, kw_only=True)
class Promotion(JsonFields):
    """A version for an environment, as a pull request. `unproven` is the reason to promote it without a proof."""

    environment: str
    start: str
    """The commit that its branch starts from, and whose configuration decides about the proof."""
    source: BaseRef
    target: BaseRef
    version_before: str | None
    version: str
    images: tuple[ImageChange, ...]
    proof: Proof | None = None
    unproven: str = ""

    @property
    def branch(self) -> str:
        """The branch, named after its start, so that only what was shown is merged."""
        return f"promote/{self.environment}-{self.version}-{self.start[:7]}"

    def _body_of(self, opening: str, *end: str) -> str:
        lines = [opening, "", USE_A_MERGE_COMMIT, "", *([self.proof.sentence, ""] if self.proof else [])]
        if self.unproven:
            lines += [f"**Nothing proves these images.** Promoted all the same: {self.unproven}", ""]
        images = [f"- {each.reference}: {each.after}" for each in self.images] or ["- the same as before"]
        return "\n".join([*lines, "Images:", *images, "", *end]) + "\n"

    def as_json(self) -> dict[str, Any]:
        fields = super().as_json() | {"branch": self.branch}
        return {name: value for name, value in fields.items() if name != "start" and (name != "unproven" or value)}


@dataclass(frozen=True, kw_only=True)
class PromotionPlan(Promotion):
    """The effect of a merge on an environment; without `templates`, `remark` says why they can't be compared."""

    merge: Merge
    templates: tuple[StackChange, ...] | None
    remark: str = ""

    @property
    def title(self) -> str:
        return f"Promote {self.version} to {self.environment}"

    @property
    def body(self) -> str:
        """The text of the pull request: what a reviewer wants to know."""
        end = ["Commits:", *(f"- {commit} {subject}" for commit, subject in self.merge.commits)]
        if self.templates is not None:
            changed = [f"- {each.stack}: {each.summary}" for each in self.templates if each.summary]
            end += ["", "Templates:", *(changed or ["- no resource changes"])]
        return self._body_of(f"Merges {self.source.branch} into {self.target.branch}.", *end)

    def read_lock(self, repository: Path) -> Resolution:
        """The lock of the version. Raises `UsageError` if the source does not have it, or it can't be deployed."""
        return lock_in(repository, self.source, self.version)

    def prepare(self, repository: Path) -> Commit:
        return prepare_branch(repository, self.merge, self.branch)

    def as_json(self) -> dict[str, Any]:
        fields = super().as_json() | {"hot_fix": False}
        return {name: value for name, value in fields.items() if name not in ("source", "target")}


def plan_promotion(repository: Path, target: Environment, source: Environment) -> PromotionPlan:
    """The effect of merging an environment's branch into another's.

    Raises `UserError` where it brings nothing or would conflict.
    """
    environment = target.name
    merge = plan_merge(repository, source.branch, target.branch)
    if merge.nothing:
        raise UserError(
            f"{merge.target.branch} at {merge.target.commit[:7]} has all of {merge.source.branch} at "
            f"{merge.source.commit[:7]} already",
            f"Pin a release first, and merge its pull request: {tool('release', 'pin', 'VERSION')}",
        )
    if merge.conflicts:
        raise conflict(repository, merge)
    before, after = _version(repository, merge.target, environment), _version(repository, merge.source, environment)
    if after is None:
        raise UsageError(
            f"app.py in {merge.source.ref} names no version for {environment}",
            f"Pin one, and merge its pull request: {tool('release', 'pin', 'VERSION')}",
        )
    merged = _merged(repository, merge)
    _check_version(repository, merge, merged, environment, after)
    images = image_changes(lock_or_none(repository, merge.target, before), _lock(repository, merge.source, after))
    templates, remark = _template_changes(repository, merge, merged, environment)
    return PromotionPlan(
        environment=environment,
        start=merge.source.commit,
        source=merge.source,
        target=merge.target,
        version_before=before,
        version=after,
        images=images,
        merge=merge,
        templates=templates,
        remark=remark,
    )


def merged_already(repository: Path, target: Environment, source: Environment) -> tuple[str, str] | None:
    """The commit and version of a branch that has all of the source's already, or its hot-fix; else None."""
    ours, theirs = base_of(repository, target.branch), base_of(repository, source.branch)
    version = _version(repository, ours, target.name)
    own, following = (_version(repository, theirs, each.name) for each in (source, target))
    is_hot_fix = source.is_released and version == own != following
    if version is None or (not is_hot_fix and count_commits(repository, ours.commit, theirs.commit)):
        return None
    return ours.commit, version


def lock_in(repository: Path, ref: BaseRef, version: str) -> Resolution:
    """The lock of a version in a branch. Raises `UsageError` if it is missing or can't be deployed."""
    lock = _lock(repository, ref, version)
    if lock is None:
        raise UsageError(
            f"releases/{lock_name(version)} is missing in {ref.ref} at {ref.commit[:7]}",
            f"Make it, and merge its pull request: {tool('release', 'pin', version)}",
        )
    if lock.stand_in:
        raise UsageError(
            f"releases/{lock_name(version)}: made without a registry, so that no one can pull its images",
            f"Make it from what is published: {tool('release', 'pin', version)}",
        )
    return lock


def conflict(repository: Path, merge: Merge) -> UserError:
    """The conflicts and their cause: an earlier squashed promotion, or commits that only the target has."""
    source, target = merge.source, merge.target
    where = f"{source.branch} at {source.commit[:7]} into {target.branch} at {target.commit[:7]}"
    said = f"merging {where} conflicts in {', '.join(merge.conflicts or ())}"
    squash = find_squash(repository, merge)
    if squash is None:
        return UserError(said, f"{target.branch} has commits that {source.branch} lacks. {merge_back(target, source)}")
    remote, branch = target.remote or "REMOTE", f"join/{target.branch}-{source.branch}"
    return UserError(
        f"{said}\n  {target.branch}'s commit {squash.commit[:7]} has the content of {source.branch}'s "
        f"{squash.content_of[:7]}, but not its history: an earlier promotion was squashed, so git merges it again",
        f"Tell git once that {target.branch} has those commits, which changes no file:\n"
        f"  git switch -c {branch} {target.ref.removeprefix('refs/remotes/')}\n"
        f"  git merge -s ours {squash.content_of[:12]}\n"
        f"  git push {remote} {branch}\n"
        f"Open a pull request from it into {target.branch}, and merge it with a merge commit. Then promote again.",
    )


def merge_back(target: BaseRef, source: BaseRef) -> str:
    """How commits that only one branch has get back to another."""
    remote, branch = target.remote or "REMOTE", f"merge-back/{target.branch}"
    return (
        f"Merge {target.branch} back into {source.branch}, which keeps what it names where both differ:\n"
        f"  git switch -c {branch} {source.ref.removeprefix('refs/remotes/')}\n"
        f"  git merge -X ours {target.ref.removeprefix('refs/remotes/')}\n"
        f"  git push {remote} {branch}\n"
        f"Open a pull request from it into {source.branch}, and merge it with a merge commit."
    )


def _version(repository: Path, ref: BaseRef, environment: str) -> str | None:
    source = read_at(repository, ref.ref, "app.py")
    return versions_in(source).get(environment) if source is not None else None


def _merged(repository: Path, merge: Merge) -> str:
    """The tree after the merge; where git is too old to tell, the source's, which it is unless the target went on."""
    if merge.conflicts is None:
        return merge.source.commit
    return git("merge-tree", "--write-tree", merge.target.commit, merge.source.commit, folder=repository)


def _check_version(repository: Path, merge: Merge, merged: str, environment: str, version: str) -> None:
    """A version that only the target has changed, as a rollback does, is kept by the merge."""
    source = git_bytes("cat-file", "blob", f"{merged}:app.py", folder=repository)
    kept = versions_in(source).get(environment)
    if kept != version:
        target = merge.target.branch
        raise UserError(
            f"after the merge {target} would run {kept}, not {version}: app.py was changed in {target} since",
            f"{merge_back(merge.target, merge.source)}\nOr pin what should run: {tool('release', 'pin', 'VERSION')}",
        )


def _lock(repository: Path, ref: BaseRef, version: str | None) -> Resolution | None:
    path = f"releases/{lock_name(version or '')}"
    content = read_at(repository, ref.ref, path) if version else None
    return parse_resolution(content.decode(errors="replace"), path) if content is not None else None


def lock_or_none(repository: Path, ref: BaseRef, version: str | None) -> Resolution | None:
    """The lock that the merge replaces. An unreadable one must not prevent its replacement."""
    try:
        return _lock(repository, ref, version)
    except ConfigurationError:
        return None


def image_changes(before: Resolution | None, after: Resolution | None) -> tuple[ImageChange, ...]:
    """The images of a lock whose digests are others than in the lock before."""
    old = {image.name: image.digest for image in before.images.values()} if before else {}
    if after is None:
        return ()
    return tuple(
        ImageChange(reference, old.get(image.name), image.digest)
        for reference, image in sorted(after.images.items())
        if old.get(image.name) != image.digest
    )


def _template_changes(
    repository: Path, merge: Merge, merged: str, environment: str
) -> tuple[tuple[StackChange, ...] | None, str]:
    """Synthesize both sides with their own code; where one can't be, say why instead of guessing."""
    with tempfile.TemporaryDirectory() as room:
        try:
            target, source = merge.target.branch, merge.source.branch
            before = _templates(repository, target, merge.target.commit, environment, Path(room) / "before")
            after = _templates(repository, source, merged, environment, Path(room) / "after")
        except UserError as error:
            return None, error.message
        deployed = {stack.name: stack.template for stack in read_assembly(before)}
        return plan_deployment(read_assembly(after), deployed.get), ""


def _templates(repository: Path, branch: str, tree_id: str, environment: str, room: Path) -> Path:
    tree, outdir = room / "tree", room / "cdk.out"
    with tarfile.open(fileobj=io.BytesIO(git_bytes("archive", tree_id, folder=repository))) as archive:
        archive.extractall(tree, filter="data")
    _commit_as_it_is(tree)
    variables = {
        **tool_environment(),
        "ENV": environment,
        "CDK_OUTDIR": str(outdir),
        "CDK_VALIDATION": "false",
        STATE_FOLDER_VARIABLE: str(room / "state"),
        REPOSITORY_VARIABLE: str(tree),
        # Images that were chosen for another synthesis are those of neither side.
        IMAGES_FILE: "",
    }
    try:
        done = subprocess.run(
            [sys.executable, "app.py"],
            cwd=tree,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_SYNTHESIS_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"the templates of {branch} took too long to make") from None
    if done.returncode or not (outdir / "manifest.json").is_file():
        raise UserError(f"{branch} makes no templates to compare: {_error_line(done.stderr)}")
    return outdir


def _commit_as_it_is(tree: Path) -> None:
    """Make a folder a repository with one commit: production's templates are made only of locks that a commit has."""
    author = ("-c", "user.name=promote", "-c", "user.email=promote@localhost", "-c", "commit.gpgSign=false")
    git("init", "--quiet", folder=tree)
    git("add", "--all", "--force", folder=tree)
    git(*author, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "As it is", folder=tree)


def _error_line(said: str) -> str:
    """The first line of an error, or the last line of a traceback."""
    lines = said.strip().splitlines() or ["it said nothing"]
    return lines[-1 if lines[0].startswith("Traceback ") else 0]
