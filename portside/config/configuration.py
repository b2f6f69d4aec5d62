"""The whole configuration, `app.py`, read and checked once."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from portside import redact
from portside.config.app_source import guarded, run_source, stopped_by
from portside.config.entry import collecting_all, collecting_invalid, problems_of, report_of
from portside.config.environment import Environment
from portside.config.environments import parse_environments
from portside.config.identity import APP_HINT, Identity, parse_identity
from portside.config.image_reference import is_moving_tag
from portside.config.mistakes import Report, closest, kind_of, quoted, suggestion
from portside.config.own_stacks import StacksFunction, find_function, read_own_stacks
from portside.config.release_source import ReleaseSource, check_version, parse_releases
from portside.config.service_neighbours import (
    check_addresses,
    check_database,
    check_host_names,
    check_neighbours,
    check_released,
)
from portside.config.service_props import ServiceProps
from portside.config.source_file import unfilled
from portside.errors import ConfigurationError, Problem, UsageError
from portside.extension import installed
from portside.program import PROGRAM, STATE_FOLDER, STATE_FOLDER_VARIABLE
from portside.repository import PACKAGE_FOLDER, ROOT, is_repository

__all__ = ["ROOT", "Configuration", "Services", "check_configuration", "load_configuration", "state_dir"]

APP_FOLDER = ROOT
"""The folder of `app.py` and its `releases/`."""


def state_dir() -> Path:
    """The folder, ignored by git, for the state of a clone."""
    return Path(os.environ.get(STATE_FOLDER_VARIABLE) or ROOT / STATE_FOLDER)


Services = Callable[[Environment], Sequence[ServiceProps]]

_GOT = ", got "
_SERVICES_HINT = 'Write "def services(environment: Environment) -> list[ServiceProps]:".'


@dataclass(frozen=True)
class Configuration:
    """The environments and the services of each."""

    identity: Identity
    environments: Mapping[str, Environment]
    services: Mapping[str, tuple[ServiceProps, ...]]
    releases: ReleaseSource | None = None
    warnings: tuple[Problem, ...] = ()
    """The problems that keep environments from running releases, if the command doesn't act on them."""
    stacks: StacksFunction | None = field(default=None, compare=False)
    """The function that creates the team's own stacks."""

    def environment(self, name: str) -> Environment:
        """The environment of a name. Raises `UsageError` with the most similar name."""
        if name not in self.environments:
            raise UsageError(f"no environment {quoted(name)} in app.py", suggestion(name, list(self.environments)))
        return self.environments[name]

    def services_of(self, name: str) -> tuple[ServiceProps, ...]:
        """The services of an environment, in the order of the configuration."""
        return self.services[self.environment(name).name]

    def extend_redactor(self, redactor: redact.Redactor) -> redact.Redactor:
        """The redactor with the variables, JSON fields and names of the services' secrets added."""
        services = [service for props in self.services.values() for service in props]
        secrets = [each for service in services for each in service.container_secrets]
        names = {name for each in secrets for name in (each.environment_key, each.json_field) if name}
        return redactor.knowing(names, {name for service in services for name, _ in service.read_secrets})

    def of_environments(self) -> Iterator[tuple[Environment, tuple[ServiceProps, ...]]]:
        """Each environment with its services."""
        return ((each, self.services[name]) for name, each in self.environments.items())

    @property
    def first(self) -> str:
        """The default environment: the first for development, if there is one."""
        developed = [name for name in self.environments if name not in self.released]
        return next(iter([*developed, *self.environments]))

    @property
    def released(self) -> tuple[str, ...]:
        """The environments that only run releases, in the order of the configuration."""
        return tuple(name for name, environment in self.environments.items() if environment.is_released)


def load_configuration(
    path: Path | None = None,
    *,
    versions: Mapping[str, str] | None = None,
    root: Path | None = None,
    acting_on: Collection[str] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Configuration:
    """Read and check the configuration, `app.py` by default. Raises `ConfigurationError` with every mistake in it.

    `versions` replace the GHCR_PACKAGE_VERSION of environments, and `settings` any of their values. Folders in the
    configuration are relative to `root`, which defaults to the folder of the configuration. `acting_on` are the
    environments that may be changed, by default all: in others an image that can't be released is only a warning. With
    `root` it is the configuration of another commit, whose own stacks are not read.
    """
    if path is None:
        _expect_repository()
    path = path or APP_FOLDER / "app.py"
    with collecting_invalid() as wrong:
        try:
            source = run_source(path)
        except ConfigurationError as error:
            raise ConfigurationError([*problems_of(wrong), *error.problems]) from error.__cause__
    written = _with_app(source.names)
    missing = [_missing(name, written, path) for name in ("APP", "ENVIRONMENTS", "services") if name not in written]
    if missing:
        raise ConfigurationError([*source.problems, *problems_of(wrong), *missing])
    changes = {name: {"GHCR_PACKAGE_VERSION": version} for name, version in (versions or {}).items()}
    environments = _with_settings(written["ENVIRONMENTS"], {**changes, **(settings or {})})
    before = _Before(source.problems, wrong, path, None if root else path)
    configuration = _check({**written, "ENVIRONMENTS": environments}, before, root or path.parent, acting_on)
    # From now on, values of this app's secrets are hidden in all output.
    redact.install(configuration.extend_redactor(redact.current()))
    return configuration


def _expect_repository() -> None:
    """Raise `UsageError` if an installed tool runs outside the repository of an app."""
    if APP_FOLDER == ROOT and ROOT != PACKAGE_FOLDER and not is_repository(ROOT):
        raise UsageError(
            f"no app.py and cdk.json in {ROOT} or in a folder above it",
            f"Change to the folder of an app's repository, or write a new one: {PROGRAM} new DIR",
        )


def _with_app(written: Mapping[str, object]) -> Mapping[str, object]:
    """The names with APP, from the extension if they lack it; not if a text has a similar name: it is misspelt."""
    texts = [name.lower() for name, value in written.items() if isinstance(value, str)]
    if "APP" in written or not installed().app or get_close_matches("app", texts, cutoff=0.8):
        return written
    return {**written, "APP": installed().app}


def check_configuration(
    written: Mapping[str, object], root: Path = ROOT, acting_on: Collection[str] | None = None
) -> Configuration:
    """Check what `app.py` defines: APP, ENVIRONMENTS, services. Raises `ConfigurationError` with every mistake."""
    return _check(written, _Before(), root, acting_on)


def load_without_services(path: Path) -> Configuration:
    """The configuration with its environments and the function `stacks`. Raises `ConfigurationError`."""
    written, report = _with_app(run_source(path).names), Report("ENVIRONMENTS")
    identity, sound = _identity_and_environments(written, report, lambda _: Report("ignored"))
    stacks = find_function(written, path, Report("stacks", report.problems))
    if report.problems or identity is None:
        raise ConfigurationError(report.problems)
    return Configuration(identity, sound, dict.fromkeys(sound, ()), stacks=stacks)


def _with_settings(environments: object, changes: Mapping[str, Mapping[str, Any]]) -> object:
    if not isinstance(environments, Mapping):
        return environments
    return {
        name: {**written, **changes[name]} if name in changes and isinstance(written, Mapping) else written
        for name, written in environments.items()
    }


def _missing(name: str, written: Mapping[str, object], path: Path) -> Problem:
    candidates = [each for each, value in written.items() if not isinstance(value, type | ModuleType)]
    similar = closest(name, candidates, similarity=0.8)
    addition = APP_HINT if name == "APP" else f"Add {name}, as shown in the README."
    hint = f'Did you mean "{similar}"?' if similar else addition
    return Problem(path.name, f"{name} is missing", hint)


@dataclass(frozen=True)
class _Before:
    """The file of a configuration, and the problems in its text and entries that precede the check of the whole.

    Own stacks are read of the file in `described`; without one they are unknown.
    """

    in_text: Sequence[Problem] = ()
    entries: Sequence[object] = ()
    path: Path = APP_FOLDER / "app.py"
    described: Path | None = None


def _identity_and_environments(
    names: Mapping[str, object], report: Report, released: Callable[[str], Report]
) -> tuple[Identity | None, dict[str, Environment]]:
    identity = parse_identity(
        names["APP"], names.get("STACK_PREFIX"), Report("APP", report.problems), Report("STACK_PREFIX", report.problems)
    )
    known = identity or Identity("app", "app-{environment}")
    return identity, parse_environments(names["ENVIRONMENTS"], known, report, released)


def _with_own_stacks(
    environments: Mapping[str, Environment], app: str, described: Path | None, report: Report
) -> dict[str, Environment]:
    """The environments with their own stacks; None where they are unknown."""
    try:
        own = read_own_stacks(described, app, state_dir()) if described and not report.problems else {}
    except ConfigurationError as error:
        own = {}
        report.problems.extend(error.problems)
    return {name: replace(each, own_stacks=own.get(name)) for name, each in environments.items()}


def _check(
    names: Mapping[str, object], before: _Before, root: Path, acting_on: Collection[str] | None = None
) -> Configuration:
    report, warnings = Report("ENVIRONMENTS"), Report("ENVIRONMENTS")

    def released(name: str) -> Report:
        return report if acting_on is None or name in acting_on else warnings

    identity, sound = _identity_and_environments(names, report, released)
    stacks = find_function(names, before.path, Report("stacks", report.problems))
    if stacks:
        sound = _with_own_stacks(sound, identity.app if identity else "", before.described, report)
    services = names["services"]
    written: dict[str, tuple[ServiceProps, ...]] = {}
    found: dict[str, list[Problem]] = {}
    causes: list[BaseException] = []
    if _is_services_function(services, Report("services", report.problems)):
        for name, environment in sound.items():
            place = Report("services(…)")
            written[name], omitted = _create_services(environment, cast(Services, services), place, causes)
            if written[name]:
                ends = {each.container_name: end for each in written[name] if (end := getattr(each, "stack", None))}
                environment = sound[name] = replace(environment, service_stacks=ends)
                check_neighbours(environment, written[name], root, place, omitted)
                # A version that moves is reported already, and the services' images with it.
                if not is_moving_tag(environment.ghcr_package_version):
                    check_released(environment, written[name], place if released(name) is report else warnings)
                others = [other for other in sound.values() if other is not environment]
                check_host_names(environment, others, written[name], place)
                check_addresses(environment, written[name], report.at(f'[{quoted(name)}]["VPC_CIDR"]'))
                check_database(environment, written[name], report.at(f"[{quoted(name)}]"))
            found[name] = place.problems
    source = parse_releases(names.get("RELEASES"), Report("RELEASES", report.problems))
    if source:
        for name, environment in sound.items():
            check_version(environment.ghcr_package_version, report.at(f'[{quoted(name)}]["GHCR_PACKAGE_VERSION"]'))
    wrong = [*report.problems, *without_duplicates(found, "services"), *problems_of(before.entries)]
    # A field that allows no braces also rejects a text without its f prefix.
    left = [text for text in map(unfilled, before.in_text) if text]
    wrong = [each for each in wrong if not any(text in each.what.partition(_GOT)[2] for text in left)]
    problems = dict.fromkeys([*before.in_text, *wrong])
    if problems:
        raise ConfigurationError(problems) from (causes[0] if causes else None)
    assert identity is not None  # its mistake is among the problems
    return Configuration(identity, sound, written, source, tuple(warnings.problems), stacks)


def _is_services_function(services: object, report: Report) -> bool:
    if not callable(services):
        report.wrong(f"not a function, got {kind_of(services)}", _SERVICES_HINT)
        return False
    try:
        inspect.signature(services).bind("an environment")
    except (TypeError, ValueError):
        report.wrong("does not take one environment", _SERVICES_HINT)
        return False
    return True


def _create_services(
    environment: Environment, services: Services, report: Report, causes: list[BaseException]
) -> tuple[tuple[ServiceProps, ...], list[ServiceProps]]:
    """The services of an environment, and those that were created and not returned.

    Both are empty if the code stopped with an error.
    """
    listed: tuple[ServiceProps, ...] = ()
    with collecting_invalid() as wrong, collecting_all() as made:
        try:
            with guarded():
                listed = _listed(services(environment), report)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            causes.append(error)
            # An invalid entry doesn't have its invalid fields: that is not another mistake.
            if report_of(getattr(error, "obj", None)) is None:
                report.problems.append(stopped_by(error, "app.py"))
    for problem in problems_of([*wrong, *(props for props in listed if report_of(props))]):
        if problem not in report.problems:
            report.problems.append(problem)
    returned = {id(props) for props in listed}
    return listed, [each for each in made if isinstance(each, ServiceProps) and id(each) not in returned]


def _listed(returned: object, report: Report) -> tuple[ServiceProps, ...]:
    hint = "Return a list: [ServiceProps(…), …]."
    if not isinstance(returned, list | tuple):
        report.wrong(f"returns {kind_of(returned)}, not a list of ServiceProps", hint)
        return ()
    if not returned:
        report.wrong("returns an empty list", hint)
    listed: list[ServiceProps] = []
    for index, props in enumerate(returned):
        place = report.at(f"[{index}]")
        within = props if isinstance(props, list | tuple) else ()
        if isinstance(props, ServiceProps):
            listed.append(props)
        elif within and all(isinstance(each, ServiceProps) for each in within):
            listed += within
            if isinstance(props, tuple) and len(props) == 1:
                description, fix = (
                    "a tuple, as a comma after ServiceProps(…) makes one",
                    "Remove the comma after its last ).",
                )
            else:
                description = f"{kind_of(props)} inside the list"
                fix = "Put a * before its name, or join the lists with +."
            place.wrong(description, fix)
        else:
            place.wrong(f"not a ServiceProps, got {kind_of(props)}", "Write ServiceProps(…).")
    return tuple(listed)


def without_duplicates(found: Mapping[str, Sequence[Problem]], function: str) -> Iterator[Problem]:
    """The problems in what a function returns for all environments, once, and those for some, with their names.

    Problems are the same if they only differ in the value, such as the tag of an image.
    """
    first: dict[tuple[str, str, str], Problem] = {}
    names: dict[tuple[str, str, str], list[str]] = {}
    for name, problems in found.items():
        for problem in problems:
            mistake = (problem.where, problem.what.partition(_GOT)[0], problem.hint)
            first.setdefault(mistake, problem)
            names[mistake] = list(dict.fromkeys([*names.get(mistake, []), name]))
    for mistake, problem in first.items():
        if len(names[mistake]) == len(found):
            yield problem
            continue
        calls = ", ".join(f"{function}({quoted(name)})" for name in names[mistake])
        where = problem.where.replace(f"{function}(…)", calls)
        yield replace(problem, where=where if calls in where else f"{where} in {calls}")
