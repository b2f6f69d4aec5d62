"""What the commands of `./agora` have in common: their options, and the environment that they act on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from portside.cli.completion import environments, services
from portside.errors import UserError

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.configuration import Configuration
    from portside.config.service_props import ServiceProps


environment_argument = click.argument("environment", metavar="ENV", shell_complete=environments)
optional_environment_argument = click.argument(
    "environment", metavar="[ENV]", required=False, shell_complete=environments
)
service_argument = click.argument("service", metavar="SERVICE", shell_complete=services)
local_option = click.option("--local", is_flag=True, help="Use the embedded AWS on this machine; needs no account.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def changing_options(command: Any) -> Any:
    """The options of a command that changes something: --local, --yes, --dry-run, --json."""
    return local_option(yes_option(dry_run_option(json_option(command))))


@dataclass(frozen=True)
class Acting:
    """The place that a command acts on, and the configuration that it acts by."""

    target: Target
    configuration: Configuration

    @property
    def services(self) -> tuple[ServiceProps, ...]:
        """The services of the environment."""
        return self.configuration.services_of(self.target.environment.name)


def read_configuration(*, local: bool, versions: Mapping[str, str] | None = None) -> Configuration:
    """The configuration as it stands, in a rehearsal with the versions that rehearsals have pinned, or with others."""
    from portside.config.configuration import load_configuration

    if not local:
        return load_configuration(versions=versions)
    from portside.rehearsal.pins import read_pins

    return load_configuration(versions=read_pins() | dict(versions or {}))


@contextlib.contextmanager
def acting_on(name: str, *, local: bool, only_if_running: bool = False) -> Iterator[Acting]:
    """The environment to change. What a rehearsal started is stopped when it is interrupted."""
    from portside.aws import target
    from portside.deploy.clone_lock import clone_lock

    configuration = read_configuration(local=local)
    environment = configuration.environment(name)
    if not local:
        with clone_lock(environment.name):
            yield Acting(target.aws_target(environment), configuration)
        return
    from portside.emulator.client import process

    was_running = process.running(target.local_state_dir()) is not None
    try:
        with clone_lock(f"{environment.name}-local"):
            found = target.local_target(environment) if only_if_running else _rehearsed(configuration, name)
            yield Acting(found, configuration)
    except KeyboardInterrupt:
        if not was_running:
            process.down(target.local_state_dir(), lambda _: None)
        raise


def looking_at(name: str, *, local: bool) -> Acting:
    """The environment to read from, which anybody may do at any time."""
    from portside.aws import target

    configuration = read_configuration(local=local)
    environment = configuration.environment(name)
    return Acting(target.local_target(environment) if local else target.aws_target(environment), configuration)


class Reaching:
    """Reaches several environments, some of which may refuse; what they answered is remembered."""

    def __init__(self, configuration: Configuration, *, local: bool) -> None:
        self._configuration, self._local = configuration, local
        self._refusals: list[UserError] = []
        self._has_reached = False

    def __call__(self, name: str) -> Target:
        """The place of an environment. Raises `UserError`."""
        from portside.aws import target

        reach = target.local_target if self._local else target.aws_target
        try:
            found = reach(self._configuration.environment(name))
        except UserError as error:
            self._refusals.append(error)
            raise
        self._has_reached = True
        return found

    def as_json(self) -> dict[str, Any]:
        """What the JSON answer adds where nothing was reached."""
        return {"error": self._refusals[0].as_error()} if self._refusals and not self._has_reached else {}

    def expect_one(self) -> None:
        """Raise what refused, as a command about one environment would, where none was reached."""
        if self._refusals and not self._has_reached:
            raise self._refusals[0]


def go_ahead(question: str, *, assumed: bool, expected: str = "yes") -> None:
    """Ask a person, unless the answer is given already. Raises `UserError` for a no."""
    from portside.terminal.console import confirm

    if not assumed and not confirm(question, expected=expected):
        raise UserError("nothing was done: no go-ahead was given", "Answer the question, or pass --yes.")


def answer(value: Any, sentence: str, *, as_json: bool) -> None:
    """Answer on stdout: the value to a machine, else the sentence."""
    from portside.terminal import console

    if as_json:
        console.print_json(value)
    else:
        console.print_lines(sentence)


def say_all(sentences: Sequence[str], style: str | None = None) -> None:
    """Tell a person each sentence that says something."""
    from portside.terminal.console import say

    for sentence in filter(None, sentences):
        say(sentence, style)


def _rehearsed(configuration: Configuration, name: str) -> Target:
    from portside.plan.images import locked_images
    from portside.rehearsal.prepare import images_of, prepare

    environment, services = configuration.environment(name), configuration.services_of(name)
    lock = locked_images(environment, configuration, local=True)
    return prepare(environment, services, images_of(services, lock))
