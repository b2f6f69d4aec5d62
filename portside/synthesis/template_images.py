"""The images that templates name, compared with those that were chosen and proven."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portside.config.environment import Environment
from portside.config.service_props import ServiceProps
from portside.config.stacks import service_stack
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.synthesis.assembly import Stack

_TASK_DEFINITION = "AWS::ECS::TaskDefinition"


def expect_images(
    stacks: Sequence[Stack], environment: Environment, services: Sequence[ServiceProps], images: Resolution
) -> None:
    """Raise `UserError` where a template of production names an image that is not the one chosen for its service.

    `app.py` runs again for the templates, and cached ones come from a folder: neither is trusted.
    """
    if not environment.is_production:
        return
    chosen = {
        service_stack(environment, props.container_name).name: image.reference
        for props in services
        if (image := images.images.get(props.container_location))
    }
    wrong = [
        f"{stack.name}: names {named}, not {chosen.get(stack.name, 'an image that was chosen')}"
        for stack in stacks
        for named in _images_in(stack)
        if named != chosen.get(stack.name)
    ]
    if wrong:
        raise UserError(
            f"the templates of {environment.name} name other images than those that were chosen\n  "
            + "\n  ".join(wrong),
            "Does app.py answer differently each time it is asked? Then make it say one thing, and deploy again.",
        )


def _images_in(stack: Stack) -> Iterator[object]:
    for resource in stack.template.get("Resources", {}).values():
        if resource.get("Type") == _TASK_DEFINITION:
            for container in resource.get("Properties", {}).get("ContainerDefinitions", ()):
                yield container.get("Image")
