"""The services and images that are deployed in an environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from portside.aws.model import Service, Stack
from portside.aws.ownership import expect_ours
from portside.aws.reader import Reader
from portside.aws.target import Target
from portside.config.environment import Environment
from portside.config.image_reference import IMAGE_COMMIT_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_OUTPUT, UNKNOWN_COMMIT
from portside.config.service_props import ServiceProps
from portside.config.stacks import service_stack, stacks_for
from portside.errors import UsageError, UserError
from portside.images.resolved_image import short_commit


@dataclass(frozen=True)
class DeployedImage:
    """An image according to the outputs of a stack; `commit` is None where it is unknown."""

    name: str
    tag: str
    digest: str
    commit: str | None

    @property
    def short_commit(self) -> str | None:
        return short_commit(self.commit) if self.commit else None

    def as_json(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


def deployed_images(
    stacks: Mapping[str, Stack], environment: Environment, services: Sequence[ServiceProps]
) -> dict[str, DeployedImage]:
    """By service, according to the outputs of its stack. Services without a stack or such outputs are omitted."""
    found = {}
    for props in services:
        stack = stacks.get(service_stack(environment, props.container_name).name)
        outputs = stack.outputs if stack else {}
        image, digest = outputs.get(IMAGE_OUTPUT), outputs.get(IMAGE_DIGEST_OUTPUT)
        if image and digest:
            name, tag = _name_and_tag(image)
            commit = outputs.get(IMAGE_COMMIT_OUTPUT, UNKNOWN_COMMIT)
            found[props.container_name] = DeployedImage(name, tag, digest, None if commit == UNKNOWN_COMMIT else commit)
    return found


def _name_and_tag(image: str) -> tuple[str, str]:
    """A registry's port and a digest contain a colon too."""
    path, slash, last = image.rpartition("/")
    name, _, tag = last.partition(":")
    return f"{path}{slash}{name}", tag


def find_deployed(target: Target, props: ServiceProps, *, stopped: bool = False) -> Service:
    """A service as it is now; with `stopped`, with its tasks that stopped. Raises `UserError` where it is absent."""
    (found,) = find_all_deployed(target, [props], stopped=stopped)
    return found


def find_all_deployed(
    target: Target, services: Sequence[ServiceProps], *, stopped: bool = False
) -> tuple[Service, ...]:
    """The same for several services, read at once. Raises `UserError` where their stacks are another app's."""
    for props in services:
        if not props.is_service:
            run = target.commands.tool("run", target.environment.short_name(props.container_name))
            raise UsageError(f"{props.container_name} is no service: it does not run always", f"Run it once: {run}")
    look = Reader(target.clients, target.environment, services).look(stopped=stopped).whole()
    names = [each.name for each in stacks_for(target.environment, services)]
    stacks = look.known_stacks
    expect_ours((stacks[name] for name in names if name in stacks), target.environment)
    for service in look.services:
        if not service.status:
            raise UserError(
                f"{service.name} is not deployed in {target.environment.name} {target.place}",
                f"Deploy it: {target.commands.tool('deploy')}",
            )
    return look.services
