"""Images that run in production without a record or a proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from portside.aws.model import Task
from portside.aws.reader import Look
from portside.config.environment import Environment
from portside.records.deployment_record import DeploymentRecord

_ADDED_BY_AWS = ("ecs-service-connect-", "aws-guardduty-agent-")


def digests_of(tasks: Iterable[Task], container: str) -> tuple[str, ...]:
    """The digests of a container's image in running tasks, each once, and of all others that AWS has not added."""
    found = (
        each.digest or "unknown"
        for task in tasks
        if task.is_running
        for each in task.containers
        if each.name == container or not each.name.startswith(_ADDED_BY_AWS)
    )
    return tuple(dict.fromkeys(found))


def running_in(look: Look) -> dict[str, Sequence[str]]:
    """By service, the digests of its tasks' images. Services that are not deployed are omitted.

    Services that app.py does not name (any longer) are listed by the names of their containers. One-off
    tasks belong to no service.
    """
    found: dict[str, Sequence[str]] = {
        each.name: digests_of(each.tasks, each.name) for each in look.services if each.status
    }
    for task in look.other_tasks:
        for container in task.containers if task.is_running else ():
            if not container.name.startswith(_ADDED_BY_AWS):
                digest = container.digest or "unknown"
                found[container.name] = tuple(dict.fromkeys([*found.get(container.name, ()), digest]))
    return found


def unaccounted(
    environment: Environment, running: Mapping[str, Sequence[str]], records: Sequence[DeploymentRecord]
) -> tuple[str, ...]:
    """Sentences about images in production without a record or a proof. `records` are the latest first."""
    if not environment.is_production:
        return ()
    return tuple(sentence for service, digests in running.items() for sentence in _of(service, digests, records))


def _of(service: str, digests: Sequence[str], records: Sequence[DeploymentRecord]) -> Iterator[str]:
    for digest in digests:
        record = next((each for each in records if each.is_healthy and _has(each, service, digest)), None)
        if record is None:
            yield f"{service} runs {digest} without a record: no deployment of this environment ran it healthy"
        elif record.unproven:
            yield f"{service} runs {digest} without a proof: {record.who} took responsibility, {record.unproven}"
        elif record.ran is not None and not record.proof:
            yield f"{service} runs {digest} without a proof: deployment {record.number} recorded none"


def _has(record: DeploymentRecord, service: str, digest: str) -> bool:
    """A record of format 1 names images only, and was written after the proof was checked."""
    if record.ran is None:
        return any(digest in image.digests for image in record.images.images.values())
    found = record.image_of(service)
    return found is not None and digest in found[0].digests
