"""Services as they are deployed."""

from __future__ import annotations

from collections.abc import Sequence

from portside.aws.model import Service
from portside.aws.reader import Reader
from portside.aws.target import Target
from portside.config.service_props import ServiceProps
from portside.errors import UserError


def find_deployed(target: Target, props: ServiceProps, *, stopped: bool = False) -> Service:
    """A service as it is now; with `stopped`, with its tasks that stopped. Raises `UserError` where it is absent."""
    (found,) = find_all_deployed(target, [props], stopped=stopped)
    return found


def find_all_deployed(
    target: Target, services: Sequence[ServiceProps], *, stopped: bool = False
) -> tuple[Service, ...]:
    """The same for several services, read at once."""
    found = Reader(target.clients, target.environment, services).look(stopped=stopped).whole().services
    for service in found:
        if not service.status:
            raise UserError(
                f"{service.name} is not deployed in {target.environment.name} {target.place}",
                f"Deploy it: {target.commands.tool('deploy')}",
            )
    return found
