"""Rolling back to images that ran healthy, with today's templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.aws.deployed import DeployedImage
from portside.commands import tool
from portside.config.configuration import Configuration
from portside.config.image_reference import parse_reference
from portside.errors import UsageError, UserError
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.images.service_images import ServiceImage
from portside.images.synthesis_images import references_of
from portside.records.deployment_record import DeploymentRecord, last_healthy


@dataclass(frozen=True)
class RollbackPlan:
    """The deployment whose images are deployed again.

    `left_out` are services that it did not have: they keep their image, and `images` has today's for their templates,
    which are not deployed.
    """

    environment: str
    to: DeploymentRecord
    images: Resolution
    changes: tuple[tuple[str, DeployedImage | None, ResolvedImage], ...]
    left_out: tuple[str, ...]
    requested: tuple[ServiceImage, ...] = ()

    @property
    def instead_of(self) -> tuple[str, ...]:
        """The digests that are taken out of service."""
        requested = {image.digest for image in self.images.images.values()}
        return tuple(sorted({before.digest for _, before, _ in self.changes if before} - requested))

    @property
    def returning(self) -> tuple[ResolvedImage, ...]:
        """The images that are deployed again, each once."""
        return tuple(dict.fromkeys(image for _, _, image in self.changes))

    def as_json(self) -> dict[str, Any]:
        """The changes by service."""
        return {
            "environment": self.environment,
            "to": {"number": self.to.number, "version": self.to.images.version, "began": self.to.began},
            "changes": {
                service: {"from": before.digest if before else None, "to": after.digest}
                for service, before, after in self.changes
            },
            "kept": list(self.left_out),
            "left_out": list(self.left_out),
        }


def choose_record(
    environment: str, records: Sequence[DeploymentRecord], running: Mapping[str, DeployedImage], requested: str | None
) -> DeploymentRecord:
    """The latest healthy deployment of other images than the running ones, or of the `requested` version or number.

    Images that a later rollback took out of service come back only if they are `requested`. Raises `UserError` if no
    deployment matches.
    """
    healthy = [record for record in records if _ran_healthy(record)]
    if requested is not None:
        found = [record for record in healthy if requested in (record.images.version, str(record.number))]
        if not found:
            known = ", ".join(dict.fromkeys(f"{each.images.version} ({each.number})" for each in healthy[:8]))
            hint = f"Known are: {known}." if known else f"See: {tool('history', environment)}"
            raise UsageError(f"{environment} has no recorded healthy deployment of {requested!r}", hint)
        return found[0]
    taken_out: set[str] = set()
    for record in records:
        if _ran_healthy(record) and taken_out.isdisjoint(record.digests) and _has_others(record, running):
            return record
        taken_out.update(record.instead_of)
    raise UserError(
        f"{environment} has no earlier healthy deployment of other images in its history",
        f"Choose one of the history with --to: {tool('history', environment)}",
    )


def _ran_healthy(record: DeploymentRecord) -> bool:
    return record.is_healthy and not record.synthetic


def _has_others(record: DeploymentRecord, running: Mapping[str, DeployedImage]) -> bool:
    images = {image.name: image.digest for image in record.images.images.values()}
    return any(images.get(each.name, each.digest) != each.digest for each in running.values())


def plan_rollback(
    configuration: Configuration,
    environment: str,
    record: DeploymentRecord,
    running: Mapping[str, DeployedImage],
    today: Callable[[], Resolution],
) -> RollbackPlan:
    """The images of a deployment for the services of a configuration with its version.

    A service that the deployment did not have is excluded.
    """
    services = {props.container_name: props.container_location for props in configuration.services_of(environment)}
    published = references_of(configuration.services_of(environment))
    left_out = tuple(
        name
        for name, location in services.items()
        if location in published
        and (location not in record.images.images or (record.ran is not None and name not in record.ran))
    )
    by_name = {image.name: image for image in today().images.values()} if left_out else {}
    images: dict[str, ResolvedImage] = {}
    changes, requested = [], list[ServiceImage]()
    for name, location in services.items():
        parsed = parse_reference(location)
        image = record.images.images.get(location) or (by_name.get(parsed.name) if parsed else None)
        if image is None:
            continue
        images[location] = image
        if name in left_out:
            continue
        requested.append(ServiceImage(name, image.name, image.tag, image.digest))
        before = running.get(name)
        if before is None or before.digest != image.digest:
            changes.append((name, before, image))
    complete = Resolution(record.images.version, images, record.images.stand_in)
    return RollbackPlan(environment, record, complete, tuple(changes), left_out, tuple(requested))


def restored_images(records: Sequence[DeploymentRecord], images: Resolution) -> tuple[str, ...]:
    """The images among these that the last rollback took out of service, as `name:tag` without what comes before."""
    last = last_healthy(records)
    taken_out = last.instead_of if last else ()
    returning = (each for each in images.images.values() if each.digest in taken_out)
    return tuple(f"{each.name.rpartition('/')[2]}:{each.tag}" for each in returning)
