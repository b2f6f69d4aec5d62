"""Access points of an EFS file system that a team's own stack creates, and services that mount them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_efs as efs

from portside.config.configuration import Configuration
from portside.config.configuration import check_configuration as check_names
from portside.config.environment import Environment
from portside.config.service_props import DurableVolume
from portside.errors import ConfigurationError
from portside.stacks.describe_own_stacks import own_stacks_of
from portside.stacks.own_stacks import Platform
from portside.stacks.synthesize import build_app
from portside.synthesis.assembly import read_assembly
from tests.unit.configuration_support import environments, one_service, service
from tests.unit.stacks_support import Json, properties, read_templates

ACL = efs.Acl(owner_uid="1000", owner_gid="1000", permissions="750")
USER = efs.PosixUser(uid="1000", gid="1000")
POINT: dict[str, Any] = {"path": "/uploads", "create_acl": ACL, "posix_user": USER}
UPLOADS = DurableVolume("/srv/uploads", "files", "uploads")


def files(point: dict[str, Any], *, zones: int = 2) -> Callable[[cdk.App, Environment, Platform], None]:
    """Own stacks with a file system and this access point."""

    def stacks(app: cdk.App, environment: Environment, platform: Platform) -> None:
        stack: Any = cdk.Stack(app, environment.stack_name("files"))
        subnets = ec2.SubnetSelection(subnets=platform.private_subnets[:zones])
        file_system = efs.FileSystem(stack, "Files", vpc=platform.vpc, vpc_subnets=subnets)
        stack.volumes = {"uploads": file_system.add_access_point("Uploads", **point)}

    return stacks


def configured(stacks: Callable[..., object]) -> Configuration:
    return check_names({"APP": "shop", "ENVIRONMENTS": environments(dev={}), "services": one_service, "stacks": stacks})


def problems(stacks: Callable[..., object]) -> list[str]:
    """The problems that the description of the own stacks reports."""
    configuration = configured(stacks)
    try:
        own_stacks_of(configuration, configuration.environment("dev"))
    except ConfigurationError as error:
        return [str(each) for each in error.problems]
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Templates of a service that writes into the folder, and of another that reads it."""
    made = tmp_path_factory.mktemp("files")
    reader = service(container_name="reader", durable_volumes=[dataclasses.replace(UPLOADS, read_only=True)])
    writer = service(public=True, durable_volumes=[UPLOADS], one_at_a_time=True, auto_scale_max_capacity=1)
    services = (writer, reader, service(container_name="other"))
    of = dataclasses.replace(configured(files(POINT)), services={"dev": services})
    build_app(of, "dev", outdir=str(made)).synth()
    return made


def template(folder: Path, part: str) -> Json:
    return read_templates(folder)[f"shop-dev-{part}"]


def mounted(folder: Path, part: str) -> tuple[Json, Json]:
    """The volume of a task definition, and where its container has it."""
    definition = properties(template(folder, part), "AWS::ECS::TaskDefinition")
    [volume], [mount] = definition["Volumes"], definition["ContainerDefinitions"][0]["MountPoints"]
    assert mount["SourceVolume"] == volume["Name"]
    return volume["EFSVolumeConfiguration"], mount


def rights(folder: Path, part: str) -> list[Json]:
    resources = template(folder, part)["Resources"].items()
    policies = [each["Properties"]["PolicyDocument"] for name, each in resources if name.startswith("TaskRoleDefault")]
    statements = [each for policy in policies for each in policy["Statement"]]
    return [each for each in statements if "elasticfilesystem" in str(each["Action"])]


def test_a_volume_is_mounted_through_its_access_point_with_tls_and_as_the_task_role(folder: Path) -> None:
    for part, read_only in (("app", False), ("reader", True)):
        volume, mount = mounted(folder, part)
        assert volume["TransitEncryption"] == "ENABLED"
        assert volume["AuthorizationConfig"]["IAM"] == "ENABLED"
        assert "Uploads" in str(volume["AuthorizationConfig"]["AccessPointId"])
        assert mount["ContainerPath"] == "/srv/uploads"
        assert mount["ReadOnly"] is read_only


def test_a_task_role_may_only_mount_that_access_point_and_writes_only_if_it_needs_to(folder: Path) -> None:
    [writes], [reads] = rights(folder, "app"), rights(folder, "reader")
    assert writes["Action"] == ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
    assert reads["Action"] == "elasticfilesystem:ClientMount"
    for each in (writes, reads):
        assert "Uploads" in str(each["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"])
        assert "*" not in str(each["Resource"])
    assert not rights(folder, "other")


def test_only_tasks_with_the_volume_reach_the_file_system(folder: Path) -> None:
    rule = properties(template(folder, "files"), "AWS::EC2::SecurityGroupIngress")
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (2049, 2049, "tcp")

    def groups(part: str) -> str:
        service = properties(template(folder, part), "AWS::ECS::Service")
        return str(service["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"])

    assert "shop-dev-files" in groups("app")
    assert "shop-dev-files" in groups("reader")
    assert "shop-dev-files" not in groups("other")


def test_a_service_waits_for_the_mount_targets_of_its_volume(folder: Path) -> None:
    waits = {each.name: set(each.depends_on) for each in read_assembly(folder)}
    assert "shop-dev-files" in waits["shop-dev-app"]
    assert "shop-dev-files" not in waits["shop-dev-other"]


def test_a_service_with_one_task_at_a_time_stops_it_before_it_starts_the_new_one(folder: Path) -> None:
    only, usual = (properties(template(folder, part), "AWS::ECS::Service") for part in ("app", "reader"))
    assert only["DeploymentConfiguration"]["MinimumHealthyPercent"] == 0
    assert only["DeploymentConfiguration"]["MaximumPercent"] == 100
    assert only["AvailabilityZoneRebalancing"] == "DISABLED", "it starts a second task"
    assert usual["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100
    assert usual["DeploymentConfiguration"]["MaximumPercent"] == 200
    assert usual["AvailabilityZoneRebalancing"] == "ENABLED"


def test_the_description_has_the_volumes_and_their_port() -> None:
    configuration = configured(files(POINT))
    [described] = own_stacks_of(configuration, configuration.environment("dev"))
    assert (described.volumes, described.accepts_calls, described.port) == (("uploads",), True, 2049)
    assert described.retained == ("AWS::EFS::FileSystem",)


MISTAKES = [
    ({**POINT, "path": "/"}, "its folder is the whole file system, which belongs to root"),
    ({"path": "/uploads", "posix_user": USER}, "EFS doesn't create its folder, and then no task can mount it"),
    ({"path": "/uploads", "create_acl": ACL}, "has no user, so that the container's own user may not be able to write"),
    (
        {**POINT, "posix_user": efs.PosixUser(uid="33", gid="33")},
        "its folder belongs to user 1000, and tasks write as user 33",
    ),
]


@pytest.mark.parametrize(("point", "said"), MISTAKES)
def test_an_access_point_that_no_task_could_write_to_is_refused(point: dict[str, Any], said: str) -> None:
    [problem] = problems(files(point))
    assert problem.startswith(f"stacks(…): the access point shop-dev-files/Files/Uploads: {said}")


@pytest.mark.parametrize(
    "point",
    [
        POINT,
        {"path": "/", "posix_user": efs.PosixUser(uid="0", gid="0")},
        {**POINT, "posix_user": efs.PosixUser(uid="0", gid="0")},
        {
            **POINT,
            "create_acl": efs.Acl(owner_uid="0", owner_gid="0", permissions="0777"),
        },
    ],
)
def test_an_access_point_that_tasks_can_write_to_is_accepted(point: dict[str, Any]) -> None:
    assert problems(files(point)) == []


def test_a_file_system_without_a_mount_target_in_each_zone_is_refused() -> None:
    [problem] = problems(files(POINT, zones=1))
    assert "1 mount target, and tasks run in 2 zones" in problem
    assert "vpc=platform.vpc" in problem


def test_what_is_no_access_point_is_refused() -> None:
    def stacks(app: cdk.App, environment: Environment) -> None:
        stack: Any = cdk.Stack(app, environment.stack_name("files"))
        stack.volumes = {"uploads": "fsap-0123"}

    [problem] = problems(stacks)
    assert "not access points by name" in problem
