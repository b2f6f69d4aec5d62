"""`local …`: the embedded AWS of this clone."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from portside.cli.answers import answer, go_ahead
from portside.cli.command_group import CommandGroup
from portside.cli.completion import services
from portside.cli.options import json_option, optional_environment_argument, yes_option
from portside.cli.targets import all_services, read_configuration
from portside.commands import local_tool
from portside.errors import UsageError
from portside.program import PROGRAM
from portside.terminal import console


@click.group(cls=CommandGroup)
def local() -> None:
    """Manage the embedded AWS that --local uses."""


@local.command()
@json_option
def up(as_json: bool) -> None:
    """Start the embedded AWS if it is not running."""
    from portside.aws.target import local_state_dir
    from portside.emulator.client import process
    from portside.extension import installed

    running = process.up(local_state_dir(), announce=console.say, proxies=installed().proxies)
    answer({"url": running.url, "pid": running.pid}, f"The embedded AWS runs at {running.url}.", as_json=as_json)


@local.command()
def down() -> None:
    """Stop the embedded AWS; its state is kept."""
    from portside.aws.target import local_state_dir
    from portside.emulator.client import process

    if not process.down(local_state_dir(), console.say):
        console.say("The embedded AWS was not running.")


@local.command()
@yes_option
def reset(yes: bool) -> None:
    """Delete the state of the embedded AWS.

    Stacks, data, images, faults, pinned versions and the practice monorepo. Asks first.
    """
    from portside.aws.target import local_state_dir
    from portside.emulator.client import control, process
    from portside.rehearsal import pins, practice_monorepo

    process.expect_running(local_state_dir())
    go_ahead("Delete everything that was rehearsed in this clone?", assumed=yes)
    control.reset(aws=process.expect_running(local_state_dir()))
    pins.forget()
    practice_monorepo.forget()
    console.say("The embedded AWS is empty.")


@local.command()
@json_option
def status(as_json: bool) -> None:
    """Show whether the embedded AWS is running, and its stacks.

    Exit code 1 if it is not running.
    """
    from portside.rehearsal.status import read_status

    found = read_status()
    if as_json:
        console.print_json(asdict(found))
    else:
        _show_status(found)
    if not found.running:
        sys.exit(1)


@local.command()
@optional_environment_argument
@click.argument("command", metavar="[-- COMMAND]", nargs=-1, type=click.UNPROCESSED)
def env(environment: str | None, command: tuple[str, ...]) -> None:
    """Run a command against the embedded AWS, or print exports.

    For example: local env dev -- aws ecs list-clusters. The exit code is that of the command.

    COMMAND uses the account of ENV on the embedded AWS and cannot reach another. Without COMMAND, exports for cdk,
    boto3 and your own aws are printed: eval "$({program} local env dev)". ENV defaults to the first development
     environment.
    """
    from portside.config.configuration import load_configuration
    from portside.rehearsal import environment_variables

    chosen = environment or load_configuration(acting_on=()).first
    if command:
        environment_variables.become(chosen, command)
    console.hand_over(environment_variables.exports(chosen))


env.help = (env.help or "").replace("{program}", PROGRAM)


@local.command()
@click.option("--clear", is_flag=True, help="Remove all injected faults in every environment.")
@json_option
def faults(clear: bool, as_json: bool) -> None:
    """List the faults that deploy --local --fault can inject."""
    from portside.emulator.client.control import FAULTS

    if clear:
        answer(*_clear_faults(), as_json=as_json)
    elif as_json:
        console.print_json(dict(FAULTS))
    else:
        console.print_table(["Fault", "Value"], [[name, value or "-"] for name, value in FAULTS.items()])


def _clear_faults() -> tuple[Any, str]:
    from portside.aws.target import local_state_dir
    from portside.emulator.client import control, process

    aws = process.expect_running(local_state_dir())
    cleared = [f"{each['container']}={each['fault']}" for each in control.faults(aws=aws)]
    others = len(control.api_faults(aws=aws)) + len(control.catalogue_faults(aws=aws))
    control.clear_faults(aws=aws)
    control.clear_api_faults(aws=aws)
    control.clear_catalogue_faults(aws=aws)
    named = [*cleared, *([f"{others} of AWS's API or the catalogue"] if others else [])]
    sentence = f"Switched off: {', '.join(named)}." if named else "No fault was on."
    return {"cleared": cleared, "others": others}, sentence


@local.command()
@click.argument("tag", metavar="TAG")
@click.argument("services", metavar="[SERVICE]...", nargs=-1, shell_complete=services)
@click.option("--commit", help="The commit of the images; a new commit of the practice monorepo by default.")
@json_option
def publish(tag: str, services: tuple[str, ...], commit: str | None, as_json: bool) -> None:
    """Publish new images under TAG in the local registry.

    As the monorepo's jobs do: edge after a merge, a version after a tag. By default all services get a new image.
    Nothing leaves this machine.
    """
    from portside.aws.target import local_state_dir
    from portside.config.image_reference import is_tag
    from portside.config.service_names import find_service
    from portside.emulator.client import process
    from portside.images.resolved_image import COMMIT
    from portside.images.synthesis_images import references_of
    from portside.rehearsal import practice_monorepo

    if not is_tag(tag):
        raise UsageError(f"not the tag of an image, got {tag!r}", "Write edge, or a version such as 4.3.0-rc1.")
    if commit is not None and not COMMIT.fullmatch(commit):
        raise UsageError(f"--commit: not the id of a commit, got {commit!r}", "Write 7 to 40 hexadecimal digits.")
    configuration = read_configuration(local=True, acting_on=())
    known = all_services(configuration)
    first = configuration.environment(configuration.first)
    chosen = references_of([find_service(first, known, name) for name in services] or known)
    running = process.expect_running(local_state_dir())
    if commit is None:
        commit = practice_monorepo.change(configuration)
    practice_monorepo.publish(running, chosen, [tag], commit)
    images = [f"{reference.rpartition(':')[0]}:{tag}" for reference in chosen]
    lines = [*images, f"from commit {commit}"]
    answer({"images": images, "commit": commit}, "\n".join(lines), as_json=as_json)


def _show_status(found: Any) -> None:
    from portside.config.configuration import load_configuration

    if not found.running:
        console.print_lines(f"The embedded AWS is not running. Start it with: {local_tool('up')}")
        return
    console.print_lines(f"The embedded AWS runs at {found.url} (process {found.pid}, up {found.up_seconds:.0f} s).")
    if found.pins:
        console.print_lines("")
        console.print_table(["Environment", "Version here"], [[*each] for each in found.pins.items()])
    if found.stacks:
        console.print_lines("")
        console.print_table(
            ["Stack", "Account", "Status"], [[each.name, each.account, each.status] for each in found.stacks]
        )
    if found.faults:
        configuration = load_configuration(acting_on=())
        short_name = configuration.environment(configuration.first).short_name
        console.print_lines("")
        console.print_table(
            ["Account", "Service", "Fault"],
            [[account, short_name(name), fault] for account, name, fault in found.faults],
        )
