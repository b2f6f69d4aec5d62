"""Production only runs images in a release's lock in the commit that is checked out.

The working tree is not read, because uncommitted changes were not reviewed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from portside.commands import tool
from portside.config.configuration import ROOT, Configuration, load_configuration
from portside.config.environment import Environment
from portside.config.kind import Kind
from portside.config.service_props import ServiceProps
from portside.errors import ConfigurationError, UsageError, UserError
from portside.git import git, git_bytes
from portside.images.committed_rules import VARIABLES, Rules, committed_rules, rules_of
from portside.images.resolution import Resolution, parse_resolution
from portside.images.service_images import ServiceImage

_FOLDER = "releases"


class NotCommitted(UsageError):
    """Production would run an image without a committed lock."""


def expect_committed(
    environment: Environment, services: Sequence[ServiceProps], images: Resolution, root: Path | None = None
) -> None:
    """Raise `NotCommitted` if a service of production has an image whose digest is in no committed lock."""
    _expect_in_a_lock(environment, lambda committed: _missing(services, images, committed), images.version, root)


def expect_committed_task(environment: Environment, image: ServiceImage, root: Path | None = None) -> None:
    """Raise `NotCommitted` for the image of a task, as `expect_committed` does for services."""
    found = f"{image.service}: {image.name}@{image.digest} is in no committed lock"
    _expect_in_a_lock(
        environment, lambda committed: [] if (image.name, image.digest) in committed else [found], image.tag, root
    )


def _expect_in_a_lock(
    environment: Environment,
    missing_from: Callable[[set[tuple[str, str]]], Sequence[str]],
    version: str,
    root: Path | None,
) -> None:
    if not is_production(environment, root):
        return
    name = environment.name
    try:
        committed = committed_images(root)
    except UserError as error:
        raise NotCommitted(
            f"{name} runs only images of a committed lock, and git can't read them: {error.message}",
            "Run it in a clone of the repository.",
        ) from error
    missing = missing_from(committed)
    if missing:
        raise NotCommitted(
            f"{name} runs only images of a lock in {_FOLDER}/ that is committed\n  " + "\n  ".join(missing),
            f"Is the lock on {name}'s own branch? git switch {environment.branch}. Else pin the release, and commit "
            f"its lock: {tool('release', 'pin', version, local=False)}",
        )


def expect_committed_rules(
    configuration: Configuration,
    environment: Environment,
    root: Path | None = None,
    *,
    was_production: Callable[[], bool] = lambda: False,
) -> None:
    """Raise `NotCommitted` if the rules that prove production are not those of the commit.

    If no commit can be read, the configuration's kind of the environment counts, unless it `was_production` before.
    """
    root = root or ROOT
    try:
        committed = committed_rules(root)
    except UserError as error:
        if not environment.is_production and not was_production():
            return
        raise NotCommitted(
            f"what proves {environment.name} must be committed, and that can't be read: {error.message}",
            "Run it in a clone of the repository, with an app.py that can be read in its last commit.",
        ) from error
    if not environment.is_production and not _is_production(committed.get(environment.name)):
        return
    if _proving_rules(committed, environment.name) != _proving_rules(rules_of(configuration), environment.name):
        raise NotCommitted(
            f"what proves {environment.name} differs from what is committed: its KIND, PROVED_BY or PROOF_WAIVED, "
            "or account or region of the environment that proves it",
            "Commit app.py and every file that it reads, or undo the change: git diff. "
            "A variable of the environment must not decide it either.",
        )


def _proving_rules(rules: Mapping[str, Rules], name: str) -> tuple[Rules | None, Rules | None]:
    own = rules.get(name)
    return own, rules.get((own and own.proved_by) or "")


def _is_production(rules: Rules | None) -> bool:
    return rules is not None and rules.kind == Kind.PRODUCTION


def committed_images(root: Path | None = None) -> set[tuple[str, str]]:
    """The name and digest of every image in the locks of the commit that is checked out. Raises `UserError`."""
    root = root or ROOT
    prefix = git("rev-parse", "--show-prefix", folder=root, variables=VARIABLES)
    listed = git("ls-tree", "-z", "--name-only", "HEAD", f"{_FOLDER}/", folder=root, variables=VARIABLES).split("\0")
    found: set[tuple[str, str]] = set()
    for path in listed:
        if path.endswith(".json"):
            content = git_bytes("cat-file", "blob", f"HEAD:{prefix}{path}", folder=root, variables=VARIABLES)
            try:
                lock = parse_resolution(content.decode(errors="replace"), path)
            except ConfigurationError:
                # A broken old lock is ignored, so that the other locks count.
                continue
            found |= {(image.name, image.digest) for image in lock.images.values()}
    return found


def is_production(environment: Environment, root: Path | None = None) -> bool:
    """Whether an environment is production, by its configuration or by the committed one.

    An uncommitted edit of `KIND` doesn't remove its rules. If no commit can be read, only the configuration counts.
    """
    if environment.is_production:
        return True
    try:
        return _is_production(committed_rules(root or ROOT).get(environment.name))
    except UserError:
        return False


def configuration_at(root: Path, revision: str, *, acting_on: Collection[str] | None = None) -> Configuration:
    """The configuration of a commit, whose app.py is read with the files that are checked out.

    Raises `UserError` if it can't be read, or if these files change the rules of an environment.
    """
    prefix = git("rev-parse", "--show-prefix", folder=root, variables=VARIABLES)
    committed = git_bytes("cat-file", "blob", f"{revision}:{prefix}app.py", folder=root, variables=VARIABLES)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "app.py")
        copy.write_bytes(committed)
        configuration = load_configuration(copy, root=root, acting_on=acting_on)
    if rules_of(configuration) != committed_rules(root, revision):
        raise UserError(
            f"app.py of {revision[:12]} reads other files than that commit has",
            "Check that commit out in a clean clone, and run the same command there.",
        )
    return configuration


def _missing(services: Sequence[ServiceProps], images: Resolution, committed: set[tuple[str, str]]) -> list[str]:
    missing = []
    for props in services:
        image = images.images.get(props.container_location)
        if image is None:
            missing.append(f"{props.container_name}: {props.container_location} is in no lock")
        elif (image.name, image.digest) not in committed:
            missing.append(f"{props.container_name}: {image.name}@{image.digest} is in no committed lock")
    return missing
