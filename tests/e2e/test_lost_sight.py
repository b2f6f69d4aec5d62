"""Promise: a refusal by AWS in mid-deployment does not end the watching while a retry can help, and its reason is
never hidden.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portside.emulator.client import control, process
from portside.emulator.client.process import LocalAws
from tests.e2e.clone import LONGEST_SECONDS, Answer, Clone
from tests.e2e.conftest import FirstDeployment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture
def deployed(deployed_once: FirstDeployment) -> Clone:
    return deployed_once.clone


@pytest.fixture
def aws(deployed: Clone) -> Iterator[LocalAws]:
    """The embedded AWS of the clone, which refuses nothing once the test is over."""
    running = process.expect_running(deployed.folder / ".agora" / "local")
    yield running
    control.clear_api_faults(aws=running)


def _deploy_a_new_image(clone: Clone, aws: LocalAws, *refused: tuple[str, str]) -> Answer:
    """Deploy another image, with credentials that expire for these calls once the service is being updated."""
    assert clone.agora("local", "publish", "edge", "agora-app").exit_code == 0
    deploying = clone.start("deploy", "dev", "--local", "--json")
    assert deploying.stderr is not None
    seen = []
    for line in deploying.stderr:
        seen.append(line)
        if "agora-dev-app: updat" in line:
            break
    for service, operation in refused:
        control.set_api_fault(service, operation, "ExpiredTokenException", aws=aws)
    said, rest = deploying.communicate(timeout=LONGEST_SECONDS)
    return Answer(deploying.returncode, said, "".join([*seen, rest]))


def test_expired_credentials_in_mid_deployment_say_what_is_known(deployed: Clone, aws: LocalAws) -> None:
    done = _deploy_a_new_image(deployed, aws, ("elbv2", "DescribeTargetHealth"))
    assert done.exit_code == 1
    error = done.json()["error"]
    assert error["message"] == "the AWS credentials expired while dev was being deployed: its result could not be read"
    assert "Last seen at " in error["hint"]
    assert "./agora diagnose dev --local" in error["hint"]
    assert error["lock"] == "The lock is released."
    assert error["message"] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_lock_that_cannot_be_released_is_reported_with_the_way_to_release_it(deployed: Clone, aws: LocalAws) -> None:
    done = _deploy_a_new_image(deployed, aws, ("elbv2", "DescribeTargetHealth"), ("ssm", "DeleteParameter"))
    left = done.json()["error"]["lock"]
    assert left.startswith("dev is still locked: the lock could not be released (ExpiredTokenException).")
    assert left.endswith("./agora unlock dev --local")
    control.clear_api_faults(aws=aws)
    assert deployed.agora("unlock", "dev", "--local", "--yes").exit_code == 0
