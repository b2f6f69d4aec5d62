"""Pulling the image of a container."""

from __future__ import annotations

from typing import Any

from portside.config.image_reference import parse_reference
from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.stopping import TaskStopped
from portside.emulator.ministack_modules import ecs
from portside.images.resolved_image import PLATFORM

REGISTRY_ADDRESS = "140.82.112.34"


def pull(launch: Launch, container: dict[str, Any], platform: Platform) -> str:
    """The image's digest. A service's deployment keeps the digest that its first task found, as ECS does."""
    service = launch.service
    deployment = ecs._deployment_for_task(service, launch.task) if service else None
    found = platform.catalogue.find(container["image"])
    if problem := _problem(launch, container):
        raise _cannot_pull(container, problem)
    if not found:
        raise _cannot_pull(container, _not_found(_full_reference(container["image"])))
    pinned = {} if deployment is None else deployment.setdefault("_image_digests", {})
    named = parse_reference(container["image"])
    pulled = named.digest if named and named.digest else found.digest
    digest = str(pinned.setdefault(container["name"], pulled))
    for each in launch.task["containers"]:
        if each["name"] == container["name"]:
            each["imageDigest"] = digest
    return digest


def _problem(launch: Launch, container: dict[str, Any]) -> str | None:
    """What the container's fault lets the registry answer, in Fargate's words.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """
    reference = _full_reference(container["image"])
    parsed = parse_reference(reference)
    host, _, name = (parsed.name if parsed else reference).partition("/")
    wanted = (parsed.digest or parsed.tag if parsed else None) or "latest"
    unresolved = f"failed to resolve ref {reference}"
    refused = f"{unresolved}: pulling from host {host} failed with status code [manifests {wanted}]"
    words = {
        "missing-image": _not_found(reference),
        "no-image-permission": f"pull image manifest has been retried 1 time(s): {refused}: 403 Forbidden",
        "wrong-platform": "pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor "
        f"matching platform '{PLATFORM}'",
        "slow-registry": f"pull image manifest has been retried 5 time(s): {unresolved}: failed to do request: Head "
        f'"https://{host}/v2/{name}/manifests/{wanted}": dial tcp {REGISTRY_ADDRESS}:443: i/o timeout',
        "registry-limit": f"pull image manifest has been retried 1 time(s): {refused}: 429 Too Many Requests - Server "
        "message: toomanyrequests: retry-after: 735.6\u00b5s, allowed: 44000/minute",
    }
    return next((text for fault, text in words.items() if launch.fault(container, fault)), None)


def _not_found(reference: str) -> str:
    return f"pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: {reference}: not found"


def _cannot_pull(container: dict[str, Any], problem: str) -> TaskStopped:
    return TaskStopped(f"CannotPullContainerError: {problem}", container=container["name"])


def _full_reference(image: str) -> str:
    parsed = parse_reference(image)
    if not parsed:
        return image
    host = parsed.name.split("/")[0]
    prefix = "" if "." in host or ":" in host else "docker.io/" + ("" if "/" in parsed.name else "library/")
    return prefix + image + ("" if parsed.tag or parsed.digest else ":latest")
