"""The environment that a command reads or changes, with its configuration."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from portside.errors import UserError

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.configuration import Configuration
    from portside.config.service_props import ServiceProps


@dataclass(frozen=True)
class ConfiguredTarget:
    """An environment on AWS or on the embedded AWS, and the configuration that a command uses for it."""

    target: Target
    configuration: Configuration

    @property
    def services(self) -> tuple[ServiceProps, ...]:
        return self.configuration.services_of(self.target.environment.name)


def read_configuration(
    *, local: bool, versions: Mapping[str, str] | None = None, acting_on: Collection[str] | None = None
) -> Configuration:
    """The configuration, in a rehearsal with the versions that are pinned there; `versions` overrides both.

    `acting_on` are the environments whose images must be releases where they only run releases, by default all.
    """
    from portside.config.configuration import load_configuration

    if not local:
        return load_configuration(versions=versions, acting_on=acting_on)
    from portside.rehearsal.pins import read_pins

    return load_configuration(versions=read_pins() | dict(versions or {}), acting_on=acting_on)


def show_warnings(configured: ConfiguredTarget) -> None:
    """Warn if there is no certificate, and about the problems that keep other environments from their releases."""
    from portside.plan.images import unreleased
    from portside.terminal.console import say

    target = configured.target
    if target.environment.unencrypted:
        say(f"{target.environment.unencrypted}.", "yellow")
    found = unreleased(configured.configuration, target.environment.name, local=target.is_local)
    if found:
        say("\n".join(["Environments that cannot be deployed yet:", *(f"  {each}" for each in found)]), "yellow")


def all_services(configuration: Configuration) -> tuple[ServiceProps, ...]:
    """The services of all environments, each as in the first environment that has it."""
    found: dict[str, ServiceProps] = {}
    for environment in configuration.environments:
        for props in configuration.services_of(environment):
            found.setdefault(props.container_name, props)
    return tuple(found.values())


def configured_target(name: str, *, local: bool, warns: bool = False) -> ConfiguredTarget:
    """The environment to read from, without a lock; `warns` prints its warnings."""
    from portside.aws import target

    configuration = read_configuration(local=local, acting_on=[name])
    environment = configuration.environment(name)
    found = target.local_target(environment) if local else target.aws_target(environment)
    configured = ConfiguredTarget(found, configuration)
    if warns:
        show_warnings(configured)
    return configured


@contextlib.contextmanager
def locked_target(name: str, *, local: bool, only_if_running: bool = False) -> Iterator[ConfiguredTarget]:
    """The environment to change, locked in this clone. An interrupt stops an embedded AWS that was started for it."""
    from portside.aws import target
    from portside.deploy.clone_lock import clone_lock

    configuration = read_configuration(local=local, acting_on=[name])
    environment = configuration.environment(name)
    if not local:
        with clone_lock(environment.name):
            yield ConfiguredTarget(target.aws_target(environment), configuration)
        return
    from portside.emulator.client import process

    was_running = process.running(target.local_state_dir()) is not None
    try:
        with clone_lock(f"{environment.name}-local"):
            found = target.local_target(environment) if only_if_running else _rehearsed(configuration, name)
            yield ConfiguredTarget(found, configuration)
    except KeyboardInterrupt:
        if not was_running:
            process.down(target.local_state_dir(), lambda _: None)
        raise


class ReachableTargets:
    """Targets of several environments, some of which may refuse, by environment."""

    def __init__(self, configuration: Configuration, *, local: bool) -> None:
        self._configuration, self._local = configuration, local
        self._refusals: list[UserError] = []
        self._has_reached = False

    def __call__(self, name: str) -> Target:
        """The target of an environment. Raises `UserError`."""
        from portside.aws import target

        reach = target.local_target if self._local else target.aws_target
        try:
            found = reach(self._configuration.environment(name))
        except UserError as error:
            self._refusals.append(error)
            raise
        self._has_reached = True
        return found

    def error_json(self) -> dict[str, Any]:
        """The error for the JSON answer if every environment refused."""
        return {"error": self._refusals[0].as_error()} if self._refusals and not self._has_reached else {}

    def expect_one(self) -> None:
        """Raise the first refusal, as a command about one environment would, if every environment refused."""
        if self._refusals and not self._has_reached:
            raise self._refusals[0]


def _rehearsed(configuration: Configuration, name: str) -> Target:
    from portside.plan.images import locked_images
    from portside.rehearsal.prepare import images_of, prepare

    environment, services = configuration.environment(name), configuration.services_of(name)
    lock = locked_images(environment, configuration, local=True)
    return prepare(environment, services, images_of(services, lock))
