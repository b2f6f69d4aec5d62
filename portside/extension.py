"""The additions of an app to the machinery; the launcher installs them before a command runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import click

    from portside.config.configuration import Configuration
    from portside.deploy.rights import Right


@dataclass(frozen=True, kw_only=True)
class AcceptedRisk:
    """A finding that is accepted until a date; `hint` says what to do when that has passed."""

    reason: str
    until: date
    hint: str


def _no_images(_: Configuration, __: Sequence[str]) -> list[str]:
    return []


@dataclass(frozen=True, kw_only=True)
class Extension:
    """`released_images` returns, for environments by name, images that are released with those of their services.

    `app` is the app's name where its configuration doesn't give one in `APP`, as in commits from before that setting.
    `rights` are those of operators, which the app's own commands use. `proxies` are the containers whose stubs forward
    requests in a rehearsal; `portside.emulator.fargate.proxy` has their fields.
    """

    app: str = ""
    commands: Sequence[click.Command] = ()
    released_images: Callable[[Configuration, Sequence[str]], list[str]] = _no_images
    rights: Callable[[], Sequence[Right]] = tuple
    database_without_tls: AcceptedRisk | None = None
    proxies: Sequence[Mapping[str, Any]] = ()


_installed = Extension()


def install(extension: Extension) -> None:
    """Use an app's extension from now on."""
    global _installed
    _installed = extension


def installed() -> Extension:
    """The extension of this app, empty if there is no extension."""
    return _installed
