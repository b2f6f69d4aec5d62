"""The pages of the cookbook that the index marks as deployed, deployed together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cookbook import pages, write_together
from tests.e2e.aws import clients
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_the_configurations_of_the_pages_are_deployed_and_destroyed(tmp_path: Path) -> None:
    app = tmp_path / "app"
    write_together(app)
    clone = Clone.at(tmp_path / "cookbook", app=app)
    shutil.copytree(app / "pages", clone.folder / "pages")
    clone.up()
    try:
        answer = clone.agora("deploy", "dev", "--local", "--json")
        assert answer.exit_code == 0, answer.stderr
        assert {each["health"] for each in answer.json()["deployment"]["services"]} == {"healthy", "running"}
        [status] = clone.agora("status", "dev", "--local", "--json").json()
        assert {each["name"]: each["state"] for each in status["jobs"]}["library-migrate"] == "succeeded"
        of = clients(clone.exports("dev"))
        [point] = of("efs").describe_access_points()["AccessPoints"]
        assert point["RootDirectory"]["Path"] == "/images"
        assert len(of("sqs").list_queues()["QueueUrls"]) == 2
        answer = clone.agora("destroy", "dev", "--local", "--yes", "--with-data")
        assert answer.exit_code == 0, answer.stderr
        left = [each["StackName"] for each in of("cloudformation").describe_stacks()["Stacks"]]
        assert not [each for each in left if each.startswith("cookbook-dev")]
    finally:
        clone.stop()


def test_some_pages_are_deployed() -> None:
    assert len([each for each in pages() if each.is_deployed]) >= 8
