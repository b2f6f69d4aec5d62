"""Images that run in production although no record says that they may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from operations.deployed_service import read_tasks
from operations.deployment_record import DeploymentRecord
from operations.service_states import cluster_of, service_arn
from operations.target import Clients
from portside.config.stacks import service_stack
from src.environment import Environment
from src.service_props import ServiceProps

_ADDED_BY_AWS = ("ecs-service-connect-", "aws-guardduty-agent-")


def digests_of(tasks: Iterable[Mapping[str, Any]], container: str) -> tuple[str, ...]:
    """The digests of a container's image in tasks that run, each once, and of all others that AWS has not added."""
    running = (task for task in tasks if task["lastStatus"] == "RUNNING" and task.get("desiredStatus") != "STOPPED")
    found = (
        _digest(each)
        for task in running
        for each in task.get("containers", ())
        if each["name"] == container or not each["name"].startswith(_ADDED_BY_AWS)
    )
    return tuple(dict.fromkeys(found))


def _digest(container: Mapping[str, Any]) -> str:
    return str(container.get("imageDigest") or str(container.get("image", "")).partition("@")[2] or "unknown")


def read_running(
    clients: Clients, environment: Environment, services: Sequence[ServiceProps]
) -> dict[str, Sequence[str]]:
    """By service, the digests of what its tasks run. One that is not deployed is left out."""
    cloudformation = clients("cloudformation")
    found: dict[str, Sequence[str]] = {}
    for props in services:
        name = props.container_name
        arn = service_arn(cloudformation, service_stack(environment, name).name)
        if arn is not None:
            tasks = read_tasks(clients("ecs"), cluster_of(arn), service=arn.rpartition("/")[2])
            found[name] = digests_of(tasks, name)
    return found


def unaccounted(
    environment: Environment, running: Mapping[str, Sequence[str]], records: Sequence[DeploymentRecord]
) -> tuple[str, ...]:
    """What runs in production without a record or a proof, in sentences. `records` are the latest first."""
    if not environment.is_production:
        return ()
    return tuple(sentence for service, digests in running.items() for sentence in _of(service, digests, records))


def _of(service: str, digests: Sequence[str], records: Sequence[DeploymentRecord]) -> Iterator[str]:
    for digest in digests:
        record = next((each for each in records if each.is_healthy and _has(each, service, digest)), None)
        if record is None:
            yield f"{service} runs {digest} without a record: no deployment of this environment ran it well"
        elif record.unproven:
            yield f"{service} runs {digest} without a proof: {record.who} answered for it, {record.unproven}"
        elif record.ran is not None and not record.proof:
            yield f"{service} runs {digest} without a proof: deployment {record.number} has none on record"


def _has(record: DeploymentRecord, service: str, digest: str) -> bool:
    """One of an earlier version names images only, and was made after the proof had been asked for."""
    if record.ran is None:
        return any(digest in image.digests for image in record.images.images.values())
    found = record.image_of(service)
    return found is not None and digest in found[0].digests
