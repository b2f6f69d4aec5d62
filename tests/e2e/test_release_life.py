"""A release from its tag to prod and back: on the embedded AWS, and with the real git repositories of a team."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portside.emulator.client import control, process
from portside.emulator.client.process import LocalAws
from portside.release.configuration_edit import with_versions
from tests.e2e.aws import clients, running_images
from tests.e2e.clone import LONGEST_SECONDS, Answer, Clone
from tests.e2e.documented_commands import commands_of, rehearsed
from tests.stubs import stubs
from tests.unit.git_support import bare, commit, tag, use_own_settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(500)]

REGISTRY = "ghcr.io/sage-bionetworks"
NAMES = ("agora-api", "agora-api-next", "agora-api-docs", "agora-app", "agora-apex")


def ok(answer: Answer) -> Answer:
    assert answer.exit_code == 0, answer.stdout + answer.stderr
    return answer


def test_from_edge_through_stage_to_prod_and_back(deployed: Clone) -> None:
    clone = _at_version(deployed, "4.2.1-rc1")
    untouched = {path: (clone.folder / path).read_bytes() for path in ("app.py", "releases/4.2.1-rc1.json")}
    merged = ok(clone.agora("local", "publish", "edge", "agora-app", "--json")).json()["commit"]
    changed = ok(clone.agora("deploy", "dev", "--local", "--json")).json()
    assert [each["stack"] for each in changed["plan"] if each["action"] != "nothing"] == ["agora-dev-app"]
    verified = ok(clone.agora("release", "verify", "dev", "--local"))
    assert f"edge-{merged[:7]}" in verified.stdout

    cut = ok(clone.agora("release", "cut", "--local", "--json")).json()["plan"]
    assert (cut["version"], cut["commit"]) == ("4.2.1-rc2", merged)
    lock = ok(clone.agora("release", "pin", "4.2.1-rc2", "--local", "--json")).json()["plan"]["lock"]
    assert lock["commit"] == merged
    early = clone.agora("deploy", "prod", "--local")
    assert (early.exit_code, "stage has no recorded healthy deployment" in early.stderr) == (1, True)
    ok(clone.agora("deploy", "stage", "--local"))
    ok(clone.agora("release", "verify", "stage", "--local"))
    finished = ok(clone.agora("release", "finish", "--local", "--json")).json()["plan"]
    assert (finished["tag"], finished["commit"]) == ("agora/release/v4.2.1", merged)
    assert "Proven by stage's deployment 1" in ok(clone.agora("release", "promote", "prod", "--local")).stderr
    ok(clone.agora("deploy", "prod", "--local"))
    ok(clone.agora("release", "verify", "prod", "--local"))
    digests = {f"{REGISTRY}/{name}@{lock['images'][f'{REGISTRY}/{name}:4.2.1-rc2']['digest']}" for name in NAMES}
    assert set().union(*running_images(clients(clone.exports("dev"))).values()).isdisjoint(digests)

    bad = ok(clone.agora("local", "publish", "edge", "--json")).json()["commit"]
    ok(clone.agora("release", "cut", "--local"))
    ok(clone.agora("release", "pin", "4.2.2-rc1", "--local"))
    ok(clone.agora("deploy", "stage", "--local"))
    assert f"4.2.2-{bad[:7]}" in ok(clone.agora("release", "verify", "stage", "--local")).stdout
    back = ok(clone.agora("rollback", "stage", "--local", "--json")).json()
    assert back["plan"]["to"]["version"] == "4.2.1-rc2"
    of = clients(clone.exports("stage"))
    assert set().union(*_images_of_stage(of).values()) == digests
    refused = clone.agora("deploy", "stage", "--local")
    assert (refused.exit_code, "would deploy" in refused.stderr) == (1, True)
    history = ok(clone.agora("history", "stage", "--local", "--json")).json()
    assert [(each["kind"], each["images"]["version"]) for each in history] == [
        ("rollback", "4.2.1-rc2"),
        ("deploy", "4.2.2-rc1"),
        ("deploy", "4.2.1-rc2"),
    ]
    matrix = ok(clone.agora("release", "status", "--local", "--json")).json()["environments"]
    states = {each["environment"]: {cell["state"] for cell in each["services"]} for each in matrix}
    assert states == {"dev": {"differs"}, "stage": {"differs"}, "prod": {"differs"}}
    assert {path: (clone.folder / path).read_bytes() for path in untouched} == untouched, "a rehearsal writes no locks"


def test_the_commands_of_the_page_about_releases_run_in_their_order(
    new_clone: Callable[[], Clone],
) -> None:
    clone = _at_version(new_clone(), "4.2.1-rc1")
    commands = [shlex.split(rehearsed(each))[1:] for each in commands_of("docs/releases.md")]
    end_of_practice = commands.index(["release", "verify", "prod", "--local"]) + 1
    assert ["rollback", "stage", "--local", "--dry-run"] in commands[:end_of_practice]
    for command in commands[:end_of_practice]:
        ok(clone.agora(*command))
    waited = ok(clone.agora("release", "promote", "prod", "--local", "--wait", "--json")).json()["deployment"]
    assert waited["healthy"]
    finished = ok(clone.agora("release", "finish", "--local", "--dry-run", "--json")).json()["plan"]
    assert (finished["candidate"], finished["staged"]["version"]) == ("4.2.2-rc1", "4.2.2-rc1")
    assert ["rollback", "stage", "--local"] in commands[end_of_practice:]
    for command in commands[end_of_practice:]:
        ok(clone.agora(*command))


def _at_version(clone: Clone, version: str) -> Clone:
    """The clone with stage and prod at a version, whatever this repository has them at, and a lock of stubs."""
    configuration = clone.folder / "app.py"
    configuration.write_bytes(with_versions(configuration.read_bytes(), {"stage": version, "prod": version}))
    references = [f"{REGISTRY}/{name}:{version}" for name in NAMES]
    lock = replace(stubs(version, references), stand_in=True)
    (clone.folder / "releases" / f"{version}.json").write_text(lock.written())
    return clone


def _images_of_stage(of: Callable[[str], Any]) -> dict[str, set[str]]:
    """By service, the images of stage's running tasks; prod shares the account."""
    ecs = of("ecs")
    cluster = next(arn for arn in ecs.list_clusters()["clusterArns"] if "agora-stage" in arn)
    arns = ecs.list_tasks(cluster=cluster)["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]
    return {task["group"]: {each["image"] for each in task["containers"]} for task in tasks}


def test_a_team_pins_promotes_and_rolls_back_with_its_own_repositories(
    new_clone: Callable[[], Clone], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_own_settings(monkeypatch, tmp_path)
    clone = _at_version(new_clone(), "4.2.1-rc1")
    monorepo = bare(tmp_path / "monorepo.git")
    commits = {version: commit(monorepo, version) for version in ("4.3.0-rc1", "4.3.0-rc2")}
    for version, tagged in commits.items():
        tag(monorepo, tagged, f"agora/v{version}")
    team = Team(clone, tmp_path / "origin.git", monorepo)
    ok(clone.agora("local", "up"))
    ok(clone.agora("deploy", "stage", "--local", "--dry-run"))
    aws = _local_aws(clone)
    exports = clone.exports("stage") | {"GITHUB_TOKEN": aws.images_token}
    for version, built in commits.items():
        for name in NAMES:
            control.publish_image(f"{REGISTRY}/{name}", tags=[version, f"sha-{built[:7]}"], commit=built, aws=aws)

    unpinned = clone.agora("deploy", "stage", "--yes", **exports)
    assert (unpinned.exit_code, "./agora release pin 4.2.1-rc1" in unpinned.stderr) == (2, True), unpinned.stderr
    team.pin_and_merge("4.3.0-rc1", exports)
    ok(clone.agora("deploy", "stage", "--yes", **exports))
    team.git("checkout", "-q", "dev")
    team.pin_and_merge("4.3.0-rc2", exports)
    unproven = clone.agora("release", "promote", "prod", "--yes", **exports)
    assert (unproven.exit_code, "ran as 4.3.0-rc1" in unproven.stderr) == (1, True), unproven.stderr
    ok(clone.agora("deploy", "stage", "--yes", **exports))
    promoted = ok(clone.agora("release", "promote", "prod", "--yes", "--json", **exports)).json()
    assert promoted["plan"]["version"] == "4.3.0-rc2"
    assert promoted["plan"]["templates"] is not None, promoted["plan"]["remark"]
    assert team.git("rev-parse", f"origin/{promoted['plan']['branch']}") == team.git("rev-parse", "origin/stage")

    back = ok(clone.agora("rollback", "stage", "--yes", "--json", **exports)).json()
    assert back["plan"]["to"]["version"] == "4.3.0-rc1"
    team.merge(back["commit"]["branch"], "stage")
    assert '"GHCR_PACKAGE_VERSION": "4.3.0-rc1"' in (clone.folder / "app.py").read_text()
    ok(clone.agora("deploy", "stage", "--yes", **exports))
    ok(clone.agora("release", "pin", "4.3.0-rc1", "--repository", str(monorepo), "--dry-run", **exports))
    other = commit(monorepo, "Another build")
    control.publish_image(f"{REGISTRY}/agora-app", tags=["4.3.0-rc2"], commit=other, aws=aws)
    taken_over = clone.agora("release", "pin", "4.3.0-rc2", "--repository", str(monorepo), "--dry-run", **exports)
    assert (taken_over.exit_code, "are not of one commit" in taken_over.stderr) == (1, True)
    assert _places_of(aws.images_token, clone.folder) == []


class Team:
    """The clone as a git repository with the branches of the documentation, and where they are pushed to."""

    def __init__(self, clone: Clone, origin: Path, monorepo: Path) -> None:
        self._clone, self._monorepo = clone, monorepo
        (clone.folder / ".gitignore").write_text(".agora/\n__pycache__/\ncdk.out/\n")
        subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
        self.git("init", "-q", "--initial-branch=dev")
        self.git("config", "user.name", "Somebody")
        self.git("config", "user.email", "somebody@example.org")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "The infrastructure")
        self.git("branch", "stage")
        self.git("branch", "prod")
        self.git("remote", "add", "origin", str(origin))
        self.git("push", "-q", "origin", "dev", "stage", "prod")

    def git(self, *arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ["git", *arguments], cwd=self._clone.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def merge(self, branch: str, into: str) -> None:
        """The effect of merging a pull request, and then checking the branch out."""
        self.git("checkout", "-q", into)
        self.git("merge", "-q", "--no-edit", branch)
        self.git("push", "-q", "origin", into)

    def pin_and_merge(self, version: str, exports: dict[str, str]) -> None:
        """Pin a release, merge it to dev, promote it to stage, and merge that."""
        before = (self._clone.folder / "app.py").read_bytes()
        where = ("--repository", str(self._monorepo))
        pinned = ok(self._clone.agora("release", "pin", version, *where, "--yes", "--json", **exports)).json()
        assert (self._clone.folder / "app.py").read_bytes() == before, "the worktree is left alone"
        assert set(pinned["plan"]["files"]) == {"app.py", "CHANGELOG.md", f"releases/{version}.json"}
        self.merge(pinned["commit"]["branch"], "dev")
        promoted = ok(self._clone.agora("release", "promote", "stage", "--yes", "--json", **exports)).json()
        self.merge(promoted["plan"]["branch"], "stage")


def _local_aws(clone: Clone) -> LocalAws:
    found = process.running(clone.folder / ".agora" / "local")
    assert found is not None
    return found


def _places_of(secret: str, folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_two_deployments_of_an_environment_do_not_run_at_the_same_time(new_clone: Callable[[], Clone]) -> None:
    clone = new_clone()
    ok(clone.agora("deploy", "dev", "--local", "--dry-run"))
    ssm = clients(clone.exports("dev"))("ssm")
    lock = {"id": "1", "who": "Developer/jane", "since": "2026-11-26T09:12:45+00:00", "doing": "deploy"}
    ssm.put_parameter(Name="/agora/dev/hold", Value=json.dumps(lock), Type="String")
    refused = clone.agora("deploy", "dev", "--local")
    assert refused.exit_code == 1
    assert "dev is locked by Developer/jane since 2026-11-26 09:12:45 UTC: deploy" in refused.stderr
    assert "./agora unlock dev" in refused.stderr
    assert ok(clone.agora("unlock", "dev", "--local", "--yes", "--json")).json()["broken"]["who"] == "Developer/jane"
    assert _ended_like_a_cancelled_run(clone) == 130
    assert not [each for each in ssm.describe_parameters()["Parameters"] if each["Name"] == "/agora/dev/hold"]
    ok(clone.agora("deploy", "dev", "--local"))
    history = ok(clone.agora("history", "dev", "--local", "--json")).json()
    assert [each["result"] for each in history] == ["healthy", "interrupted"]


def _ended_like_a_cancelled_run(clone: Clone) -> int:
    """The exit code of a deployment that is interrupted while it is running."""
    process = clone.start("deploy", "dev", "--local")
    assert process.stderr is not None
    for line in process.stderr:
        if "agora-dev-network: creat" in line:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=LONGEST_SECONDS)
    return process.returncode
