"""The repository of the application's code: what its remote has, and putting a tag there.

The remote is the truth. A clone only says which remote is meant and lends git its settings for it; its worktree, its
branches and its own tags are neither used nor changed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from operations.git import GitFailed, git, without_credentials
from operations.release.version_tags import ReleaseTags, read_tags
from src.errors import AgoraError, UsageError

_TAGS, _HEADS, _PEELED = "refs/tags/", "refs/heads/", "^{}"
_MOST_LINES_OF_A_HOOK = 8
# Whatever a person has set for their own pushes and fetches, this moves the one tag and no branch of theirs.
# A thin pack is made from the files of commits that the remote has; these are not there.
_PUSH = ("push", "--no-thin", "--no-follow-tags", "--no-recurse-submodules")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head")
# Without a depth, a repository that is shallow already would stay so.
_ONE, _ALL = "--depth=1", f"--depth={2**31 - 1}"
_NO_FILES, _ALL_FILES = "--filter=tree:0", "--no-filter"
_FETCH_NO_BRANCH = (*_FETCH, "--refmap=")


@dataclass(frozen=True)
class RemoteRefs:
    """What the monorepo's remote has: the commits of its tags by name, and the head of the branch."""

    tags: Mapping[str, str]
    head: str
    release_tags: ReleaseTags


@dataclass(frozen=True)
class Monorepo:
    """A monorepo by the URL that git takes for it, or the path of a clone or of a bare repository.

    Applications share it: `prefix` is what this one's tags begin with.
    """

    location: str = field(repr=False)
    branch: str = "main"
    prefix: str = "agora"

    @property
    def name(self) -> str:
        """What to call it: the location, without credentials."""
        return without_credentials(self.location)

    def refs(self) -> RemoteRefs:
        """Ask the remote. Raises `AgoraError` where it cannot be read or has no such branch."""
        found = self._ask("--heads", "--tags")
        tags = {name.removeprefix(_TAGS): commit for name, commit in found.items() if name.startswith(_TAGS)}
        head = found.get(_HEADS + self.branch)
        if head is None:
            what = f'has no branch "{self.branch}"' if found else "is empty"
            raise AgoraError(f"{self.name}: the repository {what}", "Name the monorepo that the application is in.")
        return RemoteRefs(tags, head, read_tags(tags, self.prefix))

    def subject(self, commit: str) -> str | None:
        """The first line of a commit's message, where it is at hand without asking the remote."""
        if self._place.repository is None:
            return None
        options = ("-1", "--no-show-signature", "--format=%s")
        try:
            return git("log", *options, commit, "--", folder=self._place.repository)
        except GitFailed:
            return None

    def check_clone(self, refs: RemoteRefs) -> None:
        """Refuse a clone whose branch is not where the remote's is: its owner does not see what would be tagged.

        There is nothing to check where the location is no clone.
        """
        place = self._place
        if place.repository is None or not place.is_clone:
            return
        theirs = f"{place.remote}/{self.branch}"
        try:
            own = git("rev-parse", "--verify", "--quiet", f"{_HEADS}{self.branch}^{{commit}}", folder=place.repository)
        except GitFailed:
            hint = f"Run `git fetch {place.remote} && git checkout {self.branch}` in it, then the same command again."
            raise AgoraError(f'{self.name}: the clone has no branch "{self.branch}"', hint) from None
        if own == refs.head:
            return
        self._bring(refs.head, place.repository)
        counts = git("rev-list", "--left-right", "--count", f"{own}...{refs.head}", "--", folder=place.repository)
        ahead, behind = map(int, counts.split())
        update = f"`git checkout {self.branch} && git fetch {place.remote} && git rebase {theirs}`"
        if ahead and behind:
            raise AgoraError(
                f"{self.name}: {self.branch} has diverged from {theirs}: "
                f"{_commits(ahead)} of its own, {_commits(behind)} behind",
                f"Bring your own commits to {theirs} by a pull request, or off {self.branch}; then run {update} in it.",
            )
        if ahead:
            raise AgoraError(
                f"{self.name}: {self.branch} is {_commits(ahead)} ahead of {theirs}, and would be released without",
                f"Bring your own commits to {theirs} by a pull request, or off {self.branch}; then run {update} in it.",
            )
        raise AgoraError(
            f"{self.name}: {self.branch} is {_commits(behind)} behind {theirs}",
            f"Run {update} in it, look at what came, then run the same command again.",
        )

    def push_tag(self, name: str, commit: str) -> None:
        """Put a new lightweight tag on a commit that the remote has, and make sure that it is there.

        A tag that exists is left as it is, and `AgoraError` raised; so it is where the remote refuses.
        """
        before = self.refs()
        if name in before.tags:
            raise self._exists(name, before.tags[name], commit)
        with self._repository_with(commit, before) as repository:
            try:
                git(*_PUSH, "--", self._place.remote, f"{commit}:{_TAGS}{name}", folder=repository)
            except GitFailed as error:
                self._judge(error, name, commit)
        found = self._tag(name)
        if found != commit:
            raise AgoraError(
                f"{name}: pushed to {self.name}, but it is {f'on {found[:12]}' if found else 'not there'} now",
                f"It belongs on {commit[:12]}. Look at who or what changes tags in the monorepo.",
            )

    def _judge(self, error: GitFailed, name: str, commit: str) -> None:
        """Find out what a failed push means, and raise it; the answer to one that succeeded may have got lost."""
        found = self._tag(name)
        rejected = "rejected]" in error.said
        if found == commit and not rejected:
            return
        if found is not None:
            raise self._exists(name, found, commit, meanwhile=True) from error
        declined = "hook declined" in error.said
        if not declined and _lacks_permission(error.said):
            raise AgoraError(
                f"{name}: no permission to push to {self.name}",
                "Ask for write access to the monorepo, or log in to it with git as somebody who has it.",
            ) from error
        if declined or "failed to push" in error.said:
            raise AgoraError(
                f"{name}: refused by {self.name}: {_words_of_hook(error.said)}",
                "Nothing was tagged. Do what is asked for there, then run the same command again.",
            ) from error
        raise self._explained(error) from error

    def _exists(self, name: str, found: str, wanted: str, *, meanwhile: bool = False) -> AgoraError:
        where = "the same commit" if found == wanted else f"another commit, {found[:12]}"
        since = " by now" if meanwhile else ""
        return AgoraError(
            f"{name}: exists{since} in {self.name}, on {where}",
            "Nothing was pushed: tags are never moved. Run the same command again to see where the release stands.",
        )

    def _tag(self, name: str) -> str | None:
        return self._ask("--tags").get(_TAGS + name)

    def _ask(self, *kinds: str) -> dict[str, str]:
        """The remote's refs and the commits they are on, annotated tags followed to theirs."""
        try:
            answer = git("ls-remote", "--quiet", *kinds, "--", self._place.remote, folder=self._place.folder)
        except GitFailed as error:
            raise self._explained(error) from error
        # Not splitlines: the name of a ref may hold what Unicode takes for the end of a line.
        pairs = [line.split("\t", 1) for line in answer.split("\n") if "\t" in line]
        refs = {name: commit for commit, name in pairs if not name.endswith(_PEELED)}
        return refs | {name.removesuffix(_PEELED): commit for commit, name in pairs if name.endswith(_PEELED)}

    @contextmanager
    def _repository_with(self, commit: str, refs: RemoteRefs) -> Iterator[Path]:
        """A repository that has the commit, since git pushes from no other."""
        if self._place.repository is not None:
            self._bring(commit, self._place.repository)
            yield self._place.repository
            return
        with tempfile.TemporaryDirectory(prefix="agora-monorepo-") as folder:
            repository = Path(folder)
            git("init", "--quiet", "--bare", "--template=", folder=repository)
            self._fetch_one(commit, refs, repository)
            yield repository

    def _fetch_one(self, commit: str, refs: RemoteRefs, repository: Path) -> None:
        """Fetch as little as will do: no files, where the remote is able to leave them out.

        A push sends what it cannot know the remote to have, so a commit that no ref is on needs the branch above it.
        """
        at = {refs.head: _HEADS + self.branch} | {tagged: _TAGS + name for name, tagged in refs.tags.items()}
        wanted = [(_ALL, _NO_FILES, _HEADS + self.branch), (_ONE, _ALL_FILES, commit)]
        if commit in at:
            wanted.insert(0, (_ONE, _NO_FILES, at[commit]))
        failure: GitFailed | None = None
        for depth, files, what in wanted:
            try:
                git(*_FETCH, depth, files, "--", self._place.remote, what, folder=repository)
            except GitFailed as error:
                failure = error
            if _has(repository, commit):
                return
        raise self._lacks(commit) from failure

    def _bring(self, commit: str, repository: Path) -> None:
        """Fetch a commit into a clone that may lack it, without touching its refs, and without making it shallow."""
        if _has(repository, commit):
            return
        for wanted in (_HEADS + self.branch, commit):
            try:
                git(*_FETCH_NO_BRANCH, "--", self._place.remote, wanted, folder=repository)
            except GitFailed as error:
                raise self._explained(error) from error
            if _has(repository, commit):
                return
        raise self._lacks(commit)

    def _lacks(self, commit: str) -> AgoraError:
        return AgoraError(
            f"{self.name}: commit {commit[:12]} is no longer on {self.branch} or under a tag",
            "Run the same command again: somebody changed the monorepo at this moment.",
        )

    @cached_property
    def _place(self) -> _Place:
        if not self.location.strip():
            raise UsageError("monorepo: no location", "Name its URL, or the path of a clone of it.")
        if not _is_path(self.location):
            return _Place(self.location, None, is_clone=False)
        return self._local_place(Path(self.location).expanduser().resolve())

    def _local_place(self, path: Path) -> _Place:
        hint = "Name the URL of the monorepo, or the path of a clone of it."
        if not path.is_dir():
            raise UsageError(f"{self.name}: there is no such folder", hint)
        try:
            # Nor is a folder inside another repository one: that would be tagged in its place.
            above = {"GIT_CEILING_DIRECTORIES": str(path.parent)}
            is_bare = git("rev-parse", "--is-bare-repository", folder=path, variables=above) == "true"
        except GitFailed as error:
            if "not a git repository" not in error.said:
                raise
            raise UsageError(f"{self.name}: this folder is not a git repository", hint) from error
        return _Place(str(path) if is_bare else self._remote_of_clone(path), path, is_clone=not is_bare)

    def _remote_of_clone(self, clone: Path) -> str:
        remotes = git("remote", folder=clone).split("\n")
        followed = git("config", "--default", "", "--get", f"branch.{self.branch}.remote", folder=clone)
        for name in ("upstream", followed, "origin"):
            if name and name in remotes:
                return name
        if remotes == [""]:
            raise UsageError(
                f"{self.name}: the clone has no remote, and a tag in it alone releases nothing",
                "Run `git remote add upstream URL` in it, or name the URL of the monorepo.",
            )
        if len(remotes) == 1:
            return remotes[0]
        raise UsageError(
            f"{self.name}: {self.branch} follows none of the clone's remotes, {', '.join(remotes)}",
            f"Run `git branch --set-upstream-to=REMOTE/{self.branch} {self.branch}` in it, or name the monorepo's URL.",
        )

    def _explained(self, error: GitFailed) -> AgoraError:
        said = error.said
        if _UNKNOWN.search(said):
            return AgoraError(
                f"{self.name}: no repository there, or none that you may read",
                "Look at its address, and whether you are logged in to it with git.",
            )
        if _lacks_permission(said):
            return AgoraError(
                f"{self.name}: no permission to read the repository",
                "Log in to it with git itself, then run the same command again.",
            )
        if "Host key verification failed" in said:
            return AgoraError(
                f"{self.name}: the host's key is not known to ssh on this machine",
                "Run `git ls-remote` with that address by hand, compare the key that it shows, and accept it.",
            )
        if unreached := _UNREACHED.search(said):
            return AgoraError(
                f"{self.name}: the repository cannot be reached: {unreached[0].strip()}",
                "Look at the network and the repository's address, then run the same command again.",
            )
        return AgoraError(f"{self.name}: {error.message}", error.hint)


@dataclass(frozen=True)
class _Place:
    """What git calls the remote, and the local repository to talk to it from, if there is one."""

    remote: str = field(repr=False)
    repository: Path | None
    is_clone: bool

    @property
    def folder(self) -> Path:
        """Where to run git: for a URL anywhere but in a repository, whose settings are for its own remote."""
        return self.repository or Path(tempfile.gettempdir())


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


def _lacks_permission(said: str) -> bool:
    return bool(_NO_PERMISSION.search(said))


def _words_of_hook(said: str) -> str:
    """What a hook of the remote says, or else one of the clone, or git itself, in one line."""
    lines = [
        line.strip() for line in said.split("\n") if not line.startswith(("To ", "hint:", "error: failed to push"))
    ]
    words = [line.removeprefix("remote:").strip() for line in lines if line.startswith("remote:")] or lines
    return " / ".join([line for line in words if line][:_MOST_LINES_OF_A_HOOK])


def _has(repository: Path, commit: str) -> bool:
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}", folder=repository)
    except GitFailed:
        return False
    return True


def _is_path(location: str) -> bool:
    """Whether git takes a location for a path: what has a colon before any slash is a host, as in `git@host:path`."""
    return ":" not in location.partition("/")[0]


def _commits(number: int) -> str:
    return f"{number:,} commit{'' if number == 1 else 's'}"
