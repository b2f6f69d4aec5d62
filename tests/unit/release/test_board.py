"""The release board: what is behind, the next command, and the page."""

from __future__ import annotations

import re

import pytest

from portside.aws.deployed import DeployedImage
from portside.config.configuration import Configuration
from portside.images.resolved_image import ResolvedImage
from portside.release.board import next_step, release_board
from portside.release.status import Cell, EnvironmentStatus
from portside.release.version_tags import ReleaseTags
from portside.release.version_tags import read_tags as tags_of
from tests.unit.configuration_support import check_configuration, environments
from tests.unit.release.test_status import COMMIT, DIGEST, OTHER, resolved, services

TAGS = ["4.1.0-rc1", "4.2.0-rc1", "4.3.0-rc1"]


def configured(stage: str = "4.2.0-rc1", prod: str = "4.1.0-rc1") -> Configuration:
    written = environments(
        dev={"GHCR_PACKAGE_VERSION": "edge"}, stage={"GHCR_PACKAGE_VERSION": stage}, prod={"GHCR_PACKAGE_VERSION": prod}
    )
    return check_configuration(written, services)


def deployed(digest: str) -> DeployedImage:
    return DeployedImage("ghcr.io/org/api", "4.2.0", digest, COMMIT)


def expected_image() -> ResolvedImage:
    return resolved("ghcr.io/org/api:4.2.0")


def status(name: str, version: str, *cells: Cell) -> EnvironmentStatus:
    return EnvironmentStatus(name, version, cells or (Cell("api", deployed(DIGEST), expected_image()),))


def tags(*finished: str) -> ReleaseTags:
    written = [f"my-app/v{each}" for each in TAGS] + [f"my-app/release/v{each}" for each in finished]
    return tags_of(dict.fromkeys(written, COMMIT), "my-app")


def step(name: str, of: Configuration, *cells: Cell, finished: tuple[str, ...] = ()) -> tuple[str, str]:
    versions = {each.name: each.ghcr_package_version for each in of.environments.values()}
    return next_step(of, status(name, versions[name], *cells), versions, tags(*finished), local=False)


@pytest.mark.parametrize(
    ("name", "cells", "expected"),
    [
        ("dev", (), ("up to date", "")),
        (
            "dev",
            (Cell("api", deployed(OTHER), expected_image()),),
            ("1 service differs from app.py", "./agora deploy dev"),
        ),
        (
            "stage",
            (Cell("api", None, expected_image()), Cell("app", deployed(OTHER), expected_image())),
            ("2 services differ from app.py", "./agora deploy stage"),
        ),
        ("stage", (Cell("api", None, None, is_known=False),), ("not read", "./agora verify stage")),
        ("stage", (), ("4.3.0-rc1 is tagged", "./agora release pin 4.3.0-rc1")),
        ("prod", (), ("stage runs 4.2.0-rc1, which is not finished", "./agora release finish")),
    ],
)
def test_the_next_step_is_the_command_that_catches_up(
    name: str, cells: tuple[Cell, ...], expected: tuple[str, str]
) -> None:
    assert step(name, configured(), *cells) == expected


def test_a_finished_release_is_promoted_to_production() -> None:
    expected = ("stage runs 4.2.0-rc1", "./agora release promote prod")
    assert step("prod", configured(), finished=("4.2.0",)) == expected


def test_environments_with_the_newest_version_are_up_to_date() -> None:
    of = configured("4.3.0-rc1", "4.3.0-rc1")
    assert step("stage", of) == step("prod", of) == ("up to date", "")


def test_the_page_has_services_by_environments_and_loads_nothing() -> None:
    attack = "<script>alert(1)</script>"
    found = [
        status("dev", "edge", Cell("api", deployed(OTHER), expected_image())),
        EnvironmentStatus("stage", "4.2.0-rc1", (Cell("api", None, None, is_known=False),), (attack,)),
        status("prod", "4.1.0-rc1"),
    ]
    page = release_board(configured(), found, tags(), local=True)
    assert not re.search(r"<script|<link|<img|@import|url\(|\bstyle=|\bhref=", page)
    assert "&lt;script&gt;" in page
    for shown in (
        "1 service differs from app.py",
        "./agora deploy dev --local",
        "as the configuration says",
        OTHER[7:19],
    ):
        assert shown in page
    assert re.findall(r'<th scope="col">([^<]+)', page) == ["Service", "dev", "stage", "prod"]
