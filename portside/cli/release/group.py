"""`release …`: from a tag on the monorepo to prod, step by step."""

from __future__ import annotations

import click

from portside.cli.command_group import CommandGroup
from portside.cli.release.cut import cut
from portside.cli.release.finish import finish
from portside.cli.release.next import next_
from portside.cli.release.pin import pin
from portside.cli.release.promote import promote
from portside.cli.release.status import status
from portside.cli.release.verify import verify


@click.group(cls=CommandGroup)
def release() -> None:
    """Tag, pin, promote and verify a release."""


for _command in (cut, finish, next_, pin, promote, status, verify):
    release.add_command(_command)
