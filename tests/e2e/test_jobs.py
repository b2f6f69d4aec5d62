"""A migration before the rollout, a scheduled report and a job on request, on tests/apps/desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps import DESK
from tests.e2e.aws import clients, inventory
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    made = Clone.at(tmp_path / "desk infra", app=DESK)
    yield made
    made.stop()


def jobs(clone: Clone) -> dict[str, dict[str, Any]]:
    [status] = clone.agora("status", "dev", "--local", "--json").json()
    return {each["name"]: each for each in status["jobs"]}


def versions(clone: Clone) -> dict[str, str]:
    [status] = clone.agora("status", "dev", "--local", "--json").json()
    return {each["name"]: each["version"] for each in status["services"]}


def test_a_migration_runs_before_the_services_change_and_stops_the_deployment_if_it_fails(clone: Clone) -> None:
    clone.up()
    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    migrated = answer.stderr.index("of desk-migrate runs")
    assert answer.stderr.index("desk-dev-migrate: created") < migrated < answer.stderr.index("desk-dev-web: ")
    assert "of desk-import runs" not in answer.stderr
    assert jobs(clone)["desk-migrate"]["state"] == "succeeded"
    assert jobs(clone)["desk-report"]["next_start"]

    clone.edit_configuration('"GHCR_PACKAGE_VERSION": "1.0.0"', '"GHCR_PACKAGE_VERSION": "1.1.0"')
    answer = clone.agora("deploy", "dev", "--local", "--yes", "--fault", "migrate=crash-after-start")
    assert answer.exit_code == 1
    assert "desk-migrate: it crashes at start, with exit code 1: TypeError" in answer.stderr
    assert versions(clone) == {"desk-web": "1.0.0", "desk-worker": "1.0.0"}
    assert jobs(clone)["desk-migrate"]["state"] == "failed: exit code 1"
    assert clone.agora("diagnose", "dev", "--local").exit_code == 1
    answer = clone.agora("run", "dev", "migrate", "--local", "--json")
    assert answer.exit_code == 1
    assert "it crashes at start" in str(answer.json()["verdicts"])
    assert "TypeError" in clone.agora("logs", "dev", "migrate", "--local").stdout

    assert clone.agora("local", "faults", "--clear").exit_code == 0
    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    assert "of desk-migrate runs" in answer.stderr
    assert versions(clone) == {"desk-web": "1.1.0", "desk-worker": "1.1.0"}
    [summary] = sorted((clone.folder / ".agora").rglob("summary.json"))[-1:]
    reported = {each["name"]: each for each in json.loads(summary.read_text())["jobs"]}
    assert reported["desk-migrate"]["run"].startswith("exit code 0, ")
    assert (reported["desk-report"]["runs"], reported["desk-report"]["run"]) == (
        "cron(0 3 * * ? *) America/Los_Angeles",
        "",
    )
    [last] = clone.agora("history", "dev", "--local", "--json").json()[:1]
    assert last["jobs"]["desk-migrate"]["exit_code"] == 0

    answer = clone.agora("run", "dev", "import", "--local", "--json", "--", "desk", "import", "--all")
    assert answer.exit_code == 0, answer.stderr
    assert answer.json()["exit_code"] == 0
    assert clone.agora("redeploy", "dev", "import", "--local").exit_code == 2

    of = clients(clone.exports("dev"))
    assert [each["Name"] for each in of("scheduler").list_schedules()["Schedules"]] == ["desk-dev-report"]
    answer = clone.agora("destroy", "dev", "--local", "--yes", "--with-data")
    assert answer.exit_code == 0, answer.stderr
    assert not [each for each in inventory(of) if "/desk/" in each or "desk-dev" in each]
    assert not of("scheduler").list_schedules()["Schedules"]
