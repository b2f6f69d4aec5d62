"""Templates for the tests: one synthesis an environment, shared by all that read it.

They are kept in `.agora/tests`, by a digest of their inputs, for the other processes of the tests and
for the next run.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template
from filelock import FileLock

from portside.config.configuration import ROOT, Configuration
from portside.config.environment import Bastion, Environment
from portside.config.service_props import ServiceProps
from portside.images.release_lock import RELEASES, require_lock
from portside.images.resolution import Resolution
from portside.images.synthesis_images import references_of
from portside.stacks.docdb_stack import DocdbStack
from portside.stacks.ecs_stack import EcsProps, EcsStack
from portside.stacks.load_balanced_service_stack import LoadBalancedServiceStack
from portside.stacks.load_balancer_stack import LoadBalancerStack
from portside.stacks.network_stack import NetworkStack
from portside.stacks.props import DocdbProps
from portside.stacks.service_stack import ServiceSettings, ServiceStack
from portside.stacks.synthesize import build_app
from tests.apps import agora
from tests.stubs import stubs

ENVIRONMENTS = ("dev", "stage", "prod")
SERVICES = ("api", "api-next", "api-docs", "app", "apex")
BASTION = Bastion(key_name="agora-access", ami_id="ami-074a6fac5773fe883")
CERTIFICATE_ID = "00000000-0000-0000-0000-000000000000"

Json = dict[str, Any]

_FOLDER = tempfile.TemporaryDirectory(prefix="agora-templates-")
_KEPT = ROOT / ".agora" / "tests"
_KEPT_SECONDS = 24 * 60 * 60


@functools.cache
def configuration() -> Configuration:
    return agora()


def configuration_with(name: str, **changes: Any) -> Configuration:
    """The configuration with one environment changed."""
    environment = dataclasses.replace(configuration().environment(name), **changes)
    return dataclasses.replace(configuration(), environments={**configuration().environments, name: environment})


@functools.cache
def images_of(name: str) -> Resolution:
    """The images of an environment: of its release's lock, for others those that the embedded AWS makes up."""
    version, references = environment(name).ghcr_package_version, references_of(configuration().services_of(name))
    if environment(name).is_released:
        return require_lock(name, version, references, [RELEASES])
    return stubs(version, references)


def synthesize(of: Configuration, name: str, context: Mapping[str, Any] | None = None) -> Path:
    """Synthesize an environment into a new folder, and return its path."""
    return _synthesize(of, name, images_of(name), context or {})


def _synthesize(of: Configuration, name: str, images: Resolution | None, context: Mapping[str, Any]) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_FOLDER.name))
    build_app(of, name, images=images, outdir=str(folder), context=context).synth()
    return folder


def shared_synthesis(of: Configuration, name: str, context: Mapping[str, Any] | None = None) -> Path:
    """A folder with the environment's assembly, made once for equal input. It must not be changed."""
    return shared_synthesis_with(images_of(name), of, name, context or {})


def shared_synthesis_with(
    images: Resolution | None, of: Configuration, name: str, context: Mapping[str, Any] | None = None
) -> Path:
    """As `shared_synthesis`, with images or with those that the configuration names."""
    context = dict(sorted((context or {}).items()))
    inputs = repr((of.identity, of.environment(name), of.services_of(name), images, context))
    kept = _kept_folder() / hashlib.sha256(inputs.encode()).hexdigest()
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            part = kept.with_suffix(".part")
            shutil.copytree(_synthesize(of, name, images, context), part, dirs_exist_ok=True)
            part.rename(kept)
    return kept


@functools.cache
def _kept_folder() -> Path:
    """The folder of what these sources and libraries make; what others made is removed after a day."""
    digest = hashlib.sha256(" ".join([sys.version, version("aws-cdk-lib"), version("constructs")]).encode())
    machinery = ROOT / "portside"
    sources = [each for part in ("config", "images", "stacks") for each in (machinery / part).rglob("*")]
    for file in (ROOT / "cdk.json", *sorted([*machinery.glob("*.py"), *sources])):
        if file.is_file() and file.suffix != ".pyc":
            digest.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    folder = _KEPT / digest.hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in _KEPT.iterdir():
        if time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def read_templates(folder: Path) -> dict[str, Json]:
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in folder.glob("*.template.json")
    }


@functools.cache
def assembly(name: str) -> Path:
    """The environment as the configuration has it."""
    return shared_synthesis(configuration(), name)


@functools.cache
def templates(name: str) -> dict[str, Json]:
    """The environment's templates, by stack name."""
    return read_templates(assembly(name))


@functools.cache
def moving_templates(name: str) -> dict[str, Json]:
    """The templates of the step that takes a running environment over: exports kept, and the bastion that runs."""
    return read_templates(shared_synthesis(configuration_with(name, keep_exports=True, bastion=BASTION), name))


@functools.cache
def settled_templates(name: str) -> dict[str, Json]:
    """The templates once nothing is exported for the earlier app's stacks any more."""
    return read_templates(shared_synthesis(configuration_with(name, keep_exports=False, bastion=BASTION), name))


def environment(name: str) -> Environment:
    return configuration().environment(name)


def stack(name: str, part: str) -> Json:
    return templates(name)[environment(name).stack_name(part)]


def of_type(template: Json, kind: str) -> dict[str, Json]:
    return {key: resource for key, resource in template["Resources"].items() if resource["Type"] == kind}


def properties(template: Json, kind: str) -> Json:
    """The properties of the only resource of a type."""
    [resource] = of_type(template, kind).values()
    return resource["Properties"]  # type: ignore[no-any-return]


def every_resource(name: str) -> Iterator[tuple[str, str, Json]]:
    for stack_name, template in templates(name).items():
        for key, resource in template["Resources"].items():
            yield stack_name, key, resource


def references(value: Any) -> set[str]:
    """The stacks whose outputs a template reads."""
    if isinstance(value, list):
        return {each for item in value for each in references(item)}
    if not isinstance(value, dict):
        return set()
    read = value.get("Fn::GetStackOutput")
    own = {read["StackName"]} if isinstance(read, dict) else set()
    return own | {each for item in value.values() for each in references(item)}


def json_of(made: cdk.Stack) -> Json:
    """The template of a stack that was made directly."""
    return dict(Template.from_stack(made).to_json())


class Parts:
    """Stacks made directly, without a configuration, as other projects' code does."""

    def __init__(self) -> None:
        self.app = cdk.App()
        self.network = NetworkStack(self.app, "Network", "10.254.192.0/24")
        self.ecs = EcsStack(self.app, "Ecs", self.network.vpc, "dev.app.io", EcsProps(callees=["app", "other"]))

    @functools.cached_property
    def docdb(self) -> DocdbStack:
        kind = ec2.InstanceType.of(ec2.InstanceClass.MEMORY5, ec2.InstanceSize.LARGE)
        return DocdbStack(self.app, "Docdb", self.network.vpc, DocdbProps(kind, "master", 27017, hardened=True))

    @functools.cached_property
    def load_balancer(self) -> LoadBalancerStack:
        return LoadBalancerStack(self.app, "LoadBalancer", self.network.vpc)

    def service(self, props: ServiceProps, construct_id: str = "app", **keywords: Any) -> Json:
        settings = ServiceSettings(**keywords)
        stack = ServiceStack(self.app, construct_id, self.network.vpc, self.ecs.cluster, props, settings)
        return json_of(stack)

    def public_service(self, props: ServiceProps, certificate_id: str = CERTIFICATE_ID, **keywords: Any) -> Json:
        stack = LoadBalancedServiceStack(
            self.app,
            "apex",
            self.network.vpc,
            self.ecs.cluster,
            props,
            self.load_balancer.alb,
            certificate_id,
            **keywords,
        )
        return json_of(stack)


def app_props(**changes: Any) -> ServiceProps:
    fields: Json = {
        "container_name": "app",
        "container_location": "ghcr.io/sage-bionetworks/app:1.0",
        "container_port": 8010,
        "container_memory_reservation": 200,
    }
    return ServiceProps(**(fields | changes))
