"""Pulling the image of a container."""

from __future__ import annotations

from typing import Any

from portside.emulator.fargate.launch import Launch
from portside.emulator.fargate.platform import Platform
from portside.emulator.fargate.stopping import TaskStopped
from portside.emulator.ministack_modules import ecs
from portside.emulator.registry.image_reference import parse_reference
from portside.emulator.registry.oci_image import PLATFORM

REGISTRY_ADDRESS = "140.82.112.34"
_ONE_RETRY = "pull image manifest has been retried 1 time(s)"


def pull(launch: Launch, container: dict[str, Any], platform: Platform) -> str:
    """The image's digest. All tasks of a service's deployment use the digest that its first task pulled, as in ECS."""
    service = launch.service
    deployment = ecs._deployment_for_task(service, launch.task) if service else None
    found = platform.catalogue.find(container["image"])
    if problem := _problem(launch, container, exists=found is not None):
        raise TaskStopped(f"CannotPullContainerError: {problem}", container=container["name"])
    assert found
    pinned = {} if deployment is None else deployment.setdefault("_image_digests", {})
    pulled = parse_reference(container["image"]).digest or found.digest
    digest = str(pinned.setdefault(container["name"], pulled))
    for each in launch.task["containers"]:
        if each["name"] == container["name"]:
            each["imageDigest"] = digest
    return digest


def _problem(launch: Launch, container: dict[str, Any], *, exists: bool) -> str | None:
    """Why the pull fails, in Fargate's words.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """
    try:
        reference = parse_reference(container["image"]).with_registry
    except ValueError:
        return f"{_ONE_RETRY}: failed to resolve ref {container['image']}: {container['image']}: not found"
    host, _, name = reference.name.partition("/")
    manifest = reference.digest or reference.tag
    unresolved = f"failed to resolve ref {reference}"
    not_found = f"{_ONE_RETRY}: {unresolved}: {reference}: not found"
    refused = f"{_ONE_RETRY}: {unresolved}: pulling from host {host} failed with status code [manifests {manifest}]"
    by_fault = {
        "missing-image": not_found,
        "no-image-permission": f"{_ONE_RETRY}: {unresolved}: failed to authorize: failed to fetch oauth token: "
        f"unexpected status from GET request to https://{host}/token?scope=repository%3A{name}%3Apull: 401 Unauthorized"
        if container.get("repositoryCredentials")
        else f"{refused}: 403 Forbidden",
        "wrong-platform": "pull image manifest has been retried 7 time(s): image Manifest does not contain descriptor "
        f"matching platform '{PLATFORM}'",
        "slow-registry": f"pull image manifest has been retried 5 time(s): {unresolved}: failed to do request: Head "
        f'"https://{host}/v2/{name}/manifests/{manifest}": dial tcp {REGISTRY_ADDRESS}:443: i/o timeout',
        "registry-limit": f"{refused}: 429 Too Many Requests - Server message: toomanyrequests: retry-after: "
        "735.6\u00b5s, allowed: 44000/minute",
    }
    fault = next((text for name, text in by_fault.items() if launch.fault(container, name)), None)
    return fault or (None if exists else not_found)
