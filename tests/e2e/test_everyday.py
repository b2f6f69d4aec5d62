"""The verbs of every day on a deployed environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.e2e.aws import clients, running_images
from tests.e2e.clone import Answer, Clone
from tests.unit.everyday_support import write_plugin

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_what_runs_is_shown_for_every_environment(first_deployment: tuple[Clone, Answer]) -> None:
    clone, _ = first_deployment
    answer = clone.agora("status", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    dev = next(each for each in answer.json() if each["environment"] == "dev")
    assert {service["state"] for service in dev["services"]} <= {"healthy", "running"}
    assert {service["version"] for service in dev["services"]} == {"edge"}
    assert all(service["commit"] for service in dev["services"])
    apex = next(each for each in dev["services"] if each["name"] == "agora-apex")
    assert (apex["healthy_targets"], apex["targets"]) == (1, 1)
    assert dev["last_deployment"]["result"] == "healthy"
    assert (dev["stacks_not_usable"], dev["remarks"]) == ({}, [])


def test_the_log_lines_of_a_service_are_those_of_its_tasks(first_deployment: tuple[Clone, Answer]) -> None:
    clone, _ = first_deployment
    answer = clone.agora("logs", "dev", "api-docs", "--local", "--since", "1h", "--json")
    assert answer.exit_code == 0, answer.stderr
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert lines
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert not [line for line in lines if "agora-app" in line["message"]]


def test_a_command_is_executed_through_the_plugin(first_deployment: tuple[Clone, Answer], tmp_path: Path) -> None:
    clone, _ = first_deployment
    record = write_plugin(tmp_path, exit_code=4)
    path = f"{tmp_path}{os.pathsep}{clone.environment()['PATH']}"
    answer = clone.agora("exec", "dev", "api", "--local", "--", "ls", "-l", PATH=path)
    assert answer.exit_code == 4, answer.stderr
    called = json.loads(record.read_text())
    assert called["arguments"][0] == "AWS_SSM_START_SESSION_RESPONSE"
    assert json.loads(called["arguments"][4])["Target"].startswith("ecs:agora-dev-ecs-Cluster")
    assert called["response"]["tokenValue"]
    assert called["response"]["tokenValue"] not in answer.stdout + answer.stderr


def test_new_tasks_replace_those_that_run(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    before = running_images(of)
    answer = deployed.agora("redeploy", "dev", "api", "apex", "--local", "--json")
    assert answer.exit_code == 0, answer.stderr
    assert answer.json()["services"] == {"agora-api": "stable", "agora-apex": "stable"}
    assert running_images(of) == before
    loaded = deployed.agora("load-data", "dev", "--local", "--version", "68")
    assert loaded.exit_code == 0, loaded.stderr
    assert "dev has data version 68" in loaded.stdout
    assert not of("ecs").list_task_definitions(familyPrefix="agora-dev-data-load")["taskDefinitionArns"]
    again = deployed.agora("load-data", "dev", "--local", "--dry-run", "--json")
    assert again.json()["data_version"] == "68"
