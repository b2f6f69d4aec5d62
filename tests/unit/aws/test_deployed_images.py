"""Which images an environment was last deployed with."""

from __future__ import annotations

from typing import Any

import pytest

from portside.aws.deployed import DeployedImage, deployed_images
from portside.aws.stack_reading import read_all_stacks
from tests.unit.configuration_support import api_and_app, check_configuration, environments
from tests.unit.operations_support import FakeCloudFormation, digest

CONFIGURATION = check_configuration(environments(dev={}), api_and_app())
COMMIT = "c" * 40


def _outputs(image: str, **changes: str) -> dict[str, Any]:
    return {"outputs": {"Image": image, "ImageDigest": digest("app"), "ImageCommit": COMMIT} | changes}


def _read(stacks: dict[str, Any]) -> dict[str, DeployedImage]:
    found = read_all_stacks(FakeCloudFormation(stacks), "agora-dev-")
    return deployed_images(found, CONFIGURATION.environment("dev"), CONFIGURATION.services_of("dev"))


def test_each_services_own_stack_names_its_images() -> None:
    found = _read(
        {
            "agora-dev-app": _outputs("ghcr.io/org/app:edge"),
            "agora-dev-api": _outputs("ghcr.io/org/api:1.0", ImageDigest=digest("api")),
            "agora-dev-other": _outputs("ghcr.io/org/other:1.0"),
            "agora-stage-app": _outputs("ghcr.io/org/app:of-stage"),
        }
    )
    assert found == {
        "app": DeployedImage("ghcr.io/org/app", "edge", digest("app"), COMMIT),
        "api": DeployedImage("ghcr.io/org/api", "1.0", digest("api"), COMMIT),
    }
    assert found["app"].short_commit == "ccccccc"
    assert found["app"].as_json() == {
        "name": "ghcr.io/org/app",
        "tag": "edge",
        "digest": digest("app"),
        "commit": COMMIT,
    }


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("localhost:5000/app:edge", "localhost:5000/app", "edge"),
        ("app:edge", "app", "edge"),
        (f"ghcr.io/org/app:{digest('x')}", "ghcr.io/org/app", digest("x")),
        (f"localhost:5000/app:{digest('x')}", "localhost:5000/app", digest("x")),
    ],
)
def test_ports_and_digests_are_distinguished_from_tags(image: str, name: str, tag: str) -> None:
    found = _read({"agora-dev-app": _outputs(image)})["app"]
    assert (found.name, found.tag) == (name, tag)


@pytest.mark.parametrize("written", [{"ImageCommit": "unknown"}, {}])
def test_a_commit_that_no_one_knew_is_none(written: dict[str, str]) -> None:
    outputs = {"Image": "ghcr.io/org/app:edge", "ImageDigest": digest("app")} | written
    found = _read({"agora-dev-app": {"outputs": outputs}})["app"]
    assert found.commit is None
    assert found.short_commit is None


def test_a_service_that_is_not_deployed_is_omitted() -> None:
    assert _read({}) == {}


@pytest.mark.parametrize(
    "outputs", [{}, {"Image": "ghcr.io/org/app:edge"}, {"ImageDigest": digest("app")}, {"LoadBalancerDNS": "x"}]
)
def test_a_stack_that_does_not_say_what_it_runs_is_omitted(outputs: dict[str, str]) -> None:
    assert _read({"agora-dev-app": {"outputs": outputs}}) == {}
