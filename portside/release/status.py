"""The deployed images of each environment's services, compared with the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.aws.deployed import DeployedImage, deployed_images
from portside.aws.errors import aws_errors
from portside.aws.reader import Reader
from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.stacks import service_stack
from portside.errors import UserError
from portside.images.resolved_image import ResolvedImage
from portside.json_fields import JsonFields
from portside.plan.images import choose_images
from portside.release.monorepo import Monorepo
from portside.release.version_tags import ReleaseTags

AS_WANTED, DIFFERENT, NOT_DEPLOYED, UNKNOWN = "as the configuration says", "differs", "not deployed", "unknown"


@dataclass(frozen=True)
class Cell:
    """A service in an environment: the deployed and the configured image."""

    service: str
    deployed: DeployedImage | None
    wanted: ResolvedImage | None
    is_known: bool = True
    """Whether the deployed image is known."""

    @property
    def state(self) -> str:
        """How the two compare."""
        if not self.is_known:
            return UNKNOWN
        if self.deployed is None:
            return NOT_DEPLOYED
        if self.wanted is None:
            return UNKNOWN
        return AS_WANTED if self.deployed.digest == self.wanted.digest else DIFFERENT

    def as_json(self) -> dict[str, Any]:
        wanted = self.wanted
        return {
            "service": self.service,
            "state": self.state,
            "deployed": self.deployed and self.deployed.as_json(),
            "wanted": wanted and {"tag": wanted.tag, "digest": wanted.digest, "commit": wanted.commit},
        }


@dataclass(frozen=True)
class EnvironmentStatus(JsonFields):
    """An environment's services. `remarks` tell what could not be known, and why."""

    name: str
    version: str
    cells: tuple[Cell, ...]
    remarks: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        fields = super().as_json()
        return {"environment": fields.pop("name"), "services": fields.pop("cells"), **fields}


def read_status(configuration: Configuration, reach: Callable[[str], Target]) -> list[EnvironmentStatus]:
    """Every environment; `reach` returns the target of one, or raises `UserError`."""
    return [_status(configuration, name, reach) for name in configuration.environments]


def expect_one_read(found: Sequence[EnvironmentStatus]) -> None:
    """Raise `UserError` where nothing could be read of any environment."""
    if found and not any(cell.is_known for status in found for cell in status.cells):
        reasons = dict.fromkeys(remark for status in found for remark in status.remarks)
        raise UserError(f"nothing could be read of {', '.join(each.name for each in found)}", "\n".join(reasons))


def read_tags(monorepo: Monorepo | None) -> tuple[ReleaseTags | None, str]:
    """The release tags that exist, or why they could not be read."""
    if monorepo is None:
        return None, "app.py has no RELEASES, so no tags are known"
    try:
        return monorepo.refs().release_tags, ""
    except UserError as error:
        return None, error.message


def _status(configuration: Configuration, name: str, reach: Callable[[str], Target]) -> EnvironmentStatus:
    environment, services = configuration.environment(name), configuration.services_of(name)
    remarks: list[str] = []
    deployed: Mapping[str, DeployedImage] | None = None
    silent: Sequence[str] = ()
    wanted: Mapping[str, ResolvedImage] = {}
    try:
        target = reach(name)
        stacks = Reader(target.clients, environment, services).stacks()
        found = deployed_images(stacks, environment, services)
        silent = [
            each.container_name
            for each in services
            if each.container_name not in found and service_stack(environment, each.container_name).name in stacks
        ]
        deployed = found
        wanted = choose_images(target.environment, configuration, local=target.is_local).images
    except UserError as error:
        remarks.append(error.message)
    except aws_errors() as error:
        remarks.append(f"AWS: {error}")
    if silent:
        remarks.append(f"the images of {', '.join(silent)} are unknown: their stacks have no such output")
    cells = tuple(
        Cell(
            props.container_name,
            (deployed or {}).get(props.container_name),
            wanted.get(props.container_location),
            is_known=deployed is not None and props.container_name not in silent,
        )
        for props in services
    )
    return EnvironmentStatus(name, environment.ghcr_package_version, cells, tuple(remarks))


def released_versions(tags: ReleaseTags, most: int = 5) -> Sequence[str]:
    """The last tagged versions, latest first; finished ones are marked."""
    versions = sorted(tags.versions, reverse=True)[:most]
    return [f"{version} (finished)" if version.release in tags.finished else str(version) for version in versions]
