"""Production runs only what stage ran healthy: the same ways in, through the real launcher, on an AWS that answers."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portside.images.resolution import Resolution
from tests.e2e.aws import clients
from tests.e2e.clone import Answer, Clone
from tests.promises.production_world import ACCOUNT, APP, REGION, World, lock_of, release
from tests.promises.test_prod_runs_only_committed_images_by_hand import MAIN
from tests.unit.operations_support import deployment_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]


@dataclass(frozen=True)
class Place:
    """A clone, and the embedded AWS as though it were the account of uat and live."""

    clone: Clone
    exports: dict[str, str]
    ssm: Any

    def agora(self, *words: str) -> Answer:
        return self.clone.agora(*words, **self.exports)

    def put(self, environment: str, images: Resolution | None = None, **changes: Any) -> None:
        record = deployment_of(images or release(), **{"place": f"{ACCOUNT}/{REGION}/{environment}"} | changes)
        name = f"/agora/{environment}/deployment"
        self.ssm.put_parameter(Name=name, Value=record.written(), Type="String", Overwrite=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    clone = Clone.at(tmp_path_factory.mktemp("live") / "clone")
    (clone.folder / ".gitignore").write_text(".agora/\n__pycache__/\ncdk.out/\n")
    subprocess.run(["git", "init", "--quiet"], cwd=clone.folder, check=True)
    World(clone.folder).commit({"app.py": APP + MAIN, "releases/1.0.0.json": lock_of(release())})
    clone.up()
    exports = clone.exports("live")
    yield Place(clone, exports, clients(exports)("ssm"))
    clone.stop()


@pytest.fixture(autouse=True)
def as_committed(place: Place) -> None:
    """Neither records nor changes of another test."""
    World(place.clone.folder).git("checkout", "--quiet", "--force", "HEAD", "--", ".")
    place.ssm.delete_parameters(Names=[f"/agora/{name}/deployment" for name in ("uat", "live")])


def refused(answer: Answer, said: str) -> bool:
    return answer.exit_code != 0 and said in answer.stderr and "create" not in answer.stdout


def test_deploy_without_a_record_and_yes(place: Place) -> None:
    answer = place.agora("deploy", "live", "--yes")
    assert refused(answer, "uat has no recorded healthy deployment"), answer.stderr


def test_deploy_by_a_record_from_uncommitted_changes(place: Place) -> None:
    place.put("uat", commit="a" * 40 + "+changes")
    assert refused(place.agora("deploy", "live", "--yes"), "made from uncommitted changes")


def test_deploy_of_a_lock_that_is_not_committed(place: Place) -> None:
    place.put("uat", release(web="evil"))
    (Path(place.clone.folder) / "releases" / "1.0.0.json").write_text(lock_of(release(web="evil")))
    assert refused(place.agora("deploy", "live", "--yes"), "is in no committed lock")


def test_deploy_unproven_with_yes_and_no_terminal(place: Place) -> None:
    answer = place.agora("deploy", "live", "--yes", "--no-verify", "--unproven", "stage is down")
    assert refused(answer, "--unproven needs a terminal"), answer.stderr
    assert not [
        each for each in place.ssm.describe_parameters()["Parameters"] if each["Name"].startswith("/agora/live/")
    ]


def test_rollback_to_what_live_was_never_healthy(place: Place) -> None:
    place.put("live", synthetic=True)
    assert refused(place.agora("rollback", "live", "--yes"), "no earlier healthy deployment")
    place.put("live", commit="a" * 40 + "+changes")
    answer = place.agora("rollback", "live", "--yes", "--to", "1.0.0")
    assert refused(answer, "live runs only images that uat ran healthy"), answer.stderr


def test_what_uat_ran_healthy_gets_to_its_plan(place: Place) -> None:
    place.put("uat")
    answer = place.agora("deploy", "live", "--dry-run", "--no-verify", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert "Proven by uat's deployment 1" in answer.stderr
    assert {each["action"] for each in json.loads(answer.stdout)["plan"]} == {"create"}


def test_a_deployment_of_uat_that_will_prove_nothing_is_noted_in_its_plan(place: Place) -> None:
    plan = ("deploy", "uat", "--dry-run", "--no-verify")
    assert "prove nothing" not in place.agora(*plan).stderr
    with (place.clone.folder / "app.py").open("a") as app:
        app.write("# changed\n")
    answer = place.agora(*plan)
    assert answer.exit_code == 0, answer.stderr
    assert "This will prove nothing for live: these files are not committed: app.py." in " ".join(answer.stderr.split())
