"""Two public services, a worker and a certificate that goes and comes, on tests/apps/press."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apps import PRESS
from tests.e2e.aws import clients
from tests.e2e.clone import Clone

CERTIFICATE = '"CERTIFICATE_ID": "22222222-7db1-4042-90d0-01eb5bde1ffc",'

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    made = Clone.at(tmp_path / "press infra", app=PRESS)
    yield made
    made.stop()


def _answering(url: str, path: str) -> str:
    with urllib.request.urlopen(url + path) as response:
        return str(json.load(response)["container"])


def test_requests_reach_the_service_of_their_route_and_a_failing_worker_is_diagnosed(clone: Clone) -> None:
    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    url = answer.stdout.split("Stub")[1].split()[0]
    expected = {"/": "press-web", "/api": "press-api", "/api/books": "press-api", "/apis": "press-web"}
    assert {path: _answering(url, path) for path in expected} == expected
    elb = clients(clone.exports("dev"))("elbv2")
    groups = {each["TargetGroupArn"] for each in elb.describe_target_groups()["TargetGroups"]}

    clone.edit_configuration(CERTIFICATE, "")
    answer = clone.agora("deploy", "dev", "--local", "--yes")
    assert answer.exit_code == 0, answer.stderr
    assert {path: _answering(url, path) for path in expected} == expected
    assert {each["TargetGroupArn"] for each in elb.describe_target_groups()["TargetGroups"]} == groups

    clone.edit_configuration("press-mail:1.0.0", "press-mail:1.0.1")
    answer = clone.agora("deploy", "dev", "--local", "--yes", "--fault", "press-mail=crash-at-start")
    assert answer.exit_code == 1
    assert "press-mail: it crashes at start, with exit code 1" in answer.stderr
    assert clone.agora("destroy", "dev", "--local", "--yes").exit_code == 0
