"""The images that new tasks of deployed services would run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.aws.model import Service, Task
from portside.aws.target import Target
from portside.config.image_reference import parse_reference
from portside.images.resolved_image import ResolvedImage
from portside.images.service_images import ServiceImage

LookUp = Callable[[str], ResolvedImage]
"""Resolves a reference to its current image. Raises `UserError` if that can't be read."""


@dataclass(frozen=True)
class Starting:
    """The images of new tasks, and by service the digest of its running tasks if all have the same."""

    requested: tuple[ServiceImage, ...] = ()
    running: Mapping[str, str] | None = None


def read_starting(target: Target, services: Sequence[Service], look_up: LookUp) -> Starting:
    """Read the task definitions of services and, for images named by a tag, the current digest of that tag.

    A tag is resolved again by each deployment of ECS, so new tasks may run another image than those that run.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
    """
    ecs = target.clients("ecs")
    requested: list[ServiceImage] = []
    running: dict[str, str] = {}
    for service in services:
        arn = service.definition
        definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        tasks = service.running_tasks
        for container in definition["containerDefinitions"]:
            is_own = container["name"] == service.name
            found = _image(str(container.get("image", "")), look_up)
            name = service.name if is_own else f"{service.name}, container {container['name']}"
            requested.append(
                ServiceImage(name, found.name, found.tag, found.digest) if found else _unknown(name, container)
            )
            if is_own and found and _all_run(tasks, service.name, arn, str(container["image"]), found):
                running[service.name] = found.digest
    return Starting(tuple(requested), running)


def _image(reference: str, look_up: LookUp) -> ResolvedImage | None:
    parsed = parse_reference(reference)
    if parsed is None:
        return None
    if parsed.digest:
        return ResolvedImage(parsed.name, parsed.tag or parsed.digest, parsed.digest, None, "", "")
    return look_up(reference)


def _all_run(tasks: Sequence[Task], container: str, definition: str, reference: str, image: ResolvedImage) -> bool:
    """Whether every running task has this image: by its digest, or of this definition where that names the digest."""
    if "@" in reference:
        return bool(tasks) and all(task.definition == definition for task in tasks)
    digests = {own.digest for task in tasks if (own := task.container(container))}
    return bool(digests) and digests <= image.digests


def _unknown(name: str, container: Mapping[str, Any]) -> ServiceImage:
    return ServiceImage(name, str(container.get("image", "nothing")), "", "")
