"""`lock`: pins the packages of a team's own stacks."""

from __future__ import annotations

import click

from portside.terminal import console


@click.command()
def lock() -> None:
    """Pin the packages in requirements-own.in, with hashes.

    The next command installs them. Run it after a change of requirements-own.in; an upgrade does it too.
    """
    from portside.config.configuration import ROOT
    from portside.scaffold.own_packages import LOCKED, lock_own

    locked = lock_own(ROOT)
    console.say(f"{LOCKED}: {', '.join(locked) or 'no package; requirements.txt has all of them'}")
