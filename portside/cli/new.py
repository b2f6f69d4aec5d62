"""`new`: writes the repository of a new app."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from portside.cli.options import collect, yes_option
from portside.terminal import console

if TYPE_CHECKING:
    from portside.scaffold.new_app import Description, NewApp

_NONE = "none"


@dataclass(frozen=True, kw_only=True)
class NewOptions:
    """The answers that were given as options."""

    name: str | None
    image: str | None
    port: str | None
    database: str | None
    account: str | None
    region: str
    vpc_cidr: str
    fqdn: str
    certificate_id: str
    licence: str
    workflows: str


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name of the app and its launcher; by default that of the folder.")
@click.option("--image", metavar="IMAGE", help="Image of the container, such as ghcr.io/owner/app:1.0.")
@click.option("--port", metavar="PORT", help="Port that the container listens on; none for a worker.")
@click.option("--database", metavar="KIND", help="Kind of the database, such as postgresql; none without one.")
@click.option("--account", metavar="ID", help="AWS account of the first environment, dev.")
@click.option("--region", default="us-east-1", show_default=True, help="AWS region of dev.")
@click.option("--vpc-cidr", default="10.20.0.0/24", show_default=True, help="Network of dev.")
@click.option("--fqdn", default="", help="Host name of the site; needs --certificate-id for HTTPS.")
@click.option("--certificate-id", default="", help="Certificate of the host name.")
@click.option(
    "--licence",
    type=click.Choice(["apache-2.0", "mit", _NONE]),
    default=_NONE,
    show_default=True,
    help="Licence of the repository.",
)
@click.option(
    "--workflows",
    metavar="REF",
    default="",
    help="OWNER/REPOSITORY@COMMIT with portside's reusable workflows; without it, whole workflows are written.",
)
@click.option("--package", metavar="WHEEL", help="Wheel of portside that the repository pins: a file or https address.")
@click.option(
    "--from",
    "earlier",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take over a Docker Compose file, or an app.py of the earlier kind, which makes one environment's stacks.",
)
@yes_option
@collect(NewOptions, "given")
def new(folder: Path, package: str | None, earlier: Path | None, yes: bool, given: NewOptions) -> None:
    """Write the repository of a new app into DIR.

    Asks in a terminal for what is missing. No file is overwritten.
    """
    from portside.errors import ConfigurationError
    from portside.scaffold.files import repository_files
    from portside.scaffold.new_app import describe
    from portside.scaffold.package_pin import read_pin
    from portside.scaffold.validation import expect_reference, expect_valid
    from portside.scaffold.write import expect_free, first_commit, write_files

    folder = folder.expanduser().absolute()
    expect_reference(given.workflows)
    pin = read_pin(package)
    given = _named(given, folder)
    asks = not yes and sys.stdin.isatty()
    described, left = _taken_over(earlier, given) if earlier else (describe(_answers(given, asks=asks)), [])
    files = repository_files(
        described,
        pin,
        licence=given.licence,
        earlier=earlier is not None and earlier.suffix == ".py",
        workflows=given.workflows,
    )
    expect_free(folder, files)
    try:
        expect_valid(files["app.py"].content, names_options=earlier is None)
    except ConfigurationError as error:
        if not earlier:
            raise
        left = [*left, *(each.sentence for each in error.problems)]
    write_files(folder, files)
    for path in files:
        console.say(f"  {path}")
    if failure := first_commit(folder, files, f"Describe {described.name}, made by portside {pin.version}"):
        console.say(failure, "yellow")
    if left:
        console.say("Not taken over, or to be checked in app.py:", "yellow")
        for each in left:
            console.say(f"  {each}")
    _offer_rehearsal(folder, described, asks=asks)


def _taken_over(earlier: Path, given: NewOptions) -> tuple[Description, list[str]]:
    from portside.errors import UsageError
    from portside.scaffold.compose import take_over_compose
    from portside.scaffold.conversion import take_over

    if not given.account:
        raise UsageError(f"missing: --account, which {earlier.name} does not name", "Pass the account of dev.")
    if earlier.suffix in (".yaml", ".yml"):
        return take_over_compose(earlier.expanduser(), given.name or "", given.account)
    return take_over(earlier.expanduser(), given.name or "", given.account)


def _named(given: NewOptions, folder: Path) -> NewOptions:
    default = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    return given if given.name else replace(given, name=default)


def _answers(given: NewOptions, *, asks: bool) -> NewApp:
    """The answers of options and, in a terminal, of the person. Raises `UsageError` if one is missing."""
    from portside.config.database_kinds import DATABASE_KINDS
    from portside.errors import UsageError
    from portside.scaffold.new_app import NewApp

    questions = {
        "image": ("Image of the container, such as ghcr.io/owner/app:1.0", given.image),
        "port": (f"Port that the container listens on ({_NONE} for a worker)", given.port),
        "account": ("AWS account of dev, 12 digits (any will do for a rehearsal)", given.account),
        "database": (f"Database: {', '.join(DATABASE_KINDS)} or {_NONE}", given.database or (None if asks else _NONE)),
    }
    if asks:
        found = {name: value or click.prompt(question, err=True) for name, (question, value) in questions.items()}
    else:
        missing = [f"--{name}" for name, (_, value) in questions.items() if not value]
        if missing:
            raise UsageError(
                f"missing: {', '.join(missing)}", "Pass them, or run this in a terminal, which asks for them."
            )
        found = {name: str(value) for name, (_, value) in questions.items()}
    database = None if found["database"] == _NONE else found["database"]
    rest = {name: value for name, value in vars(given).items() if name not in found | {"workflows": ""}}
    return NewApp(**rest, image=found["image"], port=_port(found["port"]), account=found["account"], database=database)


def _port(written: str) -> int | None:
    from portside.errors import UsageError

    if written == _NONE:
        return None
    if not written.isdecimal() or not 1 <= int(written) <= 65535:
        raise UsageError(f"--port: not a port, got {written!r}", f"Use 1 to 65535, or {_NONE} for a worker.")
    return int(written)


def _offer_rehearsal(folder: Path, described: Description, *, asks: bool) -> None:
    command = [f"./{described.name}", "deploy", next(iter(described.environments)), "--local"]
    console.say(
        f"Rehearse it on this machine, without an account:\n  cd {shlex.quote(str(folder))} && {shlex.join(command)}"
    )
    if asks and console.confirm("Do that now?"):
        sys.exit(subprocess.call(command, cwd=folder))
