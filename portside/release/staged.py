"""The release that a staging environment runs: what its record and its tasks say, or else its site's footer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from portside.aws.reader import Reader
from portside.aws.target import Target
from portside.commands import tool
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.image_reference import parse_reference
from portside.config.kind import Kind
from portside.config.service_props import ServiceProps
from portside.errors import UsageError, UserError
from portside.json_fields import JsonFields
from portside.records.deployment_record import DeploymentRecord, last_healthy
from portside.release.verify import read_page, versions_in
from portside.release.version_tags import Version, parse_version

_FOOTER = re.compile(r"([0-9]+\.[0-9]+\.[0-9]+)-(?:sha-)?([0-9a-f]{7,40})")


@dataclass(frozen=True)
class Staged(JsonFields):
    """A release of a staging environment: its version, its commit if known, and the source.

    A footer shows the version without its candidate: there the commit decides which candidate it is.
    """

    environment: str
    version: Version
    commit: str | None
    source: str
    is_footer: bool = False


def staging_environment(configuration: Configuration, name: str | None = None) -> Environment:
    """The environment whose release is finished: the named one, or production's `proved_by`.

    Raises `UsageError` if no environment, or several, prove releases.
    """
    if name is not None:
        chosen = configuration.environment(name)
        if chosen.kind is not Kind.STAGING:
            raise UsageError(
                f"{name} is a {chosen.kind} environment", "Name a staging one, whose runs prove a release."
            )
        return chosen
    proving = [each.proved_by for each in configuration.environments.values() if each.proved_by]
    staging = [each.name for each in configuration.environments.values() if each.kind is Kind.STAGING]
    names = list(dict.fromkeys(proving)) or staging
    if not names:
        raise UsageError("app.py has no staging environment whose release could be finished", "Add it to ENVIRONMENTS.")
    if len(names) > 1:
        raise UsageError(
            f"several environments prove releases: {', '.join(names)}",
            f"Name one: --stage {names[0]}",
        )
    return configuration.environments[names[0]]


def read_staged(
    target: Target, services: Sequence[ServiceProps], records: Sequence[DeploymentRecord], version: str | None = None
) -> Staged:
    """The release of the last healthy record, which must match the running tasks; or an earlier one.

    A `version` that another healthy record has was proven too. Raises `UserError` where nothing says what runs, or
    where record and tasks differ.
    """
    name = target.environment.name
    record = last_healthy(records)
    if record is None:
        raise UserError(
            f"{name} has no recorded healthy deployment, so there is no release to finish",
            f"Bring a candidate there first: {tool('release', 'promote', name)}",
        )
    if version is not None and not _is(record, version):
        earlier = next(
            (each for each in records if each.is_healthy and not each.synthetic and _is(each, version)), None
        )
        if earlier is not None:
            now = f"{name} runs {record.images.version} now"
            return _staged(name, earlier, f"proven by {name}'s deployment {earlier.number} of {_when(earlier)}; {now}")
    _check_tasks(target, services, record)
    return _staged(
        name, record, f"{name} runs it by deployment {record.number} of {_when(record)}, and so say its tasks"
    )


def read_footer(environment: Environment, why: str) -> Staged:
    """The release that the environment's site shows, as a fallback; `why` names what was missing.

    Raises `UserError` where it shows no release, or several.
    """
    if not environment.url:
        raise UserError(f"{why}, and {environment.name} has no FQDN whose footer shows it", "Add FQDN in app.py.")
    site = f"{environment.url}/"
    where = f"{why}, so the footer of {site} was read instead"
    try:
        shown = versions_in(read_page(site))
    except UserError as error:
        hint = f"Set AWS_PROFILE to a profile of account {environment.account}, or look whether the site is up."
        raise UserError(f"{why}, and the footer of {site} cannot be read either: {error.message}", hint) from None
    found = [match for each in shown if (match := _FOOTER.fullmatch(each))]
    if len(found) != 1:
        said = f"shows {', '.join(shown)}" if shown else "shows no version"
        hint = f"Set AWS_PROFILE to a profile of account {environment.account}, to read what runs there."
        raise UserError(f"{where}: it {said}, instead of one release with its commit", hint)
    version = parse_version(found[0][1])
    assert version is not None
    return Staged(environment.name, version, found[0][2], f"{where}: it shows {found[0][0]}", is_footer=True)


def _is(record: DeploymentRecord, text: str) -> bool:
    there, requested = parse_version(record.images.version), parse_version(text)
    return there is not None and requested is not None and requested in (there, there.release)


def _staged(name: str, record: DeploymentRecord, source: str) -> Staged:
    version = parse_version(record.images.version)
    if version is None:
        raise UsageError(
            f"{name} runs {record.images.version}, which is no release",
            f"Bring a release candidate there first: {tool('release', 'pin', 'VERSION')}, then "
            f"{tool('release', 'promote', name)}",
        )
    return Staged(name, version, record.images.commit, source)


def _when(record: DeploymentRecord) -> str:
    return f"{record.began[:16].replace('T', ' ')} UTC"


def _check_tasks(target: Target, services: Sequence[ServiceProps], record: DeploymentRecord) -> None:
    look = Reader(target.clients, target.environment, services).look().whole()
    digests = {each.name: each.digests for each in look.services}
    recorded = {image.name: image for image in record.images.images.values()}
    differing = []
    for props in services:
        reference = parse_reference(props.container_location)
        image = recorded.get(reference.name) if reference else None
        if image is None:
            continue
        service = props.container_name
        running = digests[service]
        others = sorted(set(running) - image.digests)
        if others:
            differing.append(f"{service}: tasks run {', '.join(others)}, the record has {image.tag} {image.digest}")
        elif not running:
            differing.append(f"{service}: no task runs, the record has {image.tag} {image.digest}")
    if differing:
        name = target.environment.name
        raise UserError(
            "\n  ".join([f"{name}'s record (deployment {record.number}) and its tasks differ:", *differing]),
            f"Wait for a deployment that runs, or deploy it: {target.commands.tool('deploy')}",
        )
