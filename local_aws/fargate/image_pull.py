"""Pulling the image of a container."""

from __future__ import annotations

from typing import Any

from local_aws.fargate.launch import Launch
from local_aws.fargate.platform import Platform
from local_aws.fargate.stopping import TaskStopped
from local_aws.ministack_modules import ecs
from src.image import parse_reference


def pull(launch: Launch, container: dict[str, Any], platform: Platform) -> str:
    """The image's digest. A service's deployment keeps the digest that its first task found, as ECS does."""
    service = launch.service
    deployment = ecs._deployment_for_task(service, launch.task) if service else None
    found = platform.catalogue.find(container["image"])
    if not found or platform.fault(launch, container, "missing-image"):
        reference = _full_reference(container["image"])
        raise TaskStopped(
            f"CannotPullContainerError: pull image manifest has been retried 1 time(s): "
            f"failed to resolve ref {reference}: {reference}: not found",
            container=container["name"],
        )
    pinned = {} if deployment is None else deployment.setdefault("_image_digests", {})
    named = parse_reference(container["image"])
    pulled = named.digest if named and named.digest else found.digest
    digest = str(pinned.setdefault(container["name"], pulled))
    for each in launch.task["containers"]:
        if each["name"] == container["name"]:
            each["imageDigest"] = digest
    return digest


def _full_reference(image: str) -> str:
    parsed = parse_reference(image)
    if not parsed:
        return image
    host = parsed.name.split("/")[0]
    prefix = "" if "." in host or ":" in host else "docker.io/" + ("" if "/" in parsed.name else "library/")
    return prefix + image + ("" if parsed.tag or parsed.digest else ":latest")
