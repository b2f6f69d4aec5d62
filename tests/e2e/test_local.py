"""The embedded AWS in a user's hands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.aws import clients
from tests.e2e.clone import LONGEST_SECONDS, Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def clone(new_clone: Callable[[], Clone]) -> Iterator[Clone]:
    """A clone on which nothing runs, before and after."""
    clone = new_clone()
    yield clone
    clone.agora("local", "down")


def test_it_is_started_asked_emptied_and_stopped(clone: Clone) -> None:
    stopped = clone.agora("local", "status")
    assert (stopped.exit_code, "is not running" in stopped.stdout) == (1, True)
    started = clone.agora("local", "up", "--json").json()
    assert clone.agora("local", "up", "--json").json() == started, "the running one is used"
    assert clone.agora("local", "status", "--json").json()["url"] == started["url"]
    refused = clone.agora("local", "reset")
    assert refused.exit_code == 1, "a closed stdin is a no"
    assert "nothing was changed" in refused.stderr
    assert clone.agora("local", "reset", "--yes").exit_code == 0
    assert clone.agora("local", "down").exit_code == 0
    assert clone.agora("local", "status").exit_code == 1
    assert _processes_of(clone) == []


def test_without_it_the_exports_say_how_to_start_it(clone: Clone) -> None:
    answer = clone.agora("local", "env", "dev")
    assert answer.exit_code == 1
    assert "./agora local up" in answer.stderr
    assert answer.stdout == ""


def test_it_listens_on_this_machine_only_and_takes_another_port_when_its_own_is_taken(clone: Clone) -> None:
    first = clone.agora("local", "up", "--json").json()["url"]
    assert first.startswith("http://127.0.0.1:")
    clone.agora("local", "down")
    with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))):
        second = clone.agora("local", "up", "--json")
        assert second.exit_code == 0, second.stderr
        assert second.json()["url"] != first


def test_a_killed_server_is_replaced(clone: Clone) -> None:
    killed = clone.agora("local", "up", "--json").json()["pid"]
    os.kill(killed, signal.SIGKILL)
    answer = clone.agora("local", "up", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.json()["pid"] != killed


def test_the_documented_commands_work_by_hand(first_deployment: tuple[Clone, object]) -> None:
    clone, _ = first_deployment
    exports = clone.exports("dev")
    listed = clone.run(["cdk", "ls"], exports)
    assert "agora-dev-apex" in listed.stdout.split()
    shown = clone.run(["cdk", "diff", "--all"], exports)
    assert shown.exit_code == 0, shown.stderr
    assert "There were no differences" in shown.stdout + shown.stderr
    done = clone.run(["cdk", "deploy", "--all", "--require-approval", "never"], exports)
    assert done.exit_code == 0, done.stderr
    assert (done.stdout + done.stderr).count("(no changes)") == 10


def test_a_new_deployment_can_be_forced(first_deployment: tuple[Clone, object]) -> None:
    clone, _ = first_deployment
    ecs = clients(clone.exports("dev"))("ecs")
    (cluster,) = ecs.list_clusters()["clusterArns"]
    service = next(arn for arn in ecs.list_services(cluster=cluster)["serviceArns"] if "api-docs" in arn)
    before = _running(ecs, cluster, service)
    assert before
    ecs.update_service(cluster=cluster, service=service, forceNewDeployment=True)
    ecs.get_waiter("services_stable").wait(
        cluster=cluster, services=[service], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert before.isdisjoint(_running(ecs, cluster, service))


def _running(ecs: Any, cluster: str, service: str) -> set[str]:
    return set(ecs.list_tasks(cluster=cluster, serviceName=service)["taskArns"])


def test_the_same_code_deploys_to_an_account_with_the_persons_own_credentials(
    first_deployment: tuple[Clone, object],
) -> None:
    clone, _ = first_deployment
    exports = clone.exports("dev")
    answer = clone.agora("deploy", "dev", "--yes", **exports)
    assert answer.exit_code == 0, answer.stderr
    assert "Site" in answer.stdout
    refused = clone.agora("deploy", "prod", "--yes", **exports)
    assert refused.exit_code == 2
    assert "credentials are for account 607346494281" in refused.stderr
    unasked = clone.agora("destroy", "dev", **exports)
    assert (unasked.exit_code, "not confirmed" in unasked.stderr) == (1, True)


def test_two_clones_do_not_meet(new_clone: Callable[[], Clone], clone: Clone) -> None:
    other = new_clone()
    urls = {each.agora("local", "up", "--json").json()["url"] for each in (clone, other)}
    assert len(urls) == 2
    clone.agora("local", "down")
    assert other.agora("local", "status").exit_code == 0


def test_an_interrupted_deployment_leaves_nothing_running_and_the_next_one_works(clone: Clone) -> None:
    process = clone.start("deploy", "dev", "--local")
    assert process.stderr is not None
    for line in process.stderr:
        if "agora-dev-network: creating" in line or "agora-dev-network: created" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert clone.agora("local", "status").exit_code == 1, "what the command started, it stops"
    assert _processes_of(clone) == []
    answer = clone.agora("deploy", "dev", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert {each["health"] for each in answer.json()["deployment"]["services"]} <= {"healthy", "running"}


@pytest.mark.parametrize("victim", ["the tool", "the server", "both"])
def test_a_deployment_that_was_killed_midway_is_completed_by_the_next(clone: Clone, victim: str) -> None:
    process = clone.start("deploy", "dev", "--local")
    assert process.stderr is not None
    begun = next(line for line in process.stderr if "agora-dev-network: creat" in line)
    if victim != "the tool":
        os.kill(int((clone.folder / ".agora" / "local" / "server.lock").read_text()), signal.SIGKILL)
    if victim != "the server":
        os.killpg(process.pid, signal.SIGKILL)
    _, said = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == (1 if victim == "the server" else -signal.SIGKILL), begun + said
    assert "Traceback" not in said
    answer = clone.agora("deploy", "dev", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert {each["health"] for each in answer.json()["deployment"]["services"]} <= {"healthy", "running"}
    if victim != "the server":
        # The locked environment is named; unsaved or repaired state is reported on a separate line.
        lines = ("Released the lock on dev: process", "lost", "ended before it had saved anything")
        assert any(each in answer.stderr for each in lines), answer.stderr


def _processes_of(clone: Clone) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(clone.folder) in line]
