"""A small configuration, a git repository and the records of two environments, to try ways into production on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from portside.aws.configured import configured
from portside.aws.model import Container, Service, Task
from portside.aws.target import Target
from portside.cli.proof import clear_deployment, clear_images, clear_task
from portside.cli.targets import ConfiguredTarget
from portside.config.configuration import Configuration, load_configuration
from portside.deploy.clearance import Clearance
from portside.deploy.starting import Starting, read_starting
from portside.git import git
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.images.service_images import ServiceImage
from portside.records.deployment_record import DeploymentRecord, read_records, write_record
from portside.records.task_record import TaskRecord, write_task
from tests.unit.configuration_support import named
from tests.unit.operations_support import NOON, FakeParameters, deployment_of, digest, resolved

ACCOUNT, REGION = "111122223333", "us-east-1"
RUNNING = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:7"

APP = """\
from portside.config.environment import Environment
from portside.config.service_props import HealthCheck, ServiceProps

APP = "agora"
COMMON = {
    "ACCOUNT": "111122223333",
    "CERTIFICATE_ID": "e8093404-7db1-4042-90d0-01eb5bde1ffc",
    "TAGS": {"CostCenter": "NO PROGRAM / 000000"},
    "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
}
ENVIRONMENTS = {
    "uat": COMMON
    | {"KIND": "staging", "VPC_CIDR": "10.254.1.0/24", "FQDN": "uat.example.org", "GHCR_PACKAGE_VERSION": "1.0.0"},
    "live": COMMON
    | {"KIND": "production", "VPC_CIDR": "10.254.2.0/24", "FQDN": "www.example.org", "GHCR_PACKAGE_VERSION": "1.0.0"},
}


def services(environment: Environment) -> list[ServiceProps]:
    version = environment.ghcr_package_version
    return [
        ServiceProps(
            container_name=name,
            container_port=port,
            container_memory_reservation=512,
            container_location=f"ghcr.io/org/{name}:{version}",
            container_healthcheck=HealthCheck(["CMD-SHELL", f"curl -fsS http://localhost:{port}/health || exit 1"]),
            public=name == "web",
        )
        for name, port in (("api", 3333), ("web", 80))
    ]
"""


def release(version: str = "1.0.0", **contents: str) -> Resolution:
    """The images of a release; `contents` tell digests apart that are not those of the version."""
    images = [resolved(name, version, contents.get(name, "")) for name in ("api", "web")]
    return Resolution(version, {f"{image.name}:{version}": image for image in images})


def lock_of(images: Resolution, *more: ResolvedImage) -> str:
    """The text of a lock; `more` are images that no service runs."""
    added = {f"{image.name}:{image.tag}": image for image in more}
    return replace(images, images={**images.images, **added}).written()


class Elsewhere:
    """A client that is not asked anything."""

    def __init__(self, service: str = "cloudformation") -> None:
        self.meta = SimpleNamespace(endpoint_url=f"https://{service}.{REGION}.amazonaws.com")


class OneService:
    """ECS with the service web, whose task definition and tasks a test chooses."""

    def __init__(
        self, image: str, *, running: str, tasks_of: str = RUNNING, more: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._image, self._running, self._tasks_of, self._more = image, running, tasks_of, more

    def describe_task_definition(self, *, taskDefinition: str) -> dict[str, Any]:
        assert taskDefinition == RUNNING
        return {"taskDefinition": {"containerDefinitions": [{"name": "web", "image": self._image}, *self._more]}}

    @property
    def task(self) -> Task:
        """The running version."""
        own = Container("web", "RUNNING", digest=self._running)
        return Task("t1", self._tasks_of, "RUNNING", NOON, containers=(own,))


@dataclass
class World:
    """The clone in `folder`, whose last commit has `app.py` and the lock of 1.0.0, and the parameters of both."""

    folder: Path
    ssm: FakeParameters = field(default_factory=FakeParameters)
    is_local: bool = False
    registry: dict[str, ResolvedImage] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> World:
        folder.mkdir(parents=True)
        world = cls(folder)
        world.git("init", "--quiet")
        world.commit({"app.py": APP, "releases/1.0.0.json": lock_of(release(), loader())})
        return world

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false")
        return git(*who, *arguments, folder=self.folder, variables={"GIT_CONFIG_GLOBAL": os.devnull})

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def commit(self, files: Mapping[str, str]) -> None:
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A change")

    def configuration(self, **versions: str) -> Configuration:
        return load_configuration(self.folder / "app.py", versions=versions, root=self.folder)

    def configured(self, **versions: str) -> ConfiguredTarget:
        """live, as a command acts on it."""
        configuration = self.configuration(**versions)
        clients = {"ssm": self.ssm, "cloudformation": Elsewhere()}
        return ConfiguredTarget(
            Target(configuration.environment("live"), self.is_local, clients.__getitem__, {}), configuration
        )

    def ran(self, environment: str, images: Resolution | None = None, **changes: Any) -> DeploymentRecord:
        """A deployment of an environment that is recorded; by default it proves what it ran."""
        place = f"{ACCOUNT}/{REGION}/{environment}"
        record = deployment_of(images or release(), **{"place": place} | changes)
        write_record(self.ssm, named(environment), record)
        return record

    def ended(self, environment: str, **changes: Any) -> None:
        """A task of an environment that is recorded; by default it proves its image."""
        place = f"{ACCOUNT}/{REGION}/{environment}"
        image = loader()
        record = TaskRecord("loader", image.name, image.digest, 0, "2026-11-23T12:00:00+00:00", "jane", "a" * 40, place)
        write_task(self.ssm, named(environment), replace(record, **changes))

    def deploy(self, images: Resolution | None = None, reason: str | None = None) -> Clearance:
        images = images or release()
        return clear_deployment(self.configured(live=images.version), images, reason=reason, profile=None)

    def roll_back(self, images: Resolution, reason: str | None = None) -> Clearance:
        expected = [
            ServiceImage(image.name.rpartition("/")[2], image.name, image.tag, image.digest)
            for image in images.images.values()
        ]
        configured = self.configured(live=images.version)
        return clear_images(configured, lambda: Starting(tuple(expected)), images=images, reason=reason, profile=None)

    def redeploy(self, ecs: OneService, reason: str | None = None) -> Clearance:
        place = self.configured()
        clients = {"ssm": self.ssm, "ecs": ecs, "cloudformation": Elsewhere()}
        target = replace(place.target, clients=clients.__getitem__)
        props = next(each for each in place.services if each.container_name == "web")
        service = Service("web", "live-web", configured(props), status="ACTIVE", definition=RUNNING, tasks=(ecs.task,))
        return clear_images(
            place, lambda: read_starting(target, [service], self.registry.__getitem__), reason=reason, profile=None
        )

    def run_task(self, image: ResolvedImage | None = None, reason: str | None = None) -> Clearance:
        image = image or loader()
        expected = ServiceImage("loader", image.name, image.tag, image.digest)
        return clear_task(self.configured(), expected, Starting, reason=reason, profile=None)

    def history(self, environment: str) -> list[DeploymentRecord]:
        return read_records(self.ssm, named(environment))

    def put_by_hand(self, environment: str, fields: Mapping[str, Any]) -> None:
        """A record that a user with rights on the account writes."""
        self.ssm.put_parameter(
            Name=f"/agora/{environment}/deployment",
            Value=json.dumps(fields),
            Type="String",
            Overwrite=True,
            Description="by hand",
        )


def loader() -> ResolvedImage:
    return resolved("loader", "1.0.0")


__all__ = ["ACCOUNT", "APP", "REGION", "RUNNING", "OneService", "World", "digest", "loader", "lock_of", "release"]
