"""Whether a recorded deployment proves an image: it ran that image healthy as the same service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from portside.aws.health import NO_TASK, PROVING
from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.images.service_images import ServiceImage
from portside.records.deployment_record import DeploymentRecord, place_of
from portside.records.origin import Origin

_MOST_FILES_NAMED = 5


@dataclass(frozen=True)
class Place:
    """Where records are from, and whether that is a rehearsal, in which less is asked of them."""

    name: str
    is_rehearsal: bool

    @classmethod
    def of(cls, target: Target) -> Place:
        """The place of an environment that can be reached."""
        return cls(place_of(target.environment, is_local=target.is_local), target.is_local)


@dataclass(frozen=True)
class Search:
    """The record that proves all images, or the differences and their services."""

    record: DeploymentRecord | None
    differences: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def find_record(
    environment: str, records: Sequence[DeploymentRecord], requested: Sequence[ServiceImage], place: Place
) -> Search:
    """Find the latest deployment that ran exactly these images healthy.

    Images that a later rollback took out of service are not proven by earlier deployments.
    """
    taken_out: set[str] = set()
    counting: list[tuple[DeploymentRecord, list[tuple[str, str]]]] = []
    refused: list[str] = []
    for record in records:
        why = proves_nothing(record, place)
        if why is None:
            differences = list(_differences(record, requested, taken_out))
            if not differences:
                return Search(record)
            counting.append((record, differences))
        elif record.is_healthy:
            refused.append(f"{environment}'s deployment {named(record)} proves nothing: {why}")
        if not record.synthetic or place.is_rehearsal:
            taken_out.update(record.instead_of)
    if not counting:
        none = f"{environment} has no recorded healthy deployment that counts"
        return Search(None, (none, *refused[:1]), tuple(each.service for each in requested))
    versions = {each.tag for each in requested}
    of_version = [each for each in counting if each[0].images.version in versions]
    services, sentences = zip(*(of_version or counting)[0][1], strict=True)
    return Search(None, (*sentences, *refused[:1]), services)


def proves_nothing(record: DeploymentRecord, place: Place) -> str | None:
    """Why a record is no proof; None if it is one. A rehearsal can be of uncommitted changes."""
    if not record.is_healthy:
        return f"it is {record.result}"
    if record.synthetic and not place.is_rehearsal:
        return "it is simulated (synthetic)"
    if record.ran is None:
        return "it was recorded by an earlier version, which did not read what ran; deploy it again"
    if record.place != place.name:
        return f"it is of {record.place or 'an unknown place'}, not of {place.name}"
    if record.has_changes and not place.is_rehearsal:
        return "it was made from uncommitted changes" if record.commit else "nothing says from which commit"
    return None


def proves_for(configuration: Configuration, environment: Environment) -> tuple[str, ...]:
    """The environments whose images an environment's deployments prove."""
    return tuple(each.name for each in configuration.environments.values() if each.proved_by == environment.name)


def no_proof_to_come(configuration: Configuration, target: Target, origin: Origin) -> str:
    """A sentence for a deployment or task whose record will prove nothing because of its files; empty where it can."""
    proven = proves_for(configuration, target.environment)
    if target.is_local or not proven or (origin.commit and not origin.changes):
        return ""
    if origin.commit is None:
        why = "git can't say from which commit it is made"
    else:
        shown = ", ".join(origin.changes[:_MOST_FILES_NAMED])
        more = len(origin.changes) - _MOST_FILES_NAMED
        why = f"these files are not committed: {shown}{f' and {more} more' if more > 0 else ''}"
    return f"This will prove nothing for {' and '.join(proven)}: {why}."


def is_adopted(service: str, own: Sequence[DeploymentRecord]) -> bool:
    """Whether a service was deployed before this tool: no record names it. Records of format 1 name no services."""
    return all(record.ran is not None and service not in record.ran for record in own if not record.synthetic)


def ran_healthy(record: DeploymentRecord, requested: ServiceImage) -> bool:
    """Whether a deployment ran this image healthy as this service."""
    if record.ran is None:
        same = (image for image in record.images.images.values() if image.name == requested.name)
        return bool(requested.digest) and any(image.digest == requested.digest for image in same)
    found = record.image_of(requested.service)
    if found is None or not requested.digest:
        return False
    image, health = found
    return (image.name, image.digest) == (requested.name, requested.digest) and health in PROVING


def own_record_of(requested: ServiceImage, own: Sequence[DeploymentRecord], place: Place) -> DeploymentRecord | None:
    """The environment's own deployment that ran an image healthy.

    A record of format 1 counts too: that version compared the digests of all running tasks.
    """
    for record in own:
        if record.ran is None:
            counts = record.is_healthy and not record.has_changes and (place.is_rehearsal or not record.synthetic)
        else:
            # The proof of its images does not depend on the files of its templates.
            proven = replace(record, commit=(record.commit or "unknown").partition("+")[0]) if record.proof else record
            counts = proves_nothing(proven, place) is None
        if counts and ran_healthy(record, requested):
            return record
    return None


def _differences(
    record: DeploymentRecord, requested: Sequence[ServiceImage], taken_out: set[str]
) -> Iterator[tuple[str, str]]:
    """Each service whose image a deployment does not prove, and why."""
    for each in requested:
        found = record.image_of(each.service)
        if not each.digest:
            yield each.service, f"{each.service}: {each.name} is no image of a registry by its digest"
        elif found is None:
            yield each.service, f"{each.service}: was not deployed with {record.images.version}"
        elif found[0].name != each.name:
            yield each.service, f"{each.service}: ran as {found[0].name}, expected is {each.name}"
        elif found[0].digest != each.digest:
            yield (
                each.service,
                f"{each.name}: ran as {found[0].tag} {found[0].digest}, expected is {each.tag} {each.digest}",
            )
        elif found[1] == NO_TASK:
            scale = f"have at least one there (desired count), and deploy {record.images.version} there again"
            yield each.service, f"{each.service}: {NO_TASK} in deployment {record.number}; {scale}"
        elif found[1] not in PROVING:
            yield each.service, f"{each.service}: {found[1]} in deployment {record.number}"
        elif each.digest in taken_out:
            yield each.service, f"{each.service}: {each.tag} was taken out of service by a later rollback"


def named(record: DeploymentRecord) -> str:
    """A deployment by its number and date in the history."""
    simulated = " (simulated)" if record.synthetic else ""
    return f"{record.number} of {record.began[:16].replace('T', ' ')} UTC{simulated}"
