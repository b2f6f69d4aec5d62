"""The running versions compared with the configuration, and the report when they cannot be read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from portside.aws.target import Target
from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.config.image_reference import IMAGE_COMMIT_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_OUTPUT, UNKNOWN_COMMIT
from portside.config.service_props import ServiceProps
from portside.errors import UserError
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
from portside.images.synthesis_images import keep
from portside.plan import images as operated
from portside.release import monorepo, status
from portside.release.status import (
    AS_WANTED,
    DIFFERENT,
    NOT_DEPLOYED,
    UNKNOWN,
    EnvironmentStatus,
    expect_one_read,
    read_status,
    read_tags,
    released_versions,
)
from portside.release.version_tags import read_tags as tags_of
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.operations_support import FakeCloudFormation, client_error, target

COMMIT = "c9b631124af8271f4f03ff98b87392ae16749fbb"
DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def services(environment: Environment) -> list[ServiceProps]:
    def named(name: str, **changes: Any) -> ServiceProps:
        location = f"ghcr.io/org/{name}:{environment.ghcr_package_version}"
        return service(container_name=name, container_location=location, **changes)

    return [named("api", container_port=3333), named("app", public=True)]


def resolved(reference: str, digest: str = DIGEST) -> ResolvedImage:
    name, _, tag = reference.rpartition(":")
    return ResolvedImage(name, tag, digest, COMMIT, "linux/amd64", "2026-11-23T12:00:00+00:00")


LOCK = Resolution("4.2.0", {each: resolved(each) for each in ("ghcr.io/org/api:4.2.0", "ghcr.io/org/app:4.2.0")})


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Stage and prod at 4.2.0, for which there is a lock."""
    keep(LOCK, tmp_path / "releases" / "4.2.0.json")
    monkeypatch.setattr(operated, "RELEASES", tmp_path / "releases")
    version = {"GHCR_PACKAGE_VERSION": "4.2.0"}
    return check_configuration(environments(stage=version, prod=version), services)


def running(name: str, digest: str = DIGEST, commit: str = COMMIT) -> dict[str, Any]:
    image = {IMAGE_OUTPUT: f"ghcr.io/org/{name}:4.2.0", IMAGE_DIGEST_OUTPUT: digest, IMAGE_COMMIT_OUTPUT: commit}
    return {"outputs": image}


def reaching(configuration: Configuration, stacks: Mapping[str, Mapping[str, Any]]) -> Callable[[str], Target]:
    cloudformation = FakeCloudFormation(stacks)
    return lambda name: target({"cloudformation": cloudformation}, environment=name, configuration=configuration)


def states(found: EnvironmentStatus) -> dict[str, str]:
    return {cell.service: cell.state for cell in found.cells}


def test_each_service_of_each_environment_is_as_the_configuration_says_or_differs_or_is_not_deployed(
    configuration: Configuration,
) -> None:
    stacks = {
        "agora-stage-api": running("api"),
        "agora-stage-app": running("app", OTHER),
        "agora-prod-app": running("app"),
    }
    stage, prod = read_status(configuration, reaching(configuration, stacks))
    assert (stage.name, stage.version, states(stage)) == ("stage", "4.2.0", {"api": AS_WANTED, "app": DIFFERENT})
    assert (prod.name, states(prod)) == ("prod", {"api": NOT_DEPLOYED, "app": AS_WANTED})
    assert (stage.remarks, prod.remarks) == ((), ())


def test_a_cell_has_the_version_the_commit_and_the_digest_of_both_sides(configuration: Configuration) -> None:
    stage, _ = read_status(
        configuration, reaching(configuration, {"agora-stage-app": running("app", OTHER, UNKNOWN_COMMIT)})
    )
    assert json.loads(json.dumps(stage.as_json()))["services"] == [
        {
            "service": "api",
            "state": NOT_DEPLOYED,
            "deployed": None,
            "wanted": {"tag": "4.2.0", "digest": DIGEST, "commit": COMMIT},
        },
        {
            "service": "app",
            "state": DIFFERENT,
            "deployed": {"name": "ghcr.io/org/app", "tag": "4.2.0", "digest": OTHER, "commit": None},
            "wanted": {"tag": "4.2.0", "digest": DIGEST, "commit": COMMIT},
        },
    ]


def test_an_environment_out_of_reach_is_a_remark_and_the_others_are_reported(configuration: Configuration) -> None:
    near = reaching(configuration, {"agora-prod-app": running("app"), "agora-prod-api": running("api")})

    def reach(name: str) -> Target:
        if name == "stage":
            raise UserError("the credentials are for another account", "Choose another profile.")
        return near(name)

    stage, prod = read_status(configuration, reach)
    assert stage.remarks == ("the credentials are for another account",)
    assert states(stage) == {"api": UNKNOWN, "app": UNKNOWN}
    assert set(states(prod).values()) == {AS_WANTED}


def test_what_aws_refuses_is_a_remark_too(configuration: Configuration) -> None:
    class Refusing(FakeCloudFormation):
        def describe_stacks(self, *, StackName: str) -> dict[str, Any]:
            raise client_error("AccessDenied", "not authorized", "DescribeStacks")

        def get_paginator(self, operation: str) -> Any:
            raise client_error("AccessDenied", "not authorized", "DescribeStacks")

    of: dict[str, Any] = {"stage": Refusing(), "prod": FakeCloudFormation()}
    stage, prod = read_status(
        configuration, lambda name: target({"cloudformation": of[name]}, environment=name, configuration=configuration)
    )
    [remark] = stage.remarks
    assert remark.startswith("AWS: ")
    assert "not authorized" in remark
    assert set(states(stage).values()) == {UNKNOWN}
    assert (set(states(prod).values()), prod.remarks) == ({NOT_DEPLOYED}, ())


def test_where_nothing_could_be_read_of_any_environment_that_is_an_error(configuration: Configuration) -> None:
    def refused(_: str) -> Target:
        raise UserError("no credentials")

    found = read_status(configuration, refused)
    with pytest.raises(UserError, match="nothing could be read of") as error:
        expect_one_read(found)
    assert error.value.hint == "no credentials"
    known = dataclasses.replace(found[0].cells[0], is_known=True)
    expect_one_read([dataclasses.replace(found[0], cells=(known,)), *found[1:]])
    expect_one_read([])


def test_a_stack_that_does_not_say_what_it_runs_is_not_said_to_be_missing(configuration: Configuration) -> None:
    stage, _ = read_status(configuration, reaching(configuration, {"agora-stage-app": {"outputs": {}}}))
    assert states(stage) == {"api": NOT_DEPLOYED, "app": UNKNOWN}
    assert stage.remarks == ("the images of app are unknown: their stacks have no such output",)


def test_running_images_are_reported_even_where_nothing_says_which_should_run(
    configuration: Configuration, tmp_path: Path
) -> None:
    (tmp_path / "releases" / "4.2.0.json").unlink()
    stage, _ = read_status(configuration, reaching(configuration, {"agora-stage-app": running("app")}))
    assert states(stage) == {"api": NOT_DEPLOYED, "app": UNKNOWN}
    assert [cell.deployed and cell.deployed.digest for cell in stage.cells] == [None, DIGEST]
    assert "releases/4.2.0.json is missing" in stage.remarks[0]


def test_a_lock_of_stubs_names_no_image_that_could_run(configuration: Configuration, tmp_path: Path) -> None:
    keep(dataclasses.replace(LOCK, stand_in=True), tmp_path / "releases" / "4.2.0.json")
    stage, _ = read_status(configuration, reaching(configuration, {"agora-stage-app": running("app")}))
    assert states(stage)["app"] == UNKNOWN
    assert "made from stubs" in stage.remarks[0]


def test_the_last_tags_come_first_and_finished_ones_are_marked() -> None:
    tags = tags_of(
        ["agora/v4.1.0-rc1", "agora/v4.2.0-rc9", "agora/v4.2.0-rc10", "agora/release/v4.2.0", "agora/v4.3.0-rc1"],
        "agora",
    )
    assert released_versions(tags, 3) == ["4.3.0-rc1", "4.2.0-rc10 (finished)", "4.2.0-rc9 (finished)"]


def test_tags_that_cannot_be_read_are_a_remark(tmp_path: Path) -> None:
    assert read_tags(None) == (None, "app.py has no RELEASES, so no tags are known")
    found, remark = status.read_tags(monorepo.Monorepo(str(tmp_path / "nowhere"), "main", "agora"))
    assert found is None
    assert remark
