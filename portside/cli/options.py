"""The options and arguments that several commands share, and the values that groups of them become."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from portside.cli.completion import environments, services

environment_argument = click.argument("environment", metavar="ENV", shell_complete=environments)
optional_environment_argument = click.argument(
    "environment", metavar="[ENV]", required=False, shell_complete=environments
)
service_argument = click.argument("service", metavar="SERVICE", shell_complete=services)
local_option = click.option("--local", is_flag=True, help="Use the embedded AWS on this machine; needs no account.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
html_option = click.option(
    "--html",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it as a page to this file too; the page loads nothing else.",
)
task_option = click.option("--task", metavar="ID", default="", help="The task with an id that starts with ID.")
replace_option = click.option(
    "--replace",
    "replace",
    multiple=True,
    metavar="LOGICAL_ID",
    help="Allow the replacement or deletion of this stateful resource.",
)
proof_profile_option = click.option(
    "--proof-profile",
    metavar="PROFILE",
    help="The AWS profile for the records of the environment that proves releases, if it is in another account.",
)
unproven_option = click.option(
    "--unproven",
    metavar="REASON",
    help="Run an unproven image in production; the reason is recorded. Asks twice, on a terminal only.",
)


def collect(kind: type, name: str) -> Callable[[Any], Any]:
    """Pass the options that are fields of `kind` to the command as one argument, called `name`."""

    def decorate(command: Any) -> Any:
        @functools.wraps(command)
        def collected(**given: Any) -> Any:
            values = {each.name: given.pop(each.name) for each in fields(kind)}
            return command(**given, **{name: kind(**values)})

        return collected

    return decorate


@dataclass(frozen=True, kw_only=True)
class ChangeOptions:
    """The options of a command that changes something."""

    local: bool
    yes: bool
    dry_run: bool
    as_json: bool

    @property
    def skips_question(self) -> bool:
        """Whether the command starts without confirmation."""
        return self.local or self.yes


@dataclass(frozen=True, kw_only=True)
class ProofOptions:
    """The options of a command that starts images in production: the reason to do so without a proof, and a profile."""

    unproven: str | None
    proof_profile: str | None


def changing_options(command: Any) -> Any:
    """--local, --yes, --dry-run and --json, as the argument `change`."""
    return local_option(yes_option(dry_run_option(json_option(collect(ChangeOptions, "change")(command)))))


def proof_options(command: Any) -> Any:
    """--unproven and --proof-profile, as the argument `proof`."""
    return unproven_option(proof_profile_option(collect(ProofOptions, "proof")(command)))
