"""Images that run in production although no record says that they may."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    found = (
        _digest(each)
        for task in tasks
        if _runs(task)
        for each in task.get("containers", ())
        if each["name"] == container or not each["name"].startswith(_ADDED_BY_AWS)
    )
    return tuple(dict.fromkeys(found))


def _runs(task: Mapping[str, Any]) -> bool:
    return task["lastStatus"] == "RUNNING" and task.get("desiredStatus") != "STOPPED"


def _digest(container: Mapping[str, Any]) -> str:
    return str(container.get("imageDigest") or str(container.get("image", "")).partition("@")[2] or "unknown")


def with_others(
    running: Mapping[str, Sequence[str]], tasks: Iterable[Mapping[str, Any]], known: Collection[str]
) -> dict[str, Sequence[str]]:
    """Add, by the name of its container, what services run that are none of the `known` ones (names in ECS).

    Those are services that app.py no longer names, or that were made by hand. Tasks that run once belong to none.
    """
    found = dict(running)
    for task in tasks:
        kind, _, service = str(task.get("group", "")).partition(":")
        if kind != "service" or service in known or not _runs(task):
            continue
        for container in task.get("containers", ()):
            name = container["name"]
            if not name.startswith(_ADDED_BY_AWS):
                found[name] = tuple(dict.fromkeys([*found.get(name, ()), _digest(container)]))
    return found


def read_running(
    clients: Clients, environment: Environment, services: Sequence[ServiceProps]
) -> dict[str, Sequence[str]]:
    """By service, the digests of what its tasks run; services of its cluster that app.py does not name count too.

    One that is not deployed is left out.
    """
    cloudformation = clients("cloudformation")
    arns = {
        props.container_name: service_arn(cloudformation, service_stack(environment, props.container_name).name)
        for props in services
    }
    deployed = {name: arn for name, arn in arns.items() if arn is not None}
    clusters = sorted(set(map(cluster_of, deployed.values())))
    tasks = [task for cluster in clusters for task in read_tasks(clients("ecs"), cluster)]
    names = {name: arn.rpartition("/")[2] for name, arn in deployed.items()}
    found = {
        name: digests_of((task for task in tasks if task.get("group") == f"service:{ecs_name}"), name)
        for name, ecs_name in names.items()
    }
    return with_others(found, tasks, names.values())


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
