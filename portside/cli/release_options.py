"""What the commands of `./agora release` have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.config.configuration import Configuration
    from portside.images.resolution import Resolution
    from portside.release.monorepo import Monorepo
    from portside.release.pull_request import Outcome

repository_option = click.option(
    "--repository",
    metavar="WHERE",
    help="The monorepo: a git URL or the folder of a clone; RELEASES in app.py by default.",
)
push_option = click.option(
    "--push/--no-push", default=True, show_default=True, help="Push the branch and open a pull request with gh."
)


def part_options(command: Any) -> Any:
    """The part of the version that is counted up, where it is not the last candidate that goes on."""
    for part in ("major", "minor", "patch"):
        help_text = f"Tag the next {part} version instead of the next candidate."
        command = click.option(f"--{part}", "part", flag_value=part, help=help_text)(command)
    return command


def chosen_monorepo(configuration: Configuration, repository: str | None, *, local: bool) -> Monorepo | None:
    """The monorepo that is named, the practice one in a rehearsal, else the configuration's."""
    from portside.config.release_source import ReleaseSource
    from portside.release.monorepo import Monorepo

    source = configuration.releases
    if repository is not None:
        named = source or ReleaseSource(repository, "agora")
        return Monorepo(repository, named.branch, named.tag_prefix)
    if local:
        from portside.rehearsal.practice_monorepo import practice_source

        source = practice_source(configuration)
    return Monorepo(source.repository, source.branch, source.tag_prefix) if source else None


def expect_monorepo(configuration: Configuration, repository: str | None, *, local: bool) -> Monorepo:
    """The same. Raises `UsageError` where there is none."""
    monorepo = chosen_monorepo(configuration, repository, local=local)
    if monorepo is None:
        raise UsageError(
            "app.py does not say where releases are tagged",
            'Add RELEASES = {"REPOSITORY": "https://…", "TAG_PREFIX": "agora"}, or pass --repository.',
        )
    return monorepo


def looking_up(*, local: bool) -> Callable[[Sequence[str], str], Resolution]:
    """How the images of a version are looked up."""
    from portside.plan.images import look_up

    return lambda references, version: look_up(references, version, local=local)


def open_request(request: Any) -> Outcome:
    """Push a branch, and open its pull request where that is possible."""
    from portside.release.pull_request import open_pull_request
    from portside.terminal.console import say

    return open_pull_request(request, say)
