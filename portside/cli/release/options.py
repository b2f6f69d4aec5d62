"""The options that the commands of `release` share, and the monorepo that they choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.images.resolution import Resolution
    from portside.release.monorepo import Monorepo

repository_option = click.option(
    "--repository",
    metavar="WHERE",
    help="The monorepo: a git URL or the folder of a clone; RELEASES in app.py by default.",
)
push_option = click.option(
    "--push/--no-push", default=True, show_default=True, help="Push the branch and open a pull request with gh."
)


def part_options(command: Any) -> Any:
    """--major, --minor and --patch: the part of the version to increase."""
    for part in ("major", "minor", "patch"):
        help_text = f"Tag the next {part} version instead of the next candidate."
        command = click.option(f"--{part}", "part", flag_value=part, help=help_text)(command)
    return command


def chosen_monorepo(configuration: Configuration, repository: str | None, *, local: bool) -> Monorepo | None:
    """The monorepo of `repository`, by default the practice one in a rehearsal or the configured one."""
    from portside.config.release_source import ReleaseSource
    from portside.release.monorepo import Monorepo

    source = configuration.releases
    if repository is not None:
        named = source or ReleaseSource(repository, configuration.identity.app)
        return Monorepo(named.tag_prefix, repository, named.branch)
    if local:
        from portside.rehearsal.practice_monorepo import practice_source

        source = practice_source(configuration)
    return Monorepo(source.tag_prefix, source.repository, source.branch) if source else None


def expect_monorepo(configuration: Configuration, repository: str | None, *, local: bool) -> Monorepo:
    """The same. Raises `UsageError` if no monorepo is configured."""
    monorepo = chosen_monorepo(configuration, repository, local=local)
    if monorepo is None:
        prefix = configuration.identity.app
        raise UsageError(
            "app.py does not say where releases are tagged",
            f'Add RELEASES = {{"REPOSITORY": "https://…", "TAG_PREFIX": "{prefix}"}}, or pass --repository.',
        )
    return monorepo


def image_lookup(configuration: Configuration, *, local: bool) -> Callable[[Sequence[str], str], Resolution]:
    """A function that resolves the images of a version."""
    from portside.plan.images import look_up

    return lambda references, version: look_up(references, version, configuration, local=local)
