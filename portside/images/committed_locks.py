"""What production may run at all: images that stand in a release's lock, in the commit that is checked out.

The working tree is not asked: what is in no commit was in no review.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from operations.git import git, git_bytes
from portside.commands import tool
from portside.config.kind import Kind
from src.environment import Environment
from src.errors import AgoraError, FormError, UsageError
from src.form import ROOT, Form, load_form
from src.resolution import Resolution, parse_resolution
from src.service_props import ServiceProps

_FOLDER = "releases"
# `git replace` would let a clone read other content than the commit has.
_VARIABLES = {"GIT_NO_REPLACE_OBJECTS": "1"}


class NotCommitted(UsageError):
    """Production would run an image that stands in no committed lock."""


def expect_committed(
    environment: Environment, services: Sequence[ServiceProps], images: Resolution, root: Path | None = None
) -> None:
    """Raise `NotCommitted` where a service of production has an image that no committed lock names by its digest."""
    if not is_production(environment, root):
        return
    name = environment.name
    try:
        committed = committed_images(root)
    except AgoraError as error:
        raise NotCommitted(
            f"{name} runs only images of a committed lock, and git can't say which those are: {error.message}",
            "Run it in a clone of the repository.",
        ) from error
    missing = list(_missing(services, images, committed))
    if missing:
        raise NotCommitted(
            f"{name} runs only images of a lock in {_FOLDER}/ that is committed\n  " + "\n  ".join(missing),
            f"Is the lock on {name}'s own branch? git switch {environment.branch}. Else pin the release, and commit "
            f"its lock: {tool('release', 'pin', images.version, local=False)}",
        )


def expect_committed_rules(form: Form, environment: Environment, root: Path | None = None) -> None:
    """Raise `NotCommitted` where an uncommitted edit of the configuration decides what proves production."""
    if not is_production(environment, root):
        return
    try:
        committed = committed_form(root) or form
    except AgoraError as error:
        raise NotCommitted(
            f"what proves {environment.name} must be committed, and that can't be read: {error.message}",
            "Run it in a clone of the repository, with an app.py that can be read in its last commit.",
        ) from error
    if _rules(committed, environment.name) != _rules(form, environment.name):
        raise NotCommitted(
            f"what proves {environment.name} differs from what is committed: its KIND, PROVED_BY or PROOF_WAIVED, "
            "or account or region of the environment that proves it",
            "Commit app.py, or undo the change: git diff app.py",
        )


def _rules(form: Form, name: str) -> tuple[object, ...] | None:
    environment = form.environments.get(name)
    if environment is None:
        return None
    proving = form.environments.get(environment.proved_by or "")
    places = [each and (each.name, each.kind, each.account, each.region) for each in (environment, proving)]
    return (environment.proved_by, environment.proof_waived, *places)


def committed_images(root: Path | None = None) -> set[tuple[str, str]]:
    """The name and digest of every image in the locks of the commit that is checked out. Raises `AgoraError`."""
    root = root or ROOT
    prefix = git("rev-parse", "--show-prefix", folder=root, variables=_VARIABLES)
    listed = git("ls-tree", "-z", "--name-only", "HEAD", f"{_FOLDER}/", folder=root, variables=_VARIABLES).split("\0")
    found: set[tuple[str, str]] = set()
    for path in listed:
        if path.endswith(".json"):
            content = git_bytes("cat-file", "blob", f"HEAD:{prefix}{path}", folder=root, variables=_VARIABLES)
            try:
                lock = parse_resolution(content.decode(errors="replace"), path)
            except FormError:
                # An old lock that is broken names nothing; it must not keep today's from counting.
                continue
            found |= {(image.name, image.digest) for image in lock.images.values()}
    return found


def is_production(environment: Environment, root: Path | None = None) -> bool:
    """Whether an environment is production, by its configuration or by the committed one.

    So an edit of `KIND` that is in no commit takes none of its rules away. Where the committed one can't be read, one
    that is called development only by its own word counts as production: a name such as `dev` needs no word.
    """
    if environment.is_production:
        return True
    try:
        form = committed_form(root)
    except AgoraError:
        return environment.kind is not Kind.default_of(environment.name)
    committed = form.environments.get(environment.name) if form else None
    return committed is not None and committed.is_production


def committed_form(root: Path | None = None) -> Form | None:
    """The committed configuration; None where it is what the file says. Raises `AgoraError` where it can't be read."""
    root = root or ROOT
    committed = _configuration_at(root, "HEAD")
    return None if committed == (root / "app.py").read_bytes() else _read(committed, root)


def form_at(root: Path, revision: str) -> Form:
    """The configuration of a commit. Raises `AgoraError` where it can't be read."""
    return _read(_configuration_at(root, revision), root)


def _configuration_at(root: Path, revision: str) -> bytes:
    prefix = git("rev-parse", "--show-prefix", folder=root, variables=_VARIABLES)
    return git_bytes("cat-file", "blob", f"{revision}:{prefix}app.py", folder=root, variables=_VARIABLES)


def _read(committed: bytes, root: Path) -> Form:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "app.py")
        copy.write_bytes(committed)
        return load_form(copy, root=root)


def _missing(services: Sequence[ServiceProps], images: Resolution, committed: set[tuple[str, str]]) -> list[str]:
    missing = []
    for props in services:
        image = images.images.get(props.container_location)
        if image is None:
            missing.append(f"{props.container_name}: {props.container_location} is no image of a lock")
        elif (image.name, image.digest) not in committed:
            missing.append(f"{props.container_name}: {image.name}@{image.digest} stands in no committed lock")
    return missing
