"""The image of each service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from portside.config.image_reference import parse_reference
from portside.config.service_props import ServiceProps
from portside.images.resolution import Resolution


@dataclass(frozen=True)
class ServiceImage:
    """The image of a service. Without a digest it can't be proven."""

    service: str
    name: str
    tag: str
    digest: str

    @property
    def reference(self) -> str:
        """The image in messages."""
        return f"{self.name}:{self.tag} {self.digest}".rstrip()


def service_images(services: Sequence[ServiceProps], images: Resolution) -> list[ServiceImage]:
    """The image of each service. Images of another version are found by their names."""
    by_name = {image.name: image for image in images.images.values()}
    found = []
    for props in services:
        location = props.container_location
        parsed = parse_reference(location)
        image = images.images.get(location) or (by_name.get(parsed.name) if parsed else None)
        if image is None:
            found.append(ServiceImage(props.container_name, location, "", ""))
        else:
            found.append(ServiceImage(props.container_name, image.name, image.tag, image.digest))
    return found
