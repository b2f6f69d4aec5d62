"""Which image each service of an environment was last deployed with, as its own stack tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from portside.aws.stack_reading import read_stacks
from portside.config.stacks import service_stack
from src.environment import Environment
from src.image_outputs import IMAGE_COMMIT_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_OUTPUT, UNKNOWN_COMMIT
from src.resolved_image import short_commit
from src.service_props import ServiceProps


@dataclass(frozen=True)
class DeployedImage:
    """An image that a stack says it runs; `commit` is None where nobody knew it."""

    name: str
    tag: str
    digest: str
    commit: str | None

    @property
    def short_commit(self) -> str | None:
        """The commit as a person sees it."""
        return short_commit(self.commit) if self.commit else None

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def read_deployed_images(
    cloudformation: Any, environment: Environment, services: Sequence[ServiceProps]
) -> dict[str, DeployedImage]:
    """By service. One that is not deployed, or by a stack that doesn't say what it runs, is left out."""
    stacks = {service_stack(environment, props.container_name).name: props.container_name for props in services}
    found = {}
    for stack, state in read_stacks(cloudformation, list(stacks)).items():
        image, digest = state.outputs.get(IMAGE_OUTPUT), state.outputs.get(IMAGE_DIGEST_OUTPUT)
        if image and digest:
            name, tag = _name_and_tag(image)
            commit = state.outputs.get(IMAGE_COMMIT_OUTPUT, UNKNOWN_COMMIT)
            found[stacks[stack]] = DeployedImage(name, tag, digest, None if commit == UNKNOWN_COMMIT else commit)
    return found


def _name_and_tag(image: str) -> tuple[str, str]:
    """A registry's port has a colon too, and so has a digest where that was the form's choice."""
    path, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{path}{slash}{name}", tag
