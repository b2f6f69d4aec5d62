"""The repository of the application's code: what its remote has, and putting a tag there.

The remote is the truth. A clone only names the remote and provides git's settings for it; its worktree, its
branches and its own tags are neither used nor changed.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from portside.errors import UsageError, UserError
from portside.git import GitFailed, git, without_credentials
from portside.release.git_refusals import explained, lacks_permission, words_of_hook
from portside.release.version_tags import ReleaseTags, read_tags

_LENGTH_OF_ID = 40
_TAGS, _HEADS, _PEELED = "refs/tags/", "refs/heads/", "^{}"
# With any user settings for pushes and fetches, this pushes one tag and no branch.
# A thin pack is made from the files of commits that the remote has; these are missing.
_PUSH = ("push", "--no-thin", "--no-follow-tags", "--no-recurse-submodules")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head")
# Without a depth, a repository that is shallow already would stay so.
_ONE, _ALL = "--depth=1", f"--depth={2**31 - 1}"
_NO_FILES, _ALL_FILES = "--filter=tree:0", "--no-filter"
_FETCH_NO_BRANCH = (*_FETCH, "--refmap=")


@dataclass(frozen=True)
class RemoteRefs:
    """The refs of the monorepo's remote: the commits of its tags by name, and the head of the branch."""

    tags: Mapping[str, str]
    head: str
    release_tags: ReleaseTags
    heads: Mapping[str, str] = field(default_factory=dict)
    """The heads of all branches, by name."""

    def names_of(self, commit: str) -> list[str]:
        """The application's tags on a commit."""
        own = self.release_tags
        names = [*map(own.tag, own.versions), *map(own.finished_tag, own.finished)]
        return [name for name in names if self.tags.get(name) == commit]


@dataclass(frozen=True)
class Monorepo:
    """A monorepo by the URL that git takes for it, or the path of a clone or of a bare repository.

    Applications share it: `prefix` is what this one's tags begin with.
    """

    prefix: str
    location: str = field(repr=False)
    branch: str = "main"

    @property
    def name(self) -> str:
        """Its name in messages: the location without credentials."""
        return without_credentials(self.location)

    def refs(self) -> RemoteRefs:
        """Ask the remote. Raises `UserError` where it cannot be read or has no such branch."""
        found = self._ask("--heads", "--tags")
        tags = {name.removeprefix(_TAGS): commit for name, commit in found.items() if name.startswith(_TAGS)}
        heads = {name.removeprefix(_HEADS): commit for name, commit in found.items() if name.startswith(_HEADS)}
        head = heads.get(self.branch)
        if head is None:
            problem = f'has no branch "{self.branch}"' if found else "is empty"
            raise UserError(f"{self.name}: the repository {problem}", "Name the monorepo that the application is in.")
        return RemoteRefs(tags, head, read_tags(tags, self.prefix), heads)

    def find_commit(self, text: str, refs: RemoteRefs) -> str | None:
        """The full id of a commit that the remote has, from its first digits; None if there is not exactly one.

        Short ids are searched in tags, the heads of branches, and the history of the branch.
        """
        known = {each for each in (*refs.heads.values(), *refs.tags.values()) if each.startswith(text)}
        if len(known) == 1:
            return known.pop()
        with self._history(refs.head, refs) as repository:
            if len(text) == _LENGTH_OF_ID and not _has(repository, text):
                _try_to_fetch(repository, self._place.address, text)
            try:
                return git("rev-parse", "--verify", "--quiet", f"{text}^{{commit}}", folder=repository)
            except GitFailed:
                return None

    def ancestors(self, commit: str, refs: RemoteRefs) -> frozenset[str]:
        """The ids of a commit and of all its ancestors."""
        with self._history(commit, refs) as repository:
            return frozenset(git("rev-list", commit, "--", folder=repository).split("\n"))

    def subject(self, commit: str) -> str | None:
        """The first line of a commit's message, if it is available without the remote."""
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
            raise UserError(f'{self.name}: the clone has no branch "{self.branch}"', hint) from None
        if own == refs.head:
            return
        self._bring(refs.head, place.repository)
        counts = git("rev-list", "--left-right", "--count", f"{own}...{refs.head}", "--", folder=place.repository)
        ahead, behind = map(int, counts.split())
        update = f"`git checkout {self.branch} && git fetch {place.remote} && git rebase {theirs}`"
        hint = f"Bring your own commits to {theirs} by a pull request, or off {self.branch}; then run {update} in it."
        if ahead and behind:
            state = f"has diverged from {theirs}: {_commits(ahead)} ahead, {_commits(behind)} behind"
        elif ahead:
            state = f"is {_commits(ahead)} ahead of {theirs}, and would be released without"
        else:
            state = f"is {_commits(behind)} behind {theirs}"
            hint = f"Run {update} in it, look at what came, then run the same command again."
        raise UserError(f"{self.name}: {self.branch} {state}", hint)

    def push_tag(self, name: str, commit: str) -> None:
        """Put a new lightweight tag on a commit that the remote has, and check that it exists.

        A tag that exists is left as it is, and `UserError` raised; so it is where the remote refuses.
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
            raise UserError(
                f"{name}: pushed to {self.name}, but it is {f'on {found[:12]}' if found else 'not there'} now",
                f"It belongs on {commit[:12]}. Find out who or what changes tags in the monorepo.",
            )

    def _judge(self, error: GitFailed, name: str, commit: str) -> None:
        """Find out why a push failed, and raise that; the response of a successful push can get lost."""
        found = self._tag(name)
        rejected = "rejected]" in error.said
        if found == commit and not rejected:
            return
        if found is not None:
            raise self._exists(name, found, commit, meanwhile=True) from error
        declined = "hook declined" in error.said
        if not declined and lacks_permission(error.said):
            raise UserError(
                f"{name}: no permission to push to {self.name}",
                "Ask for write access to the monorepo, or log in with git as a user who has it.",
            ) from error
        if declined or "failed to push" in error.said:
            raise UserError(
                f"{name}: refused by {self.name}: {words_of_hook(error.said)}",
                "Nothing was tagged. Do what is asked for there, then run the same command again.",
            ) from error
        raise explained(self.name, error) from error

    def _exists(self, name: str, found: str, requested: str, *, meanwhile: bool = False) -> UserError:
        where = "the same commit" if found == requested else f"another commit, {found[:12]}"
        since = " by now" if meanwhile else ""
        return UserError(
            f"{name}: exists{since} in {self.name}, on {where}",
            "Nothing was pushed: tags are never moved. Run the same command again to see the state of the release.",
        )

    def _tag(self, name: str) -> str | None:
        return self._ask("--tags").get(_TAGS + name)

    def _ask(self, *kinds: str) -> dict[str, str]:
        """The remote's refs and the commits they are on, annotated tags followed to theirs."""
        try:
            answer = git("ls-remote", "--quiet", *kinds, "--", self._place.remote, folder=self._place.folder)
        except GitFailed as error:
            raise explained(self.name, error) from error
        # Not splitlines: the name of a ref may hold what Unicode takes for the end of a line.
        pairs = [line.split("\t", 1) for line in answer.split("\n") if "\t" in line]
        refs = {name: commit for commit, name in pairs if not name.endswith(_PEELED)}
        return refs | {name.removesuffix(_PEELED): commit for commit, name in pairs if name.endswith(_PEELED)}

    @contextmanager
    def _repository_with(self, commit: str, refs: RemoteRefs) -> Iterator[Path]:
        """A repository that has the commit, since git pushes from no other."""
        if self._place.repository is not None:
            self._bring(commit, self._place.repository, _ref_at(commit, refs))
            yield self._place.repository
            return
        with tempfile.TemporaryDirectory(prefix="portside-monorepo-") as folder:
            repository = Path(folder)
            git("init", "--quiet", "--bare", "--template=", folder=repository)
            self._fetch_one(commit, refs, repository)
            yield repository

    @contextmanager
    def _history(self, commit: str, refs: RemoteRefs) -> Iterator[Path]:
        """A repository with a commit and its history, without files if the remote supports that."""
        own = self._place.repository
        if own is not None and git("rev-parse", "--is-shallow-repository", folder=own) != "true":
            self._bring(commit, own, _ref_at(commit, refs))
            yield own
            return
        with tempfile.TemporaryDirectory(prefix="portside-monorepo-") as folder:
            repository = Path(folder)
            git("init", "--quiet", "--bare", "--template=", folder=repository)
            for files in (_NO_FILES, _ALL_FILES):
                _try_to_fetch(repository, self._place.address, _ref_at(commit, refs) or commit, files)
                if _has(repository, commit):
                    break
            else:
                raise self._lacks(commit)
            yield repository

    def _fetch_one(self, commit: str, refs: RemoteRefs, repository: Path) -> None:
        """Fetch as little as will do: no files, where the remote is able to leave them out.

        A push sends what it cannot know the remote to have, so a commit that no ref is on needs the branch above it.
        """
        requested = [(_ALL, _NO_FILES, _HEADS + self.branch), (_ONE, _ALL_FILES, commit)]
        if (at := _ref_at(commit, refs)) is not None:
            requested.insert(0, (_ONE, _NO_FILES, at))
        failure: GitFailed | None = None
        for depth, files, ref in requested:
            try:
                git(*_FETCH, depth, files, "--", self._place.remote, ref, folder=repository)
            except GitFailed as error:
                failure = error
            if _has(repository, commit):
                return
        raise self._lacks(commit) from failure

    def _bring(self, commit: str, repository: Path, at: str | None = None) -> None:
        """Fetch a commit into a clone that may lack it, without touching its refs, and without making it shallow."""
        if _has(repository, commit):
            return
        for requested in (at or _HEADS + self.branch, commit):
            try:
                git(*_FETCH_NO_BRANCH, "--", self._place.remote, requested, folder=repository)
            except GitFailed as error:
                raise explained(self.name, error) from error
            if _has(repository, commit):
                return
        raise self._lacks(commit)

    def _lacks(self, commit: str) -> UserError:
        return UserError(
            f"{self.name}: commit {commit[:12]} is no longer on {self.branch} or under a tag",
            "Run the same command again: someone changed the monorepo at this moment.",
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
            # Nor is a folder inside another repository one: the outer one would be tagged.
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


@dataclass(frozen=True)
class _Place:
    """Git's name of the remote, and the local repository that it is configured in, if any."""

    remote: str = field(repr=False)
    repository: Path | None
    is_clone: bool

    @property
    def folder(self) -> Path:
        """Where to run git: for a URL anywhere but in a repository, whose settings are for its own remote."""
        return self.repository or Path(tempfile.gettempdir())

    @property
    def address(self) -> str:
        """The remote, for a repository elsewhere, which does not know it by its name in a clone."""
        if self.repository is None or not self.is_clone:
            return self.remote
        address = git("remote", "get-url", self.remote, folder=self.repository)
        return str(self.repository / address) if _is_path(address) else address


def _has(repository: Path, commit: str) -> bool:
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}", folder=repository)
    except GitFailed:
        return False
    return True


def _ref_at(commit: str, refs: RemoteRefs) -> str | None:
    """A ref of the remote that is on a commit: what is asked for by name, every server gives."""
    branch = next((name for name, head in refs.heads.items() if head == commit), None)
    if branch is not None:
        return _HEADS + branch
    tag = next((name for name, tagged in refs.tags.items() if tagged == commit), None)
    return None if tag is None else _TAGS + tag


def _try_to_fetch(repository: Path, remote: str, ref: str, *options: str) -> None:
    """Fetch what the remote may not have or not give: whether it came, the caller looks."""
    with contextlib.suppress(GitFailed):
        git(*_FETCH, *options, "--", remote, ref, folder=repository)


def _is_path(location: str) -> bool:
    """Whether git takes a location for a path: what has a colon before any slash is a host, as in `git@host:path`."""
    return ":" not in location.partition("/")[0]


def _commits(number: int) -> str:
    return f"{number:,} commit{'' if number == 1 else 's'}"
